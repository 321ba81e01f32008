import { findNodeAtLocation, type Node } from 'jsonc-parser';
import { readDocument, type SecretDocument } from '../documents/document.ts';
import { applyEdits } from '../documents/form.ts';
import { type DocumentHints, readHints } from '../documents/hints.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import { sensitiveValues } from '../redact.ts';
import type { SecretValue, WantedVersion } from '../secrets-manager/port.ts';
import { toForm } from './forms.ts';
import { parseJsonTree } from './json-tree.ts';
import type { Reference } from './reference.ts';

/** Reads secrets from a Secrets Manager, AWS's or the local one. */
export interface SecretSource {
  /**
   * Reads a version.
   *
   * @throws SecretNotFound, SecretHasNoValue, SecretIsBinary, SecretMarkedForDeletion, AccessDenied and others
   */
  read(secret: string, version: WantedVersion): Promise<SecretValue>;
  /** The secret's tags. @throws AccessDenied and others */
  tags(secret: string): Promise<ReadonlyMap<string, string>>;
}

/** The value of a reference. */
export interface Resolved {
  /** The value before any filter. */
  readonly value: string;
  /** The version that it was read from; undefined for a default. */
  readonly from: SecretValue | undefined;
  /** Whether it must not be shown. Hosts, names, ports and the like may be shown. */
  readonly isCredential: boolean;
}

/** Reads each secret once, so that all its parts are from the same version. */
export interface Resolver {
  /** Finds the value of a reference. @throws KeyturnError, whose message is for the author of the reference */
  resolve(reference: Reference): Promise<Resolved>;
  /** Reads a whole secret. @throws KeyturnError */
  document(secret: string, version: WantedVersion): Promise<ReadSecret>;
  /** The sensitive values of all secrets that were read. */
  credentials(): Promise<string[]>;
  /** The versions that were read. */
  versions(): Promise<ReadVersion[]>;
  /** Notes for the user: what could not be read, such as tags. */
  readonly notes: ReadonlySet<string>;
}

/** A secret's value, and its document. The document is parsed on request, since not every value has one. */
export interface ReadSecret {
  readonly value: SecretValue;
  /** @throws MalformedSecret */
  document(): Promise<SecretDocument>;
}

/** A version that was asked for, and its id. */
export interface ReadVersion {
  readonly secret: string;
  readonly version: WantedVersion;
  readonly versionId: string;
}

/** Makes a resolver that keeps everything it reads. */
export function createResolver(source: SecretSource): Resolver {
  const reads = new Map<string, Promise<SecretValue>>();
  const readVersions: ReadVersion[] = [];
  const byArn = new Map<string, SecretValue>();
  const hints = new Map<string, Promise<DocumentHints>>();
  const notes = new Set<string>();

  const readOnce = (secret: string, version: WantedVersion): Promise<SecretValue> => {
    const label = 'id' in version ? version.id : version.stage;
    const found = reads.get(`${label} ${secret}`);
    if (found !== undefined) return found;
    const reading = source.read(secret, version).then((value) => {
      // A template may name a secret by its name and by its ARN. If a rotation ends in between, both still get one version.
      const same = byArn.get(`${label} ${value.arn}`) ?? value;
      byArn.set(`${label} ${value.arn}`, same);
      readVersions.push({ secret, version, versionId: same.versionId });
      return same;
    });
    reads.set(`${label} ${secret}`, reading);
    return reading;
  };

  const hintsOnce = (arn: string): Promise<DocumentHints> => {
    const found = hints.get(arn) ?? readTags(source, arn, notes);
    hints.set(arn, found);
    return found;
  };

  const document = async (secret: string, version: WantedVersion): Promise<ReadSecret> => {
    const value = await readOnce(secret, version);
    return { value, document: async () => readDocument(value.text, await hintsOnce(value.arn)) };
  };

  return {
    notes,
    document,
    resolve: async (reference) => {
      try {
        return await part(await document(reference.secret, reference.version), reference);
      } catch (error) {
        const isAbsent = isKeyturnError(error, 'SecretNotFound', 'SecretHasNoValue');
        const { byDefault } = reference;
        if (!isAbsent || byDefault === undefined) throw error;
        return { value: byDefault, from: undefined, isCredential: false };
      }
    },
    versions: async () => {
      await Promise.allSettled(reads.values());
      return readVersions;
    },
    credentials: async () => {
      const settled = await Promise.allSettled(reads.values());
      const values = settled.flatMap((read) => (read.status === 'fulfilled' ? [read.value] : []));
      const found = await Promise.all(
        values.map(async (value) => credentialsOf(value, hints.get(value.arn))),
      );
      return [...new Set(found.flat())];
    },
  };
}

/** Reads a secret's tags. A user who may not describe the secret may still read its value. */
async function readTags(source: SecretSource, arn: string, notes: Set<string>): Promise<DocumentHints> {
  try {
    return readHints(await source.tags(arn), {});
  } catch (error) {
    if (!isKeyturnError(error, 'AccessDenied')) throw error;
    notes.add(`${arn} may not be described, so that its tags keyturn:form and keyturn:fields are not known.`);
    return {};
  }
}

async function part(secret: ReadSecret, { selector, byDefault, secret: name }: Reference): Promise<Resolved> {
  const from = secret.value;
  if (selector.kind === 'value') return { value: from.text, from, isCredential: true };
  if (selector.kind === 'form') {
    return { value: toForm(from.text, await secret.document(), selector.form), from, isCredential: true };
  }
  const { key } = selector;
  const value = jsonMember(from.text, key) ?? memberText((await secret.document()).fields[key]);
  if (value !== undefined) return { value, from, isCredential: isCredentialKey(key) };
  if (byDefault !== undefined) return { value: byDefault, from: undefined, isCredential: false };
  throw missingKey(name, key, jsonKeys(from.text));
}

/** Whether a key's value must not be shown, by the redactor's list. */
export function isCredentialKey(key: string): boolean {
  const name = key.split('.').at(-1) ?? key;
  const probe = 'a value of an unknown field';
  return sensitiveValues({ fields: { [name]: probe }, sensitive: [] }).length > 0;
}

/** The sensitive values of a secret; the whole text if its form is unknown. */
export async function credentialsOf(
  { text }: SecretValue,
  hints: Promise<DocumentHints> | DocumentHints | undefined,
): Promise<string[]> {
  try {
    const document = readDocument(text, await hints);
    return document.form === 'json' ? sensitiveValues(document) : [text, ...sensitiveValues(document)];
  } catch (error) {
    if (isKeyturnError(error)) return [text];
    throw error;
  }
}

/** The member of a JSON secret with this name, or else at this path with dots. */
export function jsonMember(text: string, key: string): string | undefined {
  const root = jsonRoot(text);
  const node = root === undefined ? undefined : nodeAt(root, key);
  if (node === undefined || node.type === 'null') return undefined;
  if (node.type === 'string') return String(node.value);
  // The text as written, so that a number keeps all its digits.
  return text.slice(node.offset, node.offset + node.length);
}

/** The names of a JSON object's members; undefined for any other secret. */
export function jsonKeys(text: string): string[] | undefined {
  const root = jsonRoot(text);
  if (root?.type !== 'object') return undefined;
  return [...new Set(root.children?.flatMap(({ children }) => String(children?.[0]?.value)))];
}

/** A JSON object with all its credentials masked, at any depth; undefined for any other text. */
export function maskedJson(text: string): string | undefined {
  const root = jsonRoot(text);
  if (root?.type !== 'object') return undefined;
  const edits = [...credentialNodes(root, false)].map(({ offset, length }) => ({
    start: offset,
    end: offset + length,
    text: '"********"',
  }));
  return applyEdits(text, edits);
}

function* credentialNodes(node: Node, isCredential: boolean): Generator<Node> {
  if (node.type === 'object') {
    for (const { children = [] } of node.children ?? []) {
      const [name, value] = children;
      if (value !== undefined) yield* credentialNodes(value, isCredentialKey(String(name?.value)));
    }
  } else if (node.type === 'array') {
    for (const item of node.children ?? []) yield* credentialNodes(item, isCredential);
  } else if (isCredential && (node.type === 'string' || node.type === 'number')) yield node;
}

/** Parses JSON with comments, as a rotation does. */
function jsonRoot(text: string): Node | undefined {
  const { root, errors } = parseJsonTree(text, false);
  return errors.length === 0 ? root : undefined;
}

function nodeAt(node: Node, path: string): Node | undefined {
  const direct = memberOf(node, path);
  if (direct !== undefined) return direct;
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const child = memberOf(node, path.slice(0, dot));
    const found = child === undefined ? undefined : nodeAt(child, path.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Finds a member. If several have the name, the last one counts, as for every parser. */
function memberOf(node: Node, name: string): Node | undefined {
  if (node.type === 'array')
    return /^\d{1,9}$/.test(name) ? findNodeAtLocation(node, [Number(name)]) : undefined;
  const member = node.children?.findLast(({ children }) => children?.[0]?.value === name);
  return node.type === 'object' ? member?.children?.[1] : undefined;
}

function memberText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function missingKey(secret: string, key: string, keys: readonly string[] | undefined): KeyturnError {
  const shown = keys?.slice(0, 20).map((name) => JSON.stringify(name).slice(1, -1));
  return new KeyturnError(
    'InvalidSecretField',
    `The secret ${secret} has no key ${JSON.stringify(key)}.`,
    shown === undefined ? 'Name one of its fields, such as #password.' : `It has: ${shown.join(', ')}.`,
    { field: key },
  );
}
