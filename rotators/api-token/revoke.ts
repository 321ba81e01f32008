import type { RevokeContext, RevokeOrphansContext, RotatorContext } from '../../src/rotator/index.ts';
import { ApiFailure } from '../http/failure.ts';
import { type Api, adminFor, isByToken, labelStart } from './api.ts';
import { failureOf, type Scope, valuesOf } from './calls.ts';
import type { ApiCredential } from './credential.ts';
import type { Call, ListCall } from './description.ts';
import { type ListedToken, listTokens } from './pages.ts';
import { placeholdersIn, resolve } from './template.ts';
import { isRevocable, verifyUnlessDead } from './verify.ts';

/** Revokes a token. A token that no longer exists counts as revoked. @throws ApiFailure, AdminSecretMissing */
export async function revokeToken(
  api: Api,
  old: ApiCredential,
  context: RevokeContext<ApiCredential>,
): Promise<void> {
  const { verify, revoke } = api.description;
  if (revoke === undefined) return;
  // Use the API's id and not the secret's: the secret's writer could name somebody else's token.
  const verified = verify.id === undefined ? old : await verifyUnlessDead(api, old, context);
  if (verified === undefined) return;
  const admin = await adminFor(api, [revoke], context);
  if (verified.id !== undefined && !(await mayRevoke(api, { old, id: verified.id, admin }, context))) return;
  const own = { 'revoked.id': verified.id, 'revoked.token': old.token };
  const failure = await tryRevoke(api, revoke, { caller: old, admin, own }, context);
  // The answer may be wrong, or about something else. So check whether the token still works.
  if (failure !== undefined && (await verifyUnlessDead(api, old, context)) !== undefined) throw failure;
}

/**
 * Makes the call `revoke`.
 *
 * @returns undefined if it was accepted; otherwise the error to throw if the token turns out to be alive
 * @throws ApiFailure if the answer says nothing about the token, such as a lost connection
 */
async function tryRevoke(
  { perform }: Api,
  revoke: Call,
  scope: Scope,
  context: Pick<RotatorContext, 'signal'>,
): Promise<ApiFailure | undefined> {
  try {
    const heard = await perform('revoke', revoke, scope, context);
    if (heard.outcome === 'accepted') return undefined;
    if (heard.outcome === 'refused') return failureOf('revoke', heard, 'PermissionDenied');
    return new ApiFailure(
      'TargetBusy',
      `revoke was answered ${heard.answer.status}, as if there were no such token, and it is still there`,
    );
  } catch (error) {
    if (error instanceof ApiFailure && error.code === 'TargetFailed') return error;
    throw error;
  }
}

interface Revoked {
  readonly old: ApiCredential;
  readonly id: string;
  readonly admin: ApiCredential | undefined;
}

/**
 * Whether the token with an id may be revoked. If an admin revokes, and only the secret tells the id, the secret's writer could name
 * somebody else's token. Then the token's label at the API must say that it was issued for this secret.
 */
async function mayRevoke(
  { description, perform }: Api,
  { old, id, admin }: Revoked,
  context: RevokeContext<ApiCredential>,
): Promise<boolean> {
  const { verify, revoke, list } = description;
  if (revoke === undefined || verify.id !== undefined || isByToken(revoke)) return true;
  if (!placeholdersIn(revoke).includes('revoked.id')) return true;
  if (list !== undefined) {
    const listed = await listTokens(perform, list, { caller: old, admin }, context);
    const found = listed.find((token) => token.id === id);
    if (found === undefined) {
      if ((await verifyUnlessDead({ description, perform }, old, context)) === undefined) return false;
      throw new ApiFailure(
        'TargetBusy',
        'The API does not list the token that is to be revoked, and it still works',
      );
    }
    if (isOurs(list, found, { caller: old, admin }, context.owner)) return true;
  }
  context.note(
    `The token with the id ${id} was not issued for this secret, as far as the API tells: it was not revoked. Revoke it by hand.`,
  );
  return false;
}

/** Whether a listed token was issued for this secret: its label says so, or the account has tokens of this secret alone. */
function isOurs(list: ListCall, { label }: ListedToken, scope: Scope, owner: string): boolean {
  return label.includes(labelStart(owner)) || isDedicated(list, scope);
}

/** Whether the admin secret says that the account has tokens of this secret alone. */
export function isDedicated({ dedicated }: ListCall, scope: Scope): boolean {
  return dedicated !== undefined && resolve(dedicated, valuesOf(scope)) === true;
}

/** Revokes the listed tokens that were issued for this secret and are no longer needed. @throws ApiFailure, AdminSecretMissing */
export async function revokeOrphans(
  api: Api,
  current: ApiCredential,
  context: RevokeOrphansContext<ApiCredential>,
): Promise<void> {
  const { description, perform } = api;
  const { list, revoke } = description;
  if (list === undefined || revoke === undefined) return;
  const kept = await neededIds(api, context);
  if (kept === undefined) {
    context.note(
      'The id of a token that is needed is not known. So no token that was issued and never stored was revoked.',
    );
    return;
  }
  const admin = await adminFor(api, [list, revoke], context);
  const callers = isByToken(list) || isByToken(revoke) ? [current, ...context.needed] : [current];
  const { caller, listed } = await listByOneOf(api, list, { callers, admin }, context);
  const scope = { caller, admin };
  const failures = new Map<string, ApiFailure>();
  for (const token of listed) {
    const { id } = token;
    if (kept.has(id) || !isOurs(list, token, scope, context.owner)) continue;
    const failure = await tryRevoke(api, revoke, { ...scope, own: { 'revoked.id': id } }, context);
    if (failure !== undefined) failures.set(id, failure);
  }
  if (failures.size === 0) return;
  const still = await listTokens(perform, list, scope, context);
  for (const [id, failure] of failures) if (still.some((token) => token.id === id)) throw failure;
}

/** The ids of the tokens that are needed; undefined if one of them is not known. */
async function neededIds(
  api: Api,
  context: RevokeOrphansContext<ApiCredential>,
): Promise<ReadonlySet<string> | undefined> {
  const ids = new Set<string>();
  for (const credential of context.needed) {
    if (!isRevocable(api, api.description.revoke, credential)) return undefined;
    const id = credential.id ?? (await verifyUnlessDead(api, credential, context))?.id;
    if (id !== undefined) ids.add(id);
  }
  return ids;
}

interface Callers {
  readonly callers: readonly ApiCredential[];
  readonly admin: ApiCredential | undefined;
}

/** Lists with the first token that the API accepts. AWSCURRENT may have been revoked by hand. @throws ApiFailure of the last refusal */
async function listByOneOf(
  { perform }: Api,
  list: ListCall,
  { callers, admin }: Callers,
  context: RevokeOrphansContext<ApiCredential>,
): Promise<{ readonly caller: ApiCredential | undefined; readonly listed: readonly ListedToken[] }> {
  let refusal: unknown;
  for (const caller of callers) {
    try {
      return { caller, listed: await listTokens(perform, list, { caller, admin }, context) };
    } catch (error) {
      if (!(error instanceof ApiFailure && error.code === 'PermissionDenied')) throw error;
      refusal = error;
    }
  }
  throw refusal;
}
