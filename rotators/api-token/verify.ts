import { contradictoryField, type RotatorContext } from '../../src/rotator/index.ts';
import { readJson, requireTextAt } from '../http/json.ts';
import type { Api } from './api.ts';
import { requireAccepted } from './calls.ts';
import type { ApiCredential } from './credential.ts';
import type { Call } from './description.ts';
import { placesIn } from './template.ts';

/** What the API says of a token that it accepts. */
export interface Verified {
  /** Undefined where it doesn't tell. */
  readonly id: string | undefined;
}

/**
 * Whether a token is accepted, or an admin who has none; undefined for a refusal.
 *
 * @throws ApiFailure; InvalidSecretField where it is another account's token than the secret says
 */
export async function verifyToken(
  { description, perform }: Api,
  credential: ApiCredential,
  context: Pick<RotatorContext, 'signal'>,
): Promise<Verified | undefined> {
  const { verify, checkAdmin, accountField = 'username' } = description;
  if (credential.token === undefined && checkAdmin !== undefined) {
    const heard = await perform('checkAdmin', checkAdmin, { admin: credential }, context);
    if (heard.outcome !== 'refused') requireAccepted('checkAdmin', heard);
    return heard.outcome === 'refused' ? undefined : { id: undefined };
  }
  const heard = await perform('verify', verify, { caller: credential }, context);
  if (heard.outcome === 'refused') return undefined;
  const answer = requireAccepted('verify', heard);
  if (verify.account === undefined && verify.id === undefined) return { id: undefined };
  const json = readJson('verify', answer);
  // An admin's secret names no account: it is not the admin's tokens that are minted.
  if (verify.account !== undefined && credential.fields[accountField] !== undefined) {
    const isOwn = requireTextAt('verify', json, verify.account) === credential.account;
    if (!isOwn) throw contradictoryField(accountField, 'is not the account whose token the secret holds');
  }
  return { id: verify.id === undefined ? undefined : requireTextAt('verify', json, verify.id) };
}

/** As above; a refusal counts when it is said twice, since what is dead is not revoked, and one can be of the moment. */
export async function verifyUnlessDead(
  api: Api,
  credential: ApiCredential,
  context: Pick<RotatorContext, 'signal'>,
): Promise<Verified | undefined> {
  return (await verifyToken(api, credential, context)) ?? verifyToken(api, credential, context);
}

/** Whether all is known that revoking a token takes. */
export function isRevocable(
  { description: { verify } }: Api,
  revoke: Call | undefined,
  { id }: ApiCredential,
): boolean {
  return id !== undefined || verify.id !== undefined || !placesIn(revoke).includes('revoked.id');
}
