import { readDocument, type SecretDocument } from '../documents/document.ts';
import { readHints } from '../documents/hints.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import type { Target } from '../rotator.ts';
import { retry } from './retry.ts';
import type { Run } from './run.ts';
import { rotatorTag } from './select.ts';
import { versionWith } from './stages.ts';

/** A version of the secret that has a value. */
export interface LoadedVersion {
  readonly id: string;
  readonly text: string;
  readonly document: SecretDocument;
}

/** Reads a value of the secret, stored or not; from here on it is masked wherever it turns up. */
export function readValue(run: Run, text: string): SecretDocument {
  run.redactor.learnValue(text);
  const { tags } = run.secret;
  const hints = { ...readHints(tags, run.configuration), rotatorIsNamed: tags.has(rotatorTag) };
  const document = readDocument(text, hints);
  run.redactor.learnDocument(document);
  return document;
}

function loaded(run: Run, id: string, text: string): LoadedVersion {
  const document = readValue(run, text);
  run.cache.set(run.secret.arn, id, text);
  return { id, text, document };
}

/** Reads a version, from memory where it is known. @throws SecretHasNoValue, SecretIsBinary, MalformedSecret */
export async function loadVersion(run: Run, id: string): Promise<LoadedVersion> {
  const known = run.cache.get(run.secret.arn, id);
  return loaded(run, id, known ?? (await run.secretsManager.read(run.secret.arn, { id })));
}

/** Remembers a version that has just been stored. */
export function rememberVersion(run: Run, id: string, text: string): LoadedVersion {
  return loaded(run, id, text);
}

/** The version labelled AWSCURRENT. @throws SecretHasNoValue where there is none */
export function loadCurrent(run: Run): Promise<LoadedVersion> {
  const id = versionWith(run.secret.stages, 'AWSCURRENT');
  if (id !== undefined) return loadVersion(run, id);
  throw new KeyturnError(
    'SecretHasNoValue',
    `Secret ${run.secret.arn} has no current value.`,
    'Store the credential that works today, then rotate.',
  );
}

/** The version that this rotation made in createSecret. A read may lag that write for a moment. */
export function loadPending(run: Run): Promise<LoadedVersion> {
  return retry(
    () => loadVersion(run, run.event.token),
    (error) => isKeyturnError(error, 'SecretHasNoValue'),
    run.signal,
  );
}

/** A version that may be missing, empty or unreadable: as good as none for the ladder. */
export async function loadIfUsable(run: Run, id: string): Promise<LoadedVersion | undefined> {
  try {
    return await loadVersion(run, id);
  } catch (error) {
    if (isKeyturnError(error, 'SecretHasNoValue', 'SecretIsBinary', 'MalformedSecret')) return undefined;
    throw error;
  }
}

/** Whether two credentials open the same thing; names of hosts are case-insensitive. */
export function sameTarget(one: Target, other: Target): boolean {
  return differingPart(one, other) === undefined;
}

function differingPart(one: Target, other: Target): string | undefined {
  if (one.host.toLowerCase() !== other.host.toLowerCase()) return 'host';
  if (one.account !== other.account) return 'account';
  if (one.port !== other.port) return 'port';
  return one.database === other.database ? undefined : 'database';
}

/** @throws TargetChanged, naming the part that differs */
export function requireSameTarget(current: Target, pending: Target): void {
  const part = differingPart(current, pending);
  if (part === undefined) return;
  throw new KeyturnError(
    'TargetChanged',
    `The ${part} differs between the AWSCURRENT and the AWSPENDING version.`,
    'No password was sent. Take AWSPENDING off its version and rotate again.',
    { field: part },
  );
}
