import { randomBytes } from 'node:crypto';
import { contradictoryField, type IssueContext, type SecretFields } from '../../src/rotator/index.ts';
import { ApiFailure } from '../http/failure.ts';
import { readJson, requireTextAt, textAt, valueAt } from '../http/json.ts';
import type { Answer } from '../http/send.ts';
import { type Api, adminFor, isByToken, labelStart } from './api.ts';
import { requireAccepted } from './calls.ts';
import { type ApiCredential, fieldNames } from './credential.ts';
import type { ApiDescription } from './description.ts';
import { isRevocable, verifyToken } from './verify.ts';

const dayMs = 86_400_000;

/**
 * Mints a token. Looks first whether the one that it will replace can be revoked one day: else nothing is minted.
 *
 * @returns the fields of the secret that the new token changes
 * @throws ApiFailure, AdminSecretMissing, InvalidSecretField
 */
export async function mintToken(
  api: Api,
  current: ApiCredential,
  context: IssueContext<ApiCredential>,
): Promise<SecretFields> {
  const { description, perform } = api;
  const { mint, revoke, overlap } = description;
  if (!isRevocable(api, revoke, current)) {
    throw contradictoryField(fieldNames(description).id, 'is missing, and the API revokes a token by its id');
  }
  const admin = await adminFor(api, [mint], context);
  const own = ownPlaces(description, context);
  for await (const caller of minters(api, current, context)) {
    // Where one token replaces another, a replaced one that comes back may be taken for theft, and end all of them.
    if (overlap === 'none' && (await verifyToken(api, caller, context)) === undefined) continue;
    const heard = await perform('mint', mint, { caller, admin, own }, context);
    if (heard.outcome !== 'refused')
      return mintedFields(description, current, requireAccepted('mint', heard));
  }
  throw new ApiFailure('PermissionDenied', 'mint was refused');
}

/** Where a token mints the next, any that is stored can, should AWSCURRENT be refused. */
async function* minters(
  { description: { mint } }: Api,
  current: ApiCredential,
  context: IssueContext<ApiCredential>,
): AsyncGenerator<ApiCredential> {
  yield current;
  if (!isByToken(mint)) return;
  for await (const stored of context.stored()) if (stored.token !== current.token) yield stored;
}

/** Some APIs refuse a label that they know, and each try mints anew: so what identifies the rotation is not all of it. */
function ownPlaces(
  { lifetimeDays }: ApiDescription,
  { owner, requestToken }: IssueContext<ApiCredential>,
): Record<string, string | number> {
  const label = `${labelStart(owner)}${requestToken}-${randomBytes(3).toString('hex')}`;
  if (lifetimeDays === undefined) return { label, owner, requestToken };
  const end = new Date(Date.now() + lifetimeDays * dayMs).toISOString();
  return {
    label,
    owner,
    requestToken,
    'expiry.date': end.slice(0, 10),
    'expiry.time': end.replace(/\.\d+Z$/, 'Z'),
    'expiry.seconds': (lifetimeDays * dayMs) / 1000,
    'expiry.days': lifetimeDays,
  };
}

/** @throws ApiFailure for an answer without the token: what was minted is found by its label then */
function mintedFields(
  description: ApiDescription,
  { tokenField, isPlain }: ApiCredential,
  answer: Answer,
): SecretFields {
  const { mint } = description;
  const names = fieldNames(description);
  const json = readJson('mint', answer);
  const token = valueAt(json, mint.token);
  if (typeof token !== 'string' || token === '') {
    throw new ApiFailure('TargetFailed', `The answer to mint has no token at "${mint.token}"`);
  }
  if (isPlain) return { [tokenField]: token };
  return {
    [tokenField]: token,
    ...(mint.id === undefined ? {} : { [names.id]: requireTextAt('mint', json, mint.id) }),
    ...(mint.expiresAt === undefined ? {} : { [names.expiresAt]: textAt(json, mint.expiresAt) ?? null }),
  };
}
