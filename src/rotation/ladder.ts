import { isKeyturnError, KeyturnError } from '../errors.ts';
import type { Rotator } from '../rotator.ts';
import type { Run } from './run.ts';
import { versionWith } from './stages.ts';
import { type LoadedVersion, loadIfUsable, sameTarget } from './versions.ts';

/** A stored credential that may open the target now. */
export interface Rung {
  readonly name: 'current' | 'pending' | 'previous' | 'unlabelled';
  readonly credential: unknown;
}

/** The two versions that a rotation is about, as the rotator sees them. */
export interface Pair {
  readonly current: LoadedVersion;
  readonly currentCredential: unknown;
  readonly pending: LoadedVersion;
  readonly pendingCredential: unknown;
}

/**
 * The stored credentials in the order in which they are tried. Current first: on the happy path it is the one
 * that works, and nothing is ever refused. Then pending, for a rotation that was cut off after the change. Then
 * previous, and at last versions without labels, newest first: there the password is after somebody took
 * AWSPENDING off a stuck version by hand. Lazy: each version is read only when the ones before it were refused.
 */
export async function* ladder(run: Run, rotator: Rotator, pair: Pair): AsyncGenerator<Rung> {
  yield { name: 'current', credential: pair.currentCredential };
  yield { name: 'pending', credential: pair.pendingCredential };

  const tried = new Set([pair.current.id, pair.pending.id]);
  const previousId = versionWith(run.secret.stages, 'AWSPREVIOUS');
  if (previousId !== undefined && !tried.has(previousId)) {
    tried.add(previousId);
    const credential = await olderCredential(run, rotator, pair, previousId);
    if (credential !== undefined) yield { name: 'previous', credential };
  }
  for (const { id } of await run.secretsManager.versions(run.secret.arn)) {
    if (tried.has(id)) continue;
    const credential = await olderCredential(run, rotator, pair, id);
    if (credential !== undefined) yield { name: 'unlabelled', credential };
  }
}

/**
 * An older version's credential, with current's `ssl` as AWS's templates have it; undefined where the version is
 * incomplete or is for another target, to which no password is sent.
 */
async function olderCredential(
  run: Run,
  rotator: Rotator,
  { current, currentCredential }: Pick<Pair, 'current' | 'currentCredential'>,
  id: string,
): Promise<unknown> {
  const version = await loadIfUsable(run, id);
  if (version === undefined) return undefined;
  try {
    const credential = rotator.parse({ ...version.document.fields, ssl: current.document.fields.ssl });
    const target = rotator.target(credential);
    return sameTarget(rotator.target(currentCredential), target) ? credential : undefined;
  } catch (error) {
    if (isKeyturnError(error, 'InvalidSecretField')) return undefined;
    throw error;
  }
}

/** What all versions hold for current's target, newest first; lazy too. */
export async function* storedCredentials(
  run: Run,
  rotator: Rotator,
  of: Pick<Pair, 'current' | 'currentCredential'>,
): AsyncGenerator<unknown> {
  const newestFirst = (await run.secretsManager.versions(run.secret.arn)).map(({ id }) => id);
  for (const id of new Set([...newestFirst, of.current.id])) {
    const credential = await olderCredential(run, rotator, of, id);
    if (credential !== undefined) yield credential;
  }
}

/** The error at the foot of the ladder. */
export function noCredentialAccepted(adminWouldHelp: boolean): KeyturnError {
  return new KeyturnError(
    'NoCredentialAccepted',
    'The target refuses every stored version of the secret: AWSCURRENT, AWSPENDING, AWSPREVIOUS and those without a label.',
    adminWouldHelp
      ? 'Store the password that works with PutSecretValue, or name an admin secret (masterarn, KEYTURN_ADMIN_SECRET_ARN), and rotate again.'
      : 'Store the password that works with PutSecretValue, and rotate again.',
  );
}
