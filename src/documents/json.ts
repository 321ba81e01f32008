import { type Edit, malformed, type ParsedText, refused, type Slot } from './form.ts';
import { type JsonMember, type JsonNode, scanJson } from './json-scanner.ts';
import { jsonLeaves } from './leaves.ts';
import { readSettings, type SettingsHints } from './settings.ts';

/** The place of each field in JSON or in KEY=value lines: a name, or a path with dots between names. */
export type FieldNames = ReadonlyMap<string, string>;

/** In {@link FieldNames}, this name stands for the connection string, which is not a field. */
export const connectionField = 'connection';

/**
 * Must be escaped in JSON. Other punctuation needs no escape.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8259#section-7
 */
const unsafeCharacters = '"\\';

/**
 * Reads a JSON secret. It can have AWS's structure, with AWS's names or others. It can also hold connection strings, or the
 * settings of a framework.
 *
 * @throws MalformedSecret
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
 */
export function parseJson(
  text: string,
  fieldNames: FieldNames,
  hints: SettingsHints = { isLeft: () => false },
): ParsedText {
  const root = scanJson(text);
  if (root.members === undefined) throw malformed('json', root.span.start, 'it is no object');
  const named = namedNodes(root, fieldNames);
  const own = ownFields(root.members, named);
  const leaves = [...jsonLeaves(text, root)];
  const at = (nodes: readonly JsonNode[]) =>
    leaves.filter(({ node }) => node !== undefined && nodes.includes(node));
  const connections = nodesAt(root, fieldNames.get(connectionField) ?? '');
  const password = named.get('password') ?? nodesAt(root, 'password');
  const settings = readSettings(leaves, {
    own: ofCredential(own.fields),
    password: at(password).at(-1),
    connections: at(connections),
    taken: new Set(at([...named.values()].flat())),
    hints,
  });
  const hasNoText = (value: unknown): boolean => value === undefined || value === null || value === '';
  const stated = Object.fromEntries(
    Object.entries(own.fields).filter(([field, value]) => !hasNoText(value) || !(field in settings.fields)),
  );
  return {
    form: 'json',
    fields: { ...settings.fields, ...stated },
    slots: [
      ...own.slots,
      ...settings.slots.filter(
        ({ span }) => !own.slots.some((slot) => slot.span.start === span.start && isCredential(slot)),
      ),
    ],
    append: (missing) => settings.append?.(missing) ?? append(text, root, missing, fieldNames),
    unsafeCharacters: unsafeCharacters + settings.unsafeCharacters,
    engineIsGuess: settings.engineIsGuess && own.fields.engine === undefined,
    engineIsStated: own.fields.engine !== undefined,
    isConnectionString: settings.isConnectionString,
    sensitive: [...own.hidden, ...settings.sensitive],
    others: settings.others,
    refusal: settings.refusal ?? manifest(root),
  };
}

/** @see https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data */
function manifest(root: JsonNode): ParsedText['refusal'] {
  const isSecret = nodesAt(root, 'kind').at(-1)?.value === 'Secret';
  const data = nodesAt(root, 'data').at(-1)?.members ?? [];
  if (!isSecret || data.length === 0) return undefined;
  return refused(
    'data',
    'The secret is a manifest of Kubernetes with values in Base64 under "data".',
    'Put them under "stringData" as they are, or keep the values alone, and let the cluster make the manifest.',
  );
}

function isCredential({ field }: Slot): boolean {
  return field === 'username' || field === 'password';
}

/** The fields that say whose credential it is and where it works. */
function ofCredential(fields: ParsedText['fields']): ParsedText['fields'] {
  const names = ['engine', 'host', 'port', 'username', 'password', 'dbname', 'ssl'];
  return Object.fromEntries(names.filter((name) => fields[name] !== '').map((name) => [name, fields[name]]));
}

/** All nodes at a path, duplicates included. Readers take the last one. A name with a dot in it wins over a path. */
function nodesAt(node: JsonNode, path: string): JsonNode[] {
  const called = (name: string): JsonNode[] =>
    (node.members ?? []).filter((member) => member.name === name).map((member) => member.node);
  if (path === '') return [];
  const direct = called(path);
  if (direct.length > 0) return direct;
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const found = called(path.slice(0, dot)).flatMap((child) => nodesAt(child, path.slice(dot + 1)));
    if (found.length > 0) return found;
  }
  return [];
}

/** The nodes of each field that the tag keyturn:fields gives a place. A field is left out if nothing is there. */
function namedNodes(root: JsonNode, fieldNames: FieldNames): Map<string, JsonNode[]> {
  const found = [...fieldNames]
    .filter(([field]) => field !== connectionField)
    .map(([field, path]): [string, JsonNode[]] => [field, nodesAt(root, path)]);
  return new Map(found.filter(([, nodes]) => nodes.length > 0));
}

interface OwnFields {
  readonly fields: ParsedText['fields'];
  readonly slots: readonly Slot[];
  /** Strings in members that are no fields of their own because of the tag keyturn:fields. They are masked all the same. */
  readonly hidden: readonly string[];
}

/**
 * A member is the field that its name says. It is not if the tag keyturn:fields gives that field another place, or makes the
 * member another field.
 */
function ownFields(
  members: readonly JsonMember[],
  named: ReadonlyMap<string, readonly JsonNode[]>,
): OwnFields {
  const taken = new Set([...named.values()].flat());
  const plain = members.filter(({ name, node }) => !named.has(name) && !holds(node, taken));
  const mapped = [...named].map(([field, nodes]): [string, unknown] => [field, nodes.at(-1)?.value]);
  const fields = Object.fromEntries([
    ...plain.map(({ name, node }): [string, unknown] => [name, node.value]),
    ...mapped,
  ]);
  const slots = [
    ...plain.map(({ name, node }) => slotOf(name, node)),
    ...[...named].flatMap(([field, nodes]) => nodes.map((node) => slotOf(field, node))),
  ];
  const readable = new Set(mapped.map(([, value]) => value));
  const rest = members.filter((member) => !plain.includes(member));
  const hidden = rest.flatMap(({ node }) => [...strings(node.value)]).filter((value) => !readable.has(value));
  // Shorter strings are words and flags. The redactor doesn't mask them either.
  return { fields, slots, hidden: hidden.filter((value) => value.length >= 6) };
}

function holds(node: JsonNode, nodes: ReadonlySet<JsonNode>): boolean {
  return nodes.has(node) || (node.members ?? []).some((member) => holds(member.node, nodes));
}

function* strings(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null)
    for (const part of Object.values(value)) yield* strings(part);
}

function slotOf(field: string, { value, span }: JsonNode): Slot {
  return { field, value, span, encode: (changed) => JSON.stringify(changed) };
}

/** Puts new members after the last one of their object, with the same spacing. */
function append(
  text: string,
  root: JsonNode,
  missing: ReadonlyMap<string, unknown>,
  fieldNames: FieldNames,
): Edit[] {
  const added = new Map<JsonNode, string>();
  for (const [field, value] of missing) {
    const { parent, name } = insertionPoint(root, fieldNames.get(field) ?? field);
    const before = added.get(parent) ?? '';
    const isFirst = before === '' && (parent.members ?? []).length === 0;
    const { gap, colon } = spacing(text, parent);
    const member = JSON.stringify(name) + colon + JSON.stringify(value);
    added.set(parent, `${before}${isFirst ? '' : ','}${gap}${member}`);
  }
  return [...added].map(([parent, out]) => {
    const at = parent.members?.at(-1)?.node.span.end ?? parent.span.start + 1;
    return { start: at, end: at, text: out };
  });
}

/** The object that a new field goes into: that of its path if it exists, else the root. */
function insertionPoint(root: JsonNode, path: string): { parent: JsonNode; name: string } {
  const dot = path.lastIndexOf('.');
  const parent = dot < 0 ? undefined : nodesAt(root, path.slice(0, dot)).at(-1);
  return parent?.members === undefined ? { parent: root, name: path } : { parent, name: path.slice(dot + 1) };
}

function spacing(text: string, { span, members = [] }: JsonNode): { gap: string; colon: string } {
  const last = members.at(-1);
  if (last === undefined) return { gap: '', colon: ':' };
  const from = members.at(-2)?.node.span.end ?? span.start;
  let gapStart = last.nameSpan.start;
  while (gapStart > from && /[ \t\r\n]/.test(text.charAt(gapStart - 1))) gapStart -= 1;
  const gap = text.slice(gapStart, last.nameSpan.start);
  const between = text.slice(last.nameSpan.end, last.node.span.start);
  return { gap, colon: /^[ \t\r\n]*:[ \t\r\n]*$/.test(between) ? between : ':' };
}
