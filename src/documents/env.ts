import type { KeyturnError } from '../errors.ts';
import { type Embedding, malformed, notHeld, type ParsedText, refused, type Span, textOf } from './form.ts';
import { connectionField, type FieldNames } from './json.ts';
import { innerLeaves, type Leaf } from './json-leaves.ts';
import { scanSettings } from './libpq.ts';
import { referencesTo } from './references.ts';
import { isCredentialName } from './setting-names.ts';
import { readSettings, type SettingsHints } from './settings.ts';

/** A setting, and where its value stands. */
interface Line {
  /** The name in brackets above it, as in INI files; empty where there is none. */
  readonly section: string;
  readonly key: string;
  readonly value: string;
  /** With its quotes. */
  readonly span: Span;
  readonly quote: string;
  /** How readers differ in it; undefined where they don't. */
  readonly dispute: string | undefined;
}

// A quoted value may go over several lines, as in dotenv.
const blank = /[ \t\r\n\f\v]*(?:[#;][^\n]*(?:\n|$)[ \t\r\n\f\v]*)*/y;
const sectionName = /\[([^\]"{},\r\n]+)\][ \t]*(?:[#;][^\n]*)?(?:\r?\n|$)/y;
const name = /(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*/y;
const quotedValue = /(?:'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`)(?=[ \t]*(?:#[^\n]*)?(?:\r?\n|$))/sy;
const bareValue = /[^\r\n]*/y;

function match(token: RegExp, text: string, at: number): RegExpExecArray | null {
  token.lastIndex = at;
  return token.exec(text);
}

/** Reads `KEY=value` lines. Lazy, so that what was found before a mistake can be used. @throws MalformedSecret */
function* scanLines(text: string): Generator<Line> {
  const skip = (from: number): number => from + (match(blank, text, from)?.[0].length ?? 0);
  let at = skip(0);
  let section = '';
  while (at < text.length) {
    const [heading, named] = match(sectionName, text, at) ?? [];
    if (heading !== undefined && named !== undefined) {
      section = named.trim();
      at = skip(at + heading.length);
      continue;
    }
    const [before = '', key] = match(name, text, at) ?? [];
    if (key === undefined) throw malformed('env', at, 'a line is no KEY=value');
    const start = at + before.length;
    const quoted = match(quotedValue, text, start)?.[0];
    const line = quoted === undefined ? bareLine(text, key, start) : quotedLine(key, start, quoted);
    yield section === '' ? { ...line, section } : inSection(section, line, text);
    const next = text.indexOf('\n', line.span.end);
    at = skip(next < 0 ? text.length : next + 1);
  }
}

/** pg_service.conf takes quotes and number signs for a part of the value, and my.cnf does not. */
function inSection(section: string, line: Omit<Line, 'section'>, text: string): Line {
  const rest = match(bareValue, text, line.span.end)?.[0] ?? '';
  const dispute =
    line.quote !== '' || rest.includes('#')
      ? 'a quote or a number sign below a name in brackets'
      : line.dispute;
  return { ...line, section, dispute };
}

function quotedLine(key: string, start: number, quoted: string): Omit<Line, 'section'> {
  const quote = quoted.charAt(0);
  const dispute =
    quote === '"' && /[\\$]/.test(quoted) ? 'a backslash or a dollar sign in double quotes' : undefined;
  return { key, value: quoted.slice(1, -1), span: { start, end: start + quoted.length }, quote, dispute };
}

/** A number sign after a space begins a comment; without one it does so for some readers only. */
function bareLine(text: string, key: string, start: number): Omit<Line, 'section'> {
  const whole = match(bareValue, text, start)?.[0] ?? '';
  const comment = whole.search(/(?:^|[ \t])#/);
  const value = whole.slice(0, comment < 0 ? undefined : comment).trimEnd();
  const dispute = /^["'`]/.test(value)
    ? 'a quote that does not end'
    : /#/.test(value)
      ? 'a number sign without quotes'
      : undefined;
  return { key, value, span: { start, end: start + value.length }, quote: '', dispute };
}

/**
 * Whether a text reads as settings of a program: several `KEY=value` lines, or one whose key is like DB_PASSWORD. A single
 * line with any other key may be a password or Base64 with an equals sign in it.
 */
export function isKeyValueLines(text: string): boolean {
  const lines = text.split('\n').filter((line) => !/^\s*(?:#.*)?$/.test(line));
  if (lines.length > 1) return readsAsLines(text) && !isOneString(text, lines);
  return /^\s*(?:export\s+[A-Za-z_]\w*|[A-Z]{2,}(?:_[A-Z\d]{2,})+)=/.test(lines[0] ?? '');
}

/** Whether a text is lines below names in brackets, as of pg_service.conf and my.cnf. */
export function hasSections(text: string): boolean {
  return /^\s*(?:[#;][^\n]*\n\s*)*\[[^\]"{},\r\n]+\][ \t]*\r?\n/.test(text) && readsAsLines(text);
}

function readsAsLines(text: string): boolean {
  try {
    return [...scanLines(text)].length > 0;
  } catch {
    return false;
  }
}

/** Whether the lines are one connection string: ADO.NET with a semicolon at each line's end, or libpq. */
function isOneString(text: string, lines: readonly string[]): boolean {
  if (lines.slice(0, -1).every((line) => /;\s*$/.test(line))) return true;
  try {
    const keywords = [...scanSettings(text)].map(({ keyword }) => keyword);
    return (
      keywords.every((keyword) => keywordsOfLibpq.test(keyword)) &&
      keywords.some((keyword) => keyword === 'host' || keyword === 'dbname')
    );
  } catch {
    return false;
  }
}

/** @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS */
const keywordsOfLibpq =
  /^(host|hostaddr|port|dbname|user|password|passfile|connect_timeout|client_encoding|options|application_name|sslmode|sslrootcert|sslcert|sslkey|channel_binding|target_session_attrs|keepalives\w*|gssencmode|service)$/;

/** All punctuation but `-`, `.` and `_`. A shell takes the tilde for a home folder. */
const unsafeCharacters = '!"#$%&\'()*+,/:;<=>?@[\\]^`{|}~';

/**
 * Reads `KEY=value` lines, as of `.env` files: quotes of three kinds, `export`, comments.
 *
 * @throws MalformedSecret
 * @see https://github.com/motdotla/dotenv#what-rules-does-the-parsing-engine-follow
 * @see https://github.com/theskumar/python-dotenv#file-format
 */
export function parseEnv(
  text: string,
  fieldNames: FieldNames,
  hints: SettingsHints = { isLeft: () => false },
): ParsedText {
  const lines = [...scanLines(text)];
  if (lines.length === 0) throw malformed('env', 0, 'there is nothing in it');
  const leaves = lines.flatMap((line) => leavesOf(line));
  const ofLines = new Set(lines.map(pathOf));
  const at = (key: string | undefined): Leaf[] =>
    leaves.filter((leaf) => ofLines.has(leaf.path) && leaf.path === key);
  const named = [...fieldNames].filter(([field, key]) => field !== connectionField && at(key).length > 0);
  const own = Object.fromEntries(named.map(([field, key]) => [field, at(key).at(-1)?.value]));
  const settings = readSettings(leaves, {
    own,
    password: at(fieldNames.get('password')).at(-1),
    connections: at(fieldNames.get(connectionField)),
    taken: new Set(named.flatMap(([, key]) => at(key))),
    hints,
  });
  const { target } = referencesTo(leaves);
  const plain = lines.filter(({ section, value }) => section === '' && target(value, '') === undefined);
  const raw = Object.fromEntries(lines.map((line) => [pathOf(line), line.value]));
  const ownSlots = [
    ...plain.map((line) => ({ ...slotOf(line), field: line.key })),
    ...named.flatMap(([field, key]) =>
      lines.filter((line) => pathOf(line) === key).map((line) => ({ ...slotOf(line), field })),
    ),
  ];
  return {
    form: 'env',
    fields: { ...raw, ...settings.fields, ...own },
    slots: [...ownSlots, ...settings.slots],
    append: (missing) => {
      const edits = settings.append?.(missing);
      if (edits !== undefined) return edits;
      throw notHeld([...missing.keys()].join(', '), 'has no line of its own');
    },
    unsafeCharacters: unsafeCharacters + settings.unsafeCharacters,
    engineIsGuess: settings.engineIsGuess,
    isConnectionString: settings.isConnectionString,
    sensitive: settings.sensitive,
    others: settings.others,
    refusal: settings.refusal ?? disputed(lines, settings.fields, own),
  };
}

/** Readers of such lines agree on all but a few characters. */
function disputed(
  lines: readonly Line[],
  found: ParsedText['fields'],
  own: ParsedText['fields'],
): ParsedText['refusal'] {
  const password = own.password ?? found.password;
  const line = lines.find(
    ({ key, value, dispute }) =>
      dispute !== undefined && (value === password || isCredentialName(key) || value.includes('://')),
  );
  if (
    line === undefined ||
    typeof password !== 'string' ||
    !(line.value === password || line.value.includes(password))
  )
    return undefined;
  return refused(
    line.key,
    `The secret's "${line.key}" has ${line.dispute}, which readers of KEY=value lines take in different ways.`,
    'Set a password once that needs no quotes, or put the value in single quotes.',
  );
}

function slotOf({ value, span, quote, key }: Line): {
  value: string;
  span: Span;
  encode: (value: unknown) => string;
} {
  return { value, span, encode: (changed) => quoted(key, changed, quote) };
}

function pathOf({ section, key }: Line): string {
  return section === '' ? key : `${section}.${key}`;
}

function leavesOf(line: Line): Leaf[] {
  const { section, key, value, span, quote } = line;
  const path = pathOf(line);
  const first = span.start + quote.length;
  const embedding: Embedding = {
    path,
    text: value,
    offsets: Array.from({ length: value.length + 1 }, (_, index) => first + index),
    encode: (chunk) => {
      if (fits(chunk, quote)) return chunk;
      throw notHeldByEnv(key);
    },
  };
  const { encode } = slotOf(line);
  const inner = [...innerLeaves(embedding)];
  const leaf = {
    path,
    scope: section,
    name: key,
    value,
    span,
    encode,
    embedding,
    isContainer: inner.length > 0,
  };
  return [leaf, ...inner];
}

/** A value in the quotes that it had, or in others that every reader understands. @throws InvalidSecretField */
function quoted(key: string, changed: unknown, had: string): string {
  const value = textOf(key, changed);
  const quote = [had, "'", '"'].find((one) => fits(value, one));
  if (quote === undefined) throw notHeldByEnv(key);
  return quote + value + quote;
}

/** Whether every reader takes a text within these quotes as it stands. */
function fits(text: string, quote: string): boolean {
  if (quote === '') return /^[\w.~:/@%+,=!*()[\]^?&;|{}<>-]*$/.test(text);
  return !text.includes(quote) && !/[\r\n]/.test(text) && (quote !== '"' || !/[\\$`]/.test(text));
}

function notHeldByEnv(key: string): KeyturnError {
  return notHeld(key, 'has quotes, spaces or line breaks that KEY=value lines can not hold for every reader');
}
