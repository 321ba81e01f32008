import { malformed, type Span } from './form.ts';
import { scanSettings } from './libpq.ts';

/** A setting, and where its value stands. */
export interface Line {
  /** The name in brackets above it, as in INI files. Empty if there is none. */
  readonly section: string;
  readonly key: string;
  readonly value: string;
  /** The value with its quotes. */
  readonly span: Span;
  readonly quote: string;
  /** What readers of such lines read in different ways, in words for a message. Undefined if they agree. */
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

/** Reads `KEY=value` lines one by one. The caller can use the lines before a mistake. @throws MalformedSecret */
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

/** All lines. @throws MalformedSecret */
export function readLines(text: string): Line[] {
  const lines = [...scanLines(text)];
  // In TOML every text is in quotes, and its readers don't take them for a part of the value.
  const isToml =
    lines.every(
      ({ quote, value }) => /^["']$/.test(quote) || /^(?:true|false|[+-]?\d[\w.:+-]*)$/.test(value),
    ) && lines.some(({ section }) => section !== '');
  return lines.map((line) =>
    isToml && line.dispute === quoteInSection && !/[\\$]/.test(line.value)
      ? { ...line, dispute: undefined }
      : line,
  );
}

const quoteInSection = 'a quote or a number sign below a name in brackets';

/** pg_service.conf takes quotes and number signs for a part of the value, and my.cnf does not. */
function inSection(section: string, line: Omit<Line, 'section'>, text: string): Line {
  const rest = match(bareValue, text, line.span.end)?.[0] ?? '';
  const dispute = line.quote !== '' || rest.includes('#') ? quoteInSection : line.dispute;
  return { ...line, section, dispute };
}

function quotedLine(key: string, start: number, quoted: string): Omit<Line, 'section'> {
  const quote = quoted.charAt(0);
  const dispute =
    quote === '"' && /[\\$]/.test(quoted) ? 'a backslash or a dollar sign in double quotes' : undefined;
  return { key, value: quoted.slice(1, -1), span: { start, end: start + quoted.length }, quote, dispute };
}

/** A number sign after a space begins a comment. Without the space, only some readers take it for a comment. */
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
  // The last two are Azure's and ASP.NET's names for connection strings.
  return /^\s*(?:export\s+[A-Za-z_]\w*|[A-Z]{2,}(?:_[A-Z\d]{2,})+|[A-Z]+CONNSTR_\w+|ConnectionStrings__\w+)=/.test(
    lines[0] ?? '',
  );
}

/** Whether a text is lines below names in brackets, as in pg_service.conf and my.cnf. */
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
