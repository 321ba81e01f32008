import { findNodeAtLocation, type Node, type ParseError, parseTree } from 'jsonc-parser';
import { readDocument, type SecretDocument } from '../documents/document.ts';
import { applyEdits } from '../documents/form.ts';
import { type DocumentHints, readHints } from '../documents/hints.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import { sensitiveValues } from '../redact.ts';
import type { SecretValue, WantedVersion } from '../secrets-manager/port.ts';
import { toForm } from './forms.ts';
import type { Reference } from './reference.ts';

/** What reads secrets: a Secrets Manager, AWS's or the local one. */
export interface SecretSource {
  /** @throws SecretNotFound, SecretHasNoValue, SecretIsBinary, SecretMarkedForDeletion, AccessDenied and others */
  read(secret: string, version: WantedVersion): Promise<SecretValue>;
  /** The secret's tags. @throws AccessDenied and others */
  tags(secret: string): Promise<ReadonlyMap<string, string>>;
}

/** A reference with the value that it stands for. */
export interface Resolved {
  /** As the secret has it, before any filter. */
  readonly value: string;
  /** Undefined where the default was taken. */
  readonly from: SecretValue | undefined;
  /** True for what must not be shown: all but hosts, names, ports and the like. */
  readonly isCredential: boolean;
}

/** Reads secrets, each version once, so that all parts of a secret are of the same version. */
export interface Resolver {
  /** @throws KeyturnError, in words for whoever wrote the reference */
  resolve(reference: Reference): Promise<Resolved>;
  /** The whole of a secret, with what is known of its form. @throws KeyturnError */
  document(secret: string, version: WantedVersion): Promise<ReadSecret>;
  /** What must not be shown of all secrets that were read. */
  credentials(): Promise<string[]>;
  /** The versions that were read. */
  versions(): Promise<ReadVersion[]>;
  /** What could not be looked at, for the user to know. */
  readonly notes: ReadonlySet<string>;
}

/** A secret's value, and how it is read; the document is made when it is asked for, since not every value has one. */
export interface ReadSecret {
  readonly value: SecretValue;
  /** @throws MalformedSecret */
  document(): Promise<SecretDocument>;
}

/** A version that was read: what was asked for, and which version that was. */
export interface ReadVersion {
  readonly secret: string;
  readonly version: WantedVersion;
  readonly versionId: string;
}

/** A resolver over a source. It keeps what it has read until it is dropped. */
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
      // A rotation may end between two reads of a secret that is named in two ways: one version serves both.
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

/** A user that may not describe a secret may still read it. */
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
  const value = jsonMember(from.text, key) ?? textOf((await secret.document()).fields[key]);
  if (value !== undefined) return { value, from, isCredential: isCredentialKey(key) };
  if (byDefault !== undefined) return { value: byDefault, from: undefined, isCredential: false };
  throw missingKey(name, key, jsonKeys(from.text));
}

/** Whether what stands under a key must not be shown; the redactor's own list decides. */
export function isCredentialKey(key: string): boolean {
  const name = key.split('.').at(-1) ?? key;
  const probe = 'a value of an unknown field';
  return sensitiveValues({ fields: { [name]: probe }, sensitive: [] }).length > 0;
}

/** What must not be shown of a secret; all of it where its form is not known. */
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

/** The member of a JSON secret at a key: of that name, else at the path that its dots mean. */
export function jsonMember(text: string, key: string): string | undefined {
  const root = jsonRoot(text);
  const node = root === undefined ? undefined : nodeAt(root, key);
  if (node === undefined || node.type === 'null') return undefined;
  if (node.type === 'string') return String(node.value);
  // As it is written: a number keeps all its digits.
  return text.slice(node.offset, node.offset + node.length);
}

/** The names of a JSON secret's members; undefined for any other secret. */
export function jsonKeys(text: string): string[] | undefined {
  const root = jsonRoot(text);
  if (root?.type !== 'object') return undefined;
  return [...new Set(root.children?.flatMap(({ children }) => String(children?.[0]?.value)))];
}

/** A JSON text with every credential in it masked, wherever it is; undefined for any other text. */
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

/** Comments are allowed, as where secrets are read for a rotation. */
function jsonRoot(text: string): Node | undefined {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: false });
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

/** Of members with the same name the last one counts, as for every parser. */
function memberOf(node: Node, name: string): Node | undefined {
  if (node.type === 'array')
    return /^\d{1,9}$/.test(name) ? findNodeAtLocation(node, [Number(name)]) : undefined;
  const member = node.children?.findLast(({ children }) => children?.[0]?.value === name);
  return node.type === 'object' ? member?.children?.[1] : undefined;
}

function textOf(value: unknown): string | undefined {
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
