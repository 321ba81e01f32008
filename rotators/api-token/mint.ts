import { randomBytes } from 'node:crypto';
import { contradictoryField, type IssueContext, type SecretFields } from '../../src/rotator/index.ts';
import { ApiFailure } from '../http/failure.ts';
import type { HttpAnswer } from '../http/send.ts';
import { type AnswerReader, expiryAt, readerOf, written } from './answer.ts';
import { type Api, adminFor, isByToken, labelStart } from './api.ts';
import { failureOf, requireAccepted, valuesOf } from './calls.ts';
import { type ApiCredential, fieldNames } from './credential.ts';
import type { ApiDescription, MintCall, Template } from './description.ts';
import { mostDays } from './schema.ts';
import { fieldError, placeholdersIn, resolve, type Values } from './template.ts';
import { isRevocable, verifyToken } from './verify.ts';

const dayMs = 86_400_000;

/**
 * Mints a token. It first checks that the token to be replaced can be revoked later. If not, it mints nothing.
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
  const { mint, revoke, overlap, lifetimeDays } = description;
  if (!isRevocable(api, revoke, current)) {
    throw contradictoryField(fieldNames(description).id, 'is missing, and the API revokes a token by its id');
  }
  const admin = await adminFor(api, [mint, lifetimeDays], context);
  const own = placeholderValues(description, valuesOf({ caller: current, admin }), context);
  let refusal: ApiFailure | undefined;
  for await (const caller of minters(api, current, context)) {
    // With `overlap: 'none'` and a token that mints, first check the token. The API may take the use of a replaced token for theft,
    // and end all of them. An admin needs no such check: it uses none of these tokens. It can even issue one when a lost answer has left AWSCURRENT dead.
    if (overlap === 'none' && isByToken(mint) && (await verifyToken(api, caller, context)) === undefined)
      continue;
    const heard = await perform('mint', mint, { caller, admin, own }, context);
    if (heard.outcome !== 'refused')
      return mintedFields(description, current, requireAccepted('mint', heard), own);
    refusal ??= failureOf('mint', heard, 'PermissionDenied');
  }
  throw refusal ?? new ApiFailure('PermissionDenied', 'mint was made by no stored token: all are refused');
}

/** The credentials that may mint. If tokens mint, that is AWSCURRENT, and then every other stored token, in case AWSCURRENT is refused. */
async function* minters(
  { description: { mint } }: Api,
  current: ApiCredential,
  context: IssueContext<ApiCredential>,
): AsyncGenerator<ApiCredential> {
  yield current;
  if (!isByToken(mint)) return;
  for await (const stored of context.stored()) if (stored.token !== current.token) yield stored;
}

/** Values of the placeholders of `mint`. Some APIs refuse a label that exists, and each try mints a token. So the label ends randomly. */
function placeholderValues(
  { lifetimeDays, mint }: ApiDescription,
  values: Values,
  { owner, requestToken, password }: IssueContext<ApiCredential>,
): Record<string, string | number> {
  const label = `${labelStart(owner)}${requestToken}-${randomBytes(3).toString('hex')}`;
  const named = { label, owner, requestToken };
  const chosen = placeholdersIn(mint).includes('password') ? { ...named, password: password() } : named;
  if (lifetimeDays === undefined) return chosen;
  const days = daysOf(lifetimeDays, values);
  const endMs = Date.now() + days * dayMs;
  const end = new Date(endMs).toISOString();
  return {
    ...chosen,
    'expiry.date': end.slice(0, 10),
    'expiry.time': end.replace(/\.\d+Z$/, 'Z'),
    'expiry.seconds': Math.floor((days * dayMs) / 1000),
    'expiry.days': days,
    'expiry.epoch': Math.floor(endMs / 1000),
    'expiry.epochMs': endMs,
  };
}

/** @throws InvalidSecretField if a secret's value is no number of days */
function daysOf(lifetimeDays: number | Template, values: Values): number {
  if (typeof lifetimeDays === 'number') return lifetimeDays;
  const given = resolve(lifetimeDays, values);
  const days = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
  if (typeof days === 'number' && days >= 1 && days <= mostDays) return days;
  throw fieldError(placeholdersIn(lifetimeDays)[0] ?? '', `must be a number of days from 1 to ${mostDays}`);
}

/** @throws ApiFailure if the answer lacks the token. The next rotation finds what was minted, by its label. */
function mintedFields(
  description: ApiDescription,
  { tokenField, isPlain }: ApiCredential,
  answer: HttpAnswer,
  own: Readonly<Record<string, string | number>>,
): SecretFields {
  const { mint } = description;
  const { token: place, id, expiresAt, store = {} } = mint;
  const names = fieldNames(description);
  const reader = readerOf('mint', answer);
  const token = place === '{password}' ? own.password : reader.scalar(place);
  if (typeof token !== 'string' || token === '') {
    throw new ApiFailure('TargetFailed', `The answer to mint has no token at "${written(place)}"`);
  }
  if (isPlain) return { [tokenField]: token };
  return {
    ...Object.fromEntries(Object.entries(store).map(([field, from]) => [field, reader.scalar(from) ?? null])),
    [tokenField]: token,
    ...(id === undefined ? {} : { [names.id]: reader.requireText(id) }),
    ...(expiresAt === undefined ? {} : { [names.expiresAt]: expiryOf(reader, expiresAt, own) }),
  };
}

/** The expiry that the answer says, or that the request has asked for. */
function expiryOf(
  reader: AnswerReader,
  place: NonNullable<MintCall['expiresAt']>,
  own: Readonly<Record<string, string | number>>,
): string | null {
  if (place === '{expiry.time}' || place === '{expiry.date}')
    return String(own[place.slice(1, -1)] ?? '') || null;
  return expiryAt(reader, place);
}
