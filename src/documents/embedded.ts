import { isKeyturnError, KeyturnError } from '../errors.ts';
import type { SecretFields } from './fields.ts';
import type { Edit, ParsedText, Slot, Span } from './form.ts';
import { type JsonNode, stringOffsets } from './json-scanner.ts';
import { connectionStringForm, parseAs } from './recognise.ts';
import { isDatabaseUrl } from './url.ts';

/** The connection strings of a JSON secret, as far as they are about its credential. */
export interface EmbeddedStrings {
  /** What they say; the JSON's own fields win over it. */
  readonly fields: SecretFields;
  readonly slots: readonly Slot[];
  /** Where a missing field goes when the JSON itself holds no credential. */
  readonly append: ((missing: ReadonlyMap<string, unknown>) => Edit[]) | undefined;
  readonly unsafeCharacters: string;
  readonly engineIsGuess: boolean;
  readonly sensitive: readonly string[];
}

/** Which nodes are looked at. */
export interface EmbeddedHints {
  /** Nodes that are said to be connection strings. */
  readonly named: readonly JsonNode[];
  /** Nodes that are known to be fields. */
  readonly taken: ReadonlySet<JsonNode>;
}

interface Candidate {
  readonly path: string;
  readonly node: JsonNode;
  readonly parsed: ParsedText;
}

const credentialFields = new Set([
  'engine',
  'host',
  'port',
  'username',
  'password',
  'dbname',
  'ssl',
  'trustservercertificate',
  'applicationintent',
  'failoverpartner',
]);

/** Fields that are never connection strings, however they look. */
const plainFields = new Set(['username', 'password', 'host', 'port', 'dbname', 'engine', 'masterarn']);

/**
 * Finds the connection strings of a JSON secret that are for the same account as its fields, or, where it has no
 * fields, for one account. Those for another account are left alone. Neither is one touched that has no credential
 * in it, such as a JDBC URL beside username and password; it only says where the server is.
 *
 * @throws MalformedSecret for a named one that is none, and where several accounts leave open which one is meant
 */
export function embeddedStrings(
  text: string,
  root: JsonNode,
  own: SecretFields,
  hints: EmbeddedHints,
): EmbeddedStrings {
  const named = hints.named.map((node) => namedCandidate(node));
  const others = [...candidates(root, '', hints)].filter(({ node }) => !hints.named.includes(node));
  const reference = { ...(named.at(-1) ?? firstWithPassword(others, own))?.parsed.fields, ...own };
  const matching = [...named, ...others.filter(({ parsed }) => isSameAccount(parsed, reference))];
  if (named.length === 0 && own.password === undefined) requireOneAccount(others, matching);

  const besideFields = own.password !== undefined;
  const slots = matching.flatMap(({ node, parsed }) =>
    // A place that is empty so far stays so where the credential has fields of its own.
    parsed.slots.filter(({ value }) => !besideFields || value !== undefined).map(outerSlot(text, node)),
  );
  const [primary] = matching;
  const canTake = primary !== undefined && !besideFields;
  return {
    fields: Object.assign({}, ...matching.map(({ parsed }) => aboutCredential(parsed.fields)).reverse()),
    slots,
    append: canTake ? (missing) => outerEdits(text, primary.node, primary.parsed.append(missing)) : undefined,
    unsafeCharacters: matching.map(({ parsed }) => parsed.unsafeCharacters).join(''),
    engineIsGuess: primary?.parsed.engineIsGuess ?? false,
    sensitive: matching.flatMap(({ node, parsed }) => innerSensitive(String(node.value), parsed)),
  };
}

function namedCandidate(node: JsonNode): Candidate {
  const path = 'connection';
  if (typeof node.value !== 'string') throw notAConnectionString('it is no string');
  const form = connectionStringForm(node.value);
  if (form === undefined) throw notAConnectionString('its form is not known');
  try {
    return { path, node, parsed: parseAs(form, node.value) };
  } catch (error) {
    throw isKeyturnError(error) ? notAConnectionString(error.message) : error;
  }
}

function notAConnectionString(reason: string): KeyturnError {
  return new KeyturnError(
    'MalformedSecret',
    `The field that the secret's "connection" names is no connection string: ${reason}`,
    'Correct the secret, or the tag keyturn:fields.',
    { field: 'connection' },
  );
}

function* candidates(node: JsonNode, path: string, hints: EmbeddedHints): Generator<Candidate> {
  for (const member of node.members ?? []) {
    const inner = path === '' ? member.name : `${path}.${member.name}`;
    if (hints.taken.has(member.node) || plainFields.has(inner)) continue;
    yield* candidates(member.node, inner, hints);
    const parsed = typeof member.node.value === 'string' ? parseIfDatabase(member.node.value) : undefined;
    if (parsed !== undefined) yield { path: inner, node: member.node, parsed };
  }
}

/** A text that is a connection string of a database; a URL of anything else says nothing about the credential. */
function parseIfDatabase(text: string): ParsedText | undefined {
  const form = connectionStringForm(text);
  if (form === undefined || (form === 'url' && !isDatabaseUrl(text))) return undefined;
  try {
    const parsed = parseAs(form, text);
    // A note may have an equals sign in it.
    const isSure = form === 'url' || form === 'jdbc' || parsed.fields.username !== undefined;
    return isSure || parsed.fields.password !== undefined ? parsed : undefined;
  } catch (error) {
    // It is none, or of no use to anybody.
    if (isKeyturnError(error)) return undefined;
    throw error;
  }
}

/** What a connection string adds to the JSON's own fields; its other keywords have names of another kind. */
function aboutCredential(fields: SecretFields): SecretFields {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => credentialFields.has(field)));
}

function firstWithPassword(found: readonly Candidate[], own: SecretFields): Candidate | undefined {
  if (own.password !== undefined) return undefined;
  return found.find(({ parsed }) => parsed.fields.password !== undefined && isSameAccount(parsed, own));
}

/** Ports are not compared: a pooler listens at another one, with the same accounts. */
function isSameAccount({ fields: one, engineIsGuess }: ParsedText, other: SecretFields): boolean {
  if (engineIsGuess !== true && differs(engineFamily(one), engineFamily(other), false)) return false;
  if (differs(hostOf(one), hostOf(other), true) || differs(one.username, other.username, false)) return false;
  if (typeof one.username === 'string' && typeof other.username === 'string') return true;
  return !differs(one.password, other.password, false);
}

/** What the names of an engine's editions have in common; undefined for an engine that may be any. */
function engineFamily({ engine }: SecretFields): string | undefined {
  const [family] = /postgres|sqlserver|mysql|mariadb|mongo|redis(?!hift)|redshift/.exec(String(engine)) ?? [];
  return family === 'mariadb' ? 'mysql' : family;
}

/** Without the instance, which fields of their own leave out. */
function hostOf({ host }: SecretFields): unknown {
  return typeof host === 'string' ? host.split('\\')[0] : host;
}

/** Whether two values are known, and not the same. */
function differs(one: unknown, other: unknown, ignoreCase: boolean): boolean {
  if (typeof one !== 'string' || typeof other !== 'string') return false;
  return ignoreCase ? one.toLowerCase() !== other.toLowerCase() : one !== other;
}

function requireOneAccount(found: readonly Candidate[], matching: readonly Candidate[]): void {
  const withPassword = found.filter(({ parsed }) => parsed.fields.password !== undefined);
  if (withPassword.every((candidate) => matching.includes(candidate))) return;
  const paths = withPassword.map(({ path }) => JSON.stringify(path)).join(', ');
  throw new KeyturnError(
    'MalformedSecret',
    `The secret holds connection strings for different accounts, in the fields ${paths}.`,
    'Name the one to rotate with the tag keyturn:fields, such as connection=name.',
  );
}

/** A slot of a connection string as one of the JSON text that holds it: what stays keeps its escapes. */
function outerSlot(text: string, node: JsonNode): (slot: Slot) => Slot {
  const offsets = stringOffsets(text, node.span);
  return (slot) => ({
    ...slot,
    span: outerSpan(offsets, node, slot.span),
    encode: (value) => escaped(slot.encode(value)),
  });
}

function outerEdits(text: string, node: JsonNode, edits: readonly Edit[]): Edit[] {
  const offsets = stringOffsets(text, node.span);
  return edits.map((edit) => ({ ...outerSpan(offsets, node, edit), text: escaped(edit.text) }));
}

function outerSpan(offsets: readonly number[], node: JsonNode, { start, end }: Span): Span {
  const last = node.span.end - 1;
  return { start: offsets[start] ?? last, end: offsets[end] ?? last };
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function innerSensitive(inner: string, { slots }: ParsedText): string[] {
  return slots
    .filter(({ field }) => field === 'password')
    .map(({ span }) => inner.slice(span.start, span.end));
}
