import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { isKeyturnError } from '../errors.ts';
import { adminContext } from './admin.ts';
import type { Run } from './run.ts';
import { versionWith } from './stages.ts';
import type { GuardedRotator } from './target.ts';
import { type LoadedVersion, loadIfUsable, loadVersion, readValue } from './versions.ts';

const hourMs = 3_600_000;
const ownerLength = 12;

/** What stands for a secret in labels at the target. */
export function ownerOf({ secret }: Run): string {
  return createHash('sha256').update(secret.arn).digest('hex').slice(0, ownerLength);
}

/** Revokes what was minted and could not be stored. */
export async function revokeMinted(
  run: Run,
  guarded: GuardedRotator,
  current: LoadedVersion,
  text: string,
): Promise<void> {
  await revoke(run, guarded, current, guarded.rotator.parse(readValue(run, text).fields));
}

async function revoke(
  run: Run,
  guarded: GuardedRotator,
  current: LoadedVersion,
  credential: unknown,
): Promise<void> {
  const { fields } = current.document;
  const context = { ...adminContext(run, guarded, fields), current: guarded.rotator.parse(fields) };
  await guarded.attempt('revoke', credential, async () => guarded.rotator.revoke?.(credential, context));
}

/**
 * Before AWSCURRENT moves: revokes what no version will need afterwards. That is AWSPREVIOUS; what earlier rotations
 * minted and gave up, whose versions have lost their label since the current one was made; and what was minted and
 * never stored.
 */
export async function revokeSuperseded(
  run: Run,
  guarded: GuardedRotator,
  current: LoadedVersion,
): Promise<void> {
  const { rotator } = guarded;
  if (rotator.revoke !== undefined) {
    for (const id of await supersededIds(run, guarded, current))
      await revokeVersion(run, guarded, current, id);
  }
  if (rotator.sweep === undefined) return;
  const credential = rotator.parse(current.document.fields);
  const context = adminContext(run, guarded, current.document.fields);
  const needed = await neededCredentials(run, guarded, current);
  await guarded.attempt('sweep', credential, async () =>
    rotator.sweep?.(credential, { ...context, owner: ownerOf(run), needed }),
  );
}

async function supersededIds(
  run: Run,
  { rotator }: GuardedRotator,
  current: LoadedVersion,
): Promise<string[]> {
  const previous = versionWith(run.secret.stages, 'AWSPREVIOUS');
  const ids = previous === undefined ? [] : [previous];
  if (rotator.mints !== true) return ids;
  const versions = await run.secretsManager.versions(run.secret.arn);
  const madeAtMs = versions.find(({ id }) => id === current.id)?.createdAtMs ?? Number.POSITIVE_INFINITY;
  const givenUp = versions.filter(
    ({ id, createdAtMs }) => createdAtMs >= madeAtMs && run.secret.stages[id] === undefined,
  );
  return [...ids, ...givenUp.map(({ id }) => id)];
}

/**
 * Revokes the credential that a version holds, unless current or pending hold the same: a version may differ from
 * another in nothing that the target knows.
 */
async function revokeVersion(
  run: Run,
  guarded: GuardedRotator,
  current: LoadedVersion,
  id: string,
): Promise<void> {
  const credential = await credentialOf(run, guarded, id);
  if (credential === undefined) return;
  const pending = versionWith(run.secret.stages, 'AWSPENDING');
  const kept = pending === undefined ? [current.id] : [current.id, pending];
  const needed = await Promise.all(kept.map((version) => credentialOf(run, guarded, version)));
  const { rotator } = guarded;
  const identify = (of: unknown): unknown => (rotator.identity === undefined ? of : rotator.identity(of));
  const isNeeded = needed.some(
    (other) => other !== undefined && isDeepStrictEqual(identify(other), identify(credential)),
  );
  if (!isNeeded) await revoke(run, guarded, current, credential);
}

async function credentialOf(run: Run, { rotator }: GuardedRotator, id: string): Promise<unknown> {
  const version = await loadIfUsable(run, id);
  if (version === undefined) return undefined;
  try {
    return rotator.parse(version.document.fields);
  } catch (error) {
    if (isKeyturnError(error, 'InvalidSecretField')) return undefined;
    throw error;
  }
}

async function neededCredentials(
  run: Run,
  guarded: GuardedRotator,
  current: LoadedVersion,
): Promise<unknown[]> {
  const ids = new Set([current.id, ...Object.keys(run.secret.stages)]);
  const credentials = await Promise.all([...ids].map((id) => credentialOf(run, guarded, id)));
  return credentials.filter((credential) => credential !== undefined);
}

/** After AWSCURRENT has moved: revokes the credential that it has left, where it is not to work any longer. */
export async function revokeReplaced(
  run: Run,
  guarded: GuardedRotator,
  replaced: string | undefined,
): Promise<void> {
  if (guarded.rotator.revocation !== 'at-once' || replaced === undefined) return;
  await revokeVersion(run, guarded, await loadVersion(run, run.event.token), replaced);
}

/** Whether the hours are over for which the replaced credential goes on working. */
export async function isRevocationDue(
  run: Run,
  { rotator }: GuardedRotator,
  current: LoadedVersion,
): Promise<boolean> {
  const { revocation = 'on-next-rotation' } = rotator;
  if (typeof revocation === 'string') return revocation === 'at-once';
  const versions = await run.secretsManager.versions(run.secret.arn);
  const madeAtMs = versions.find(({ id }) => id === current.id)?.createdAtMs;
  if (madeAtMs === undefined) return false;
  // A rotation that was stuck has moved AWSCURRENT long after it made the version.
  const replacedAtMs = Math.max(madeAtMs, run.secret.lastRotatedAtMs ?? 0);
  return Date.now() - replacedAtMs >= revocation.afterHours * hourMs;
}

/** Revokes AWSPREVIOUS on its own, apart from any rotation. */
export async function revokePrevious(
  run: Run,
  guarded: GuardedRotator,
  current: LoadedVersion,
): Promise<void> {
  const previous = versionWith(run.secret.stages, 'AWSPREVIOUS');
  if (previous !== undefined) await revokeVersion(run, guarded, current, previous);
}
