import { contradictoryField, KeyturnError, type RotatorContext } from '../../src/rotator/index.ts';
import { ApiFailure } from '../http/failure.ts';
import { readJson } from '../http/json.ts';
import type { HttpAnswer } from '../http/send.ts';
import { readerOf } from './answer.ts';
import type { Api } from './api.ts';
import { requireAccepted } from './calls.ts';
import type { ApiCredential } from './credential.ts';
import type { Call } from './description.ts';
import { placeholdersIn } from './template.ts';

/** What the API says about a token that it accepts. */
export interface Verified {
  /** Undefined if it doesn't tell. */
  readonly id: string | undefined;
}

/**
 * Tries a credential: a token, or an admin without one.
 *
 * @returns undefined if the API refuses it
 * @throws ApiFailure; InvalidSecretField if the token is of another account than the secret says
 */
export async function verifyToken(
  { description, perform }: Api,
  credential: ApiCredential,
  context: Pick<RotatorContext, 'signal'>,
): Promise<Verified | undefined> {
  const { verify, accountField = 'username' } = description;
  if (credential.token === undefined) return verifyAdmin({ description, perform }, credential, context);
  const heard = await perform('verify', verify, { caller: credential }, context);
  if (heard.outcome === 'refused') return undefined;
  const answer = requireAccepted('verify', heard);
  requireContent('verify', verify, answer);
  if (verify.account === undefined && verify.id === undefined) return { id: undefined };
  const reader = readerOf('verify', answer);
  // Skip this for an admin secret that names no account.
  if (verify.account !== undefined && credential.fields[accountField] !== undefined) {
    const isOwn = reader.requireText(verify.account) === credential.account;
    if (!isOwn) throw contradictoryField(accountField, 'is not the account whose token the secret holds');
  }
  return { id: verify.id === undefined ? undefined : reader.requireText(verify.id) };
}

/**
 * A proxy may answer anything with an empty 200. So an empty 200 proves no credential, unless the description says in `accepted`
 * that it does. 204 is fine: it says itself that the answer is empty.
 */
function requireContent(name: string, { accepted }: Call, answer: HttpAnswer): void {
  if (accepted !== undefined || answer.status === 204) return;
  const json = readJson(name, answer);
  if (json === null || json === '')
    throw new ApiFailure('TargetFailed', `${name} was answered ${answer.status} with nothing`);
}

/** Tries an admin without a token, who authenticates with other fields of the admin secret. */
async function verifyAdmin(
  { description: { name, checkAdmin, list, fields }, perform }: Api,
  admin: ApiCredential,
  context: Pick<RotatorContext, 'signal'>,
): Promise<Verified | undefined> {
  // Without checkAdmin, use `list`, if it takes everything from the admin secret.
  const isAdmins =
    list !== undefined && placeholdersIn(list).every((placeholder) => placeholder.startsWith('admin.'));
  const call: Call | undefined = checkAdmin ?? (isAdmins ? list : undefined);
  if (call === undefined) {
    const field = fields?.token ?? 'token';
    throw new KeyturnError(
      'InvalidSecretField',
      `A secret for api-token/${name} holds no "${field}". It is the secret itself, or an admin secret that can't be tried.`,
      `Put the token into the secret. For an admin without a token, add "checkAdmin" to the description.`,
      { field },
    );
  }
  const heard = await perform('checkAdmin', call, { admin }, context);
  if (heard.outcome !== 'refused') requireContent('checkAdmin', call, requireAccepted('checkAdmin', heard));
  return heard.outcome === 'refused' ? undefined : { id: undefined };
}

/** As {@link verifyToken}, but undefined only after two refusals. A token that counts as dead is not revoked, and one refusal may be temporary. */
export async function verifyUnlessDead(
  api: Api,
  credential: ApiCredential,
  context: Pick<RotatorContext, 'signal'>,
): Promise<Verified | undefined> {
  return (await verifyToken(api, credential, context)) ?? verifyToken(api, credential, context);
}

/** Whether the token can be revoked: its id is known or not needed. */
export function isRevocable(
  { description: { verify } }: Api,
  revoke: Call | undefined,
  { id }: ApiCredential,
): boolean {
  return id !== undefined || verify.id !== undefined || !placeholdersIn(revoke).includes('revoked.id');
}
