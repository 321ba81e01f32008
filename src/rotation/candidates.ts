import { isDeepStrictEqual } from 'node:util';
import { stepFor } from '../doctor/causes.ts';
import { optionalSsl, type SecretFields } from '../documents/fields.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import { versionWith } from '../secrets-manager/staging-labels.ts';
import { isSameTarget } from './targets.ts';
import { loadIfUsable, type Rotation, type Version } from './versions.ts';

/** A stored version whose credential may open the target now. */
export interface Candidate {
  readonly label: 'current' | 'pending' | 'previous' | 'unlabelled';
  readonly version: Version;
}

/**
 * Most credentials of unlabelled versions that are tried in one go. Each refusal counts for the target's lockout policy,
 * and a password that somebody cleared by hand is among the newest.
 */
export const mostUnlabelled = 3;

/** Most unlabelled versions that are read to find them: versions may repeat a credential, or be for another target. */
const mostRead = 20;

/** The candidates of one rotation, newest knowledge first, and what was left out of them. */
export interface Candidates extends AsyncIterable<Candidate> {
  /** Unlabelled versions that were not looked at, because of the bounds; known once all candidates were taken. */
  readonly leftOut: number;
  /** Why the versions without a label are not known; undefined where they are. */
  readonly unlisted: KeyturnError | undefined;
}

/**
 * The stored credentials in the order in which they are tried. Current first: on the happy path it is the one that
 * works, and nothing is ever refused. Then pending, for a rotation that was cut off after the change. Then previous, and
 * at last versions without labels, newest first: there the password is after somebody took AWSPENDING off a stuck
 * version by hand. Lazy: each version is read only when the ones before it were refused. No credential is tried twice,
 * also when the work is tried again: what this invocation has seen refused is left out.
 */
export function candidatesOf(rotation: Rotation, pending: Version | undefined): Candidates {
  let unlisted: KeyturnError | undefined;
  // A role made for AWS's templates may not list versions. Its rotation goes on by what has a label, and to the admin.
  const list = async (): Promise<readonly { readonly id: string }[]> => {
    try {
      return await rotation.run.secretsManager.versions(rotation.run.secret.arn);
    } catch (error) {
      if (!isKeyturnError(error, 'AccessDenied')) throw error;
      unlisted = error;
      return [];
    }
  };
  const found = {
    leftOut: 0,
    get unlisted() {
      return unlisted;
    },
    async *[Symbol.asyncIterator](): AsyncGenerator<Candidate> {
      const { run, current, guarded } = rotation;
      const { rotator } = guarded;
      const identify = (credential: unknown): unknown =>
        rotator.kind === 'issues' && rotator.identity !== undefined
          ? rotator.identity(credential)
          : credential;
      const tried: unknown[] = [];
      const isNew = ({ id, credential }: Version): boolean => {
        const identity = identify(credential);
        if (tried.some((other) => isDeepStrictEqual(other, identity))) return false;
        tried.push(identity);
        return !rotation.refused.has(id);
      };
      if (isNew(current)) yield { label: 'current', version: current };
      if (pending !== undefined && isNew(pending)) yield { label: 'pending', version: pending };
      const seen = new Set([current.id, pending?.id]);
      const previousId = versionWith(run.secret.stages, 'AWSPREVIOUS');
      if (previousId !== undefined && !seen.has(previousId)) {
        seen.add(previousId);
        const previous = await loadOlder(rotation, previousId);
        if (previous !== undefined && isNew(previous)) yield { label: 'previous', version: previous };
      }
      const unseen = (await list()).filter(({ id }) => !seen.has(id));
      let yielded = 0;
      for (const [index, { id }] of unseen.entries()) {
        if (yielded === mostUnlabelled || index === mostRead) {
          found.leftOut = unseen.length - index;
          return;
        }
        const older = await loadOlder(rotation, id);
        if (older === undefined || !isNew(older)) continue;
        yielded += 1;
        yield { label: 'unlabelled', version: older };
      }
    },
  };
  return found;
}

/**
 * An older version that is for AWSCURRENT's target; its password is sent nowhere else. Its connection is as secure as
 * the stricter of the two versions asks for: AWS's templates give it AWSCURRENT's `ssl`, with which whoever may write the
 * secret could have an older password sent in plaintext.
 */
async function loadOlder(rotation: Rotation, id: string): Promise<Version | undefined> {
  const version = await loadIfUsable(rotation, id);
  if (version === undefined) return undefined;
  const { rotator } = rotation.guarded;
  const { fields } = version.document;
  try {
    const ssl = stricterSsl(rotation.current.document.fields, fields);
    const credential = rotator.parse({ ...fields, ssl });
    const target = rotator.target(credential);
    return isSameTarget(rotation.current.target, target) ? { ...version, credential, target } : undefined;
  } catch (error) {
    if (isKeyturnError(error, 'InvalidSecretField')) return undefined;
    throw error;
  }
}

/** True over absent (verified TLS, unless the function allows plaintext) over false. */
function stricterSsl(...versions: readonly SecretFields[]): unknown {
  const asked = versions.map(readSsl);
  if (asked.includes(true)) return true;
  return asked.every((ssl) => ssl === false) ? false : undefined;
}

/** Undefined too where it is no field of this kind of secret, or AWSCURRENT's rotator would have refused it. */
function readSsl(fields: SecretFields): boolean | undefined {
  try {
    return optionalSsl(fields);
  } catch (error) {
    if (isKeyturnError(error, 'InvalidSecretField')) return undefined;
    throw error;
  }
}

/**
 * What the versions hold for AWSCURRENT's target, newest first and AWSCURRENT's last at the latest; lazy too, and bounded
 * like the candidates.
 */
export async function* storedCredentials(rotation: Rotation): AsyncGenerator<unknown> {
  const { run, current } = rotation;
  const labelled = Object.keys(run.secret.stages).length;
  const ids = (await run.secretsManager.versions(run.secret.arn)).map(({ id }) => id);
  let yielded = 0;
  for (const id of new Set([...ids.slice(0, mostRead), current.id])) {
    const version = id === current.id ? current : await loadOlder(rotation, id);
    if (version === undefined || (yielded >= labelled + mostUnlabelled && id !== current.id)) continue;
    yielded += 1;
    yield version.credential;
  }
}

/** The error after the last candidate: that versions can't be listed, where one of them may be accepted. @param remedy what may help besides storing the password */
export function noCredentialAccepted(
  { leftOut, unlisted }: Pick<Candidates, 'leftOut' | 'unlisted'>,
  remedy?: string,
): KeyturnError {
  if (unlisted !== undefined) return unlisted;
  const untried =
    leftOut === 0 ? '' : ` ${leftOut} older versions were not tried, so as not to lock the account.`;
  return new KeyturnError(
    'NoCredentialAccepted',
    `The target refuses every stored version of the secret that was tried: AWSCURRENT, AWSPENDING, AWSPREVIOUS and the newest ${mostUnlabelled} without a label.${untried}`,
    remedy === undefined
      ? stepFor('NoCredentialAccepted')
      : `${stepFor('NoCredentialAccepted')} Or ${remedy}.`,
  );
}
