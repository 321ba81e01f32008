import { stepFor } from '../doctor/causes.ts';
import { emptyDocument, readDocument, type SecretDocument } from '../documents/document.ts';
import { readHints } from '../documents/hints.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import type { ChangingRotator, IssuingRotator, Rotator, Target } from '../rotator/contract.ts';
import { versionWith } from '../secrets-manager/staging-labels.ts';
import { type GuardedRotator, guardRotator } from './guarded-rotator.ts';
import { requireReplaceable } from './replaceable.ts';
import { retry } from './retry.ts';
import type { Run } from './run.ts';
import { rotatorHints, rotatorTag, type Selection, selectRotator } from './select.ts';
import { requireSameTarget } from './targets.ts';
import { credentialOf, targetOf } from './valid-rotators.ts';

/** A version of the secret, parsed: a stored one, or the pending one before it is stored. */
export interface Version {
  readonly id: string;
  readonly text: string;
  readonly document: SecretDocument;
  readonly credential: unknown;
  readonly target: Target;
  /** The account at the target; undefined if the secret names none. */
  readonly account: string | undefined;
}

/** Stands for AWSCURRENT's id while a secret has no value. */
export const noVersion = '';

/** A rotation whose AWSCURRENT has been read. The work of every step begins with it. */
export interface Rotation<Kind extends Rotator = Rotator> {
  readonly run: Run;
  readonly guarded: GuardedRotator<Kind>;
  readonly current: Version;
  /** Ids of candidates that the target has refused in this invocation. A lockout policy would count each further try. */
  readonly refused: Set<string>;
  /** The versions that this invocation has parsed, by id. The value of a version never changes. */
  readonly parsed: Map<string, Version>;
}

export function isChanging(rotation: Rotation): rotation is Rotation<ChangingRotator> {
  return rotation.guarded.rotator.kind === 'changes';
}

export function isIssuing(rotation: Rotation): rotation is Rotation<IssuingRotator> {
  return rotation.guarded.rotator.kind === 'issues';
}

/**
 * Reads AWSCURRENT and finds its rotator.
 *
 * @throws SecretHasNoValue, SecretIsBinary, MalformedSecret, UnknownRotator, InvalidSecretField
 */
export async function beginRotation(run: Run): Promise<Rotation<ChangingRotator> | Rotation<IssuingRotator>> {
  const { tags } = run.secret;
  const id = versionWith(run.secret.stages, 'AWSCURRENT');
  const text = id === undefined ? '' : await readText(run, id);
  const read = id === undefined ? undefined : readValue(run, text);
  const { defaultRotator } = run.configuration;
  const rotator = selectFor(run, { tags, fields: read?.fields ?? {}, defaultRotator });
  run.observed.rotator = rotator.name;
  const document = read ?? firstDocument(run, rotator);
  await requireReplaceable(rotator, document, tags);
  const current = versionOf(run, rotator, { id: id ?? noVersion, text, document });
  const begin = <Kind extends Rotator>(kind: Kind): Rotation<Kind> => ({
    run,
    guarded: guardRotator(kind, current.target, run),
    current,
    refused: new Set(),
    parsed: new Map([[current.id, current]]),
  });
  // The same call twice: TypeScript needs one for each kind.
  return rotator.kind === 'issues' ? begin(rotator) : begin(rotator);
}

/** Without a value, nothing in the secret can name its rotator. @throws SecretHasNoValue, UnknownRotator */
function selectFor(run: Run, selection: Selection): Rotator {
  try {
    return selectRotator(run.rotators, selection);
  } catch (error) {
    const isEmpty = versionWith(run.secret.stages, 'AWSCURRENT') === undefined;
    throw isEmpty && !selection.tags.has(rotatorTag) ? noCurrentValue(run) : error;
  }
}

/** The document out of which the first value of a secret is made. @throws SecretHasNoValue if the rotator can't make one */
function firstDocument(run: Run, rotator: Rotator): SecretDocument {
  const empty = rotator.kind === 'changes' && rotator.opensNothing ? rotator.empty : undefined;
  if (empty === undefined) throw noCurrentValue(run);
  return emptyDocument(empty, readHints(run.secret.tags, run.configuration));
}

/** @throws InvalidSecretField; also the document's `refusal`, such as for a login without user and password */
function versionOf(run: Run, rotator: Rotator, read: Pick<Version, 'id' | 'text' | 'document'>): Version {
  const { fields, refusal } = read.document;
  if (refusal !== undefined) throw refusal;
  const credential = credentialOf(rotator, fields, run.redactor);
  const account = typeof fields.username === 'string' ? fields.username : undefined;
  return { ...read, credential, target: targetOf(rotator, credential, run.redactor), account };
}

function noCurrentValue(run: Run): KeyturnError {
  return new KeyturnError(
    'SecretHasNoValue',
    `Secret ${run.secret.arn} has no current value.`,
    stepFor('SecretHasNoValue'),
  );
}

/** Reads a value of the secret, stored or not. From here on it is masked. */
function readValue(run: Run, text: string): SecretDocument {
  run.redactor.learnText(text);
  const { tags } = run.secret;
  const hints = { ...readHints(tags, run.configuration), ...rotatorHints(run.rotators, tags) };
  const document = readDocument(text, hints);
  run.redactor.learnDocument(document);
  return document;
}

/** From memory if it is there. @throws SecretHasNoValue, SecretIsBinary */
async function readText(run: Run, id: string): Promise<string> {
  const { arn } = run.secret;
  const text = run.memory.value(arn, id) ?? (await run.secretsManager.read(arn, { id })).text;
  run.memory.rememberValue(arn, id, text);
  return text;
}

/** Parses a value of the secret, stored or not, as a version. @throws MalformedSecret, InvalidSecretField */
export function parseVersion({ run, guarded: { rotator } }: Rotation, id: string, text: string): Version {
  return versionOf(run, rotator, { id, text, document: readValue(run, text) });
}

/**
 * Reads and parses a stored version, once in an invocation.
 *
 * @throws SecretHasNoValue, SecretIsBinary, MalformedSecret, InvalidSecretField
 */
async function loadVersion(rotation: Rotation, id: string): Promise<Version> {
  const known = rotation.parsed.get(id);
  if (known !== undefined) return known;
  const version = parseVersion(rotation, id, await readText(rotation.run, id));
  rotation.parsed.set(id, version);
  return version;
}

/** As {@link loadVersion}, but undefined if the version is missing, empty, incomplete or unreadable. */
export async function loadIfUsable(rotation: Rotation, id: string): Promise<Version | undefined> {
  try {
    return await loadVersion(rotation, id);
  } catch (error) {
    if (isKeyturnError(error, 'SecretHasNoValue', ...unusable)) return undefined;
    throw error;
  }
}

const unusable = ['SecretIsBinary', 'MalformedSecret', 'InvalidSecretField'] as const;

/**
 * Loads this rotation's version; undefined while it has no value. AWSPENDING is taken off a version that can never be
 * used: its value can't be changed, so every retry would fail the same way.
 *
 * @throws TargetChanged, MalformedSecret, InvalidSecretField, SecretIsBinary
 */
export async function findPending(rotation: Rotation): Promise<Version | undefined> {
  const { run, current } = rotation;
  try {
    const pending = await loadVersion(rotation, run.event.token);
    requireSameTarget(current.target, pending.target);
    return pending;
  } catch (error) {
    if (isKeyturnError(error, 'SecretHasNoValue')) return undefined;
    if (isKeyturnError(error, 'TargetChanged', ...unusable)) {
      await giveUpPending(run);
      run.note('AWSPENDING was taken off a version that can not be used; the next rotation starts clean.');
    }
    throw error;
  }
}

/** As {@link findPending}, and retries, since a read may lag behind createSecret's write. @throws SecretHasNoValue */
export function loadPending(rotation: Rotation): Promise<Version> {
  const load = async (): Promise<Version> => {
    const pending = await findPending(rotation);
    if (pending !== undefined) return pending;
    throw new KeyturnError(
      'SecretHasNoValue',
      `The version of this rotation of ${rotation.run.secret.arn} has no value.`,
      'Rotate again: createSecret stores one.',
    );
  };
  return retry(load, (error) => isKeyturnError(error, 'SecretHasNoValue'), rotation.run.signal);
}

/** Takes AWSPENDING off the rotation's version. Its value stays stored, without a label. */
export async function giveUpPending(run: Run): Promise<void> {
  await run.secretsManager.moveLabel(run.secret.arn, 'AWSPENDING', { from: run.event.token });
}
