import { isDeepStrictEqual } from 'node:util';
import { stepFor } from '../doctor/causes.ts';
import { optionalSsl, type SecretFields } from '../documents/fields.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import { versionWith } from '../secrets-manager/staging-labels.ts';
import { isSameTarget } from './targets.ts';
import { credentialOf, identityOf, targetOf } from './valid-rotators.ts';
import { loadIfUsable, type Rotation, type Version } from './versions.ts';

/** A stored version whose credential may open the target now. */
export interface Candidate {
  readonly label: 'current' | 'pending' | 'previous' | 'unlabelled';
  readonly version: Version;
}

/**
 * How many unlabelled versions are tried at most. Each refusal counts towards the target's lockout, and the password of a
 * stuck version is among the newest.
 */
const mostUnlabelled = 3;

/** How many unlabelled versions are read at most. Some repeat a credential, or are for another target. */
const mostRead = 20;

/** The candidates of one rotation, in the order in which they are tried, and how many were not tried. */
export interface Candidates extends AsyncIterable<Candidate> {
  /** How many unlabelled versions were not read because of the limits. Known once all candidates were taken. */
  readonly leftOut: number;
  /** Why the unlabelled versions could not be listed; undefined if they could. */
  readonly unlisted: KeyturnError | undefined;
}

/**
 * The stored credentials, in the order in which they are tried:
 *
 * 1. AWSCURRENT. It usually works, so nothing is refused.
 * 2. AWSPENDING, for a rotation that was cut off after the change.
 * 3. AWSPREVIOUS.
 * 4. Versions without a label, newest first. The live password is there if somebody took AWSPENDING off a stuck version.
 *
 * Each version is read only after those before it were refused. No credential is tried twice in an invocation, not even
 * by a retry.
 */
export function candidatesOf(rotation: Rotation, pending: Version | undefined): Candidates {
  let unlisted: KeyturnError | undefined;
  // A role made for AWS's templates may not list versions. Its rotation goes on with the labelled ones and the admin.
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
      const tried: unknown[] = [];
      const isNew = ({ id, credential }: Version): boolean => {
        const identity = identityOf(guarded.rotator, credential, run.redactor);
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
 * Loads an older version, if it is for AWSCURRENT's target. It gets the stricter `ssl` of the two versions. AWS's templates
 * use AWSCURRENT's: then a writer of the secret could have an older password sent in plaintext.
 */
async function loadOlder(rotation: Rotation, id: string): Promise<Version | undefined> {
  const version = await loadIfUsable(rotation, id);
  if (version === undefined) return undefined;
  const { rotator } = rotation.guarded;
  const { redactor } = rotation.run;
  const { fields } = version.document;
  try {
    const ssl = stricterSsl(rotation.current.document.fields, fields);
    const credential = credentialOf(rotator, { ...fields, ssl, tls: undefined }, redactor);
    const target = targetOf(rotator, credential, redactor);
    return isSameTarget(rotation.current.target, target) ? { ...version, credential, target } : undefined;
  } catch (error) {
    if (isKeyturnError(error, 'InvalidSecretField')) return undefined;
    throw error;
  }
}

/** True wins over absent, and absent wins over false. Absent means verified TLS, unless the function allows plaintext. */
function stricterSsl(...versions: readonly SecretFields[]): unknown {
  const asked = versions.map(readSsl);
  if (asked.includes(true)) return true;
  return asked.every((ssl) => ssl === false) ? false : undefined;
}

/** Undefined also for an invalid `ssl`: AWSCURRENT has been checked, and other kinds of secret have no such field. */
function readSsl(fields: SecretFields): boolean | undefined {
  try {
    return optionalSsl({ ssl: fields.ssl ?? fields.tls });
  } catch (error) {
    if (isKeyturnError(error, 'InvalidSecretField')) return undefined;
    throw error;
  }
}

/**
 * The credentials that the secret's versions hold for AWSCURRENT's target, newest first. AWSCURRENT's is always among
 * them. Each version is read when it is asked for, with the same limits as candidates.
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

/**
 * The error after the last candidate was refused. If the unlabelled versions could not be listed, it is that error, since
 * one of them may be accepted.
 *
 * @param remedy what else may help, besides storing the password
 */
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
