import { type FormName, malformed, type Span } from './form.ts';

/** A keyword and its value in a connection string. */
export interface KeywordValue {
  /** As it is written, without the space around it. */
  readonly keyword: string;
  readonly value: string;
  /** The value with its quotes. For an empty value, the place after the equals sign. */
  readonly valueSpan: Span;
  /** The quote that the value is in. */
  readonly quote: string | undefined;
}

/** How a form with semicolons quotes. */
export interface PairSyntax {
  readonly form: FormName;
  /** The closing quote of each opening one. Within the value, a closing quote is doubled. */
  readonly quotes: ReadonlyMap<string, string>;
  /** Opening quotes that are ordinary characters if they don't enclose a whole value. */
  readonly lenientQuotes: string;
  /** Matches a keyword. */
  readonly keyword: RegExp;
  /** Whether the space around a value belongs to it. */
  readonly spaceCounts: boolean;
}

const plainKeyword = /[^=;]*/y;

/**
 * The syntax of `DbConnectionStringBuilder`. Braces are quotes to the drivers of Node.js, and not to .NET. Where they don't
 * enclose a whole value, everybody reads them as .NET does.
 *
 * @see https://learn.microsoft.com/en-us/dotnet/api/system.data.sqlclient.sqlconnection.connectionstring
 * @see https://github.com/tediousjs/connection-string
 */
export const adoNetSyntax: PairSyntax = {
  form: 'ado-net',
  quotes: new Map([
    ['"', '"'],
    ["'", "'"],
    ['{', '}'],
  ]),
  lenientQuotes: '{',
  // A doubled equals sign is part of the keyword.
  keyword: /(?:[^=;]|==)*/y,
  spaceCounts: false,
};

/**
 * The syntax of ODBC. The space around a value belongs to it. A brace is a quote only if it is the value's first character.
 *
 * @see https://learn.microsoft.com/en-us/sql/odbc/reference/syntax/sqldriverconnect-function#comments
 * @see https://learn.microsoft.com/openspecs/sql_server_protocols/ms-odbcstr/55953f0e-2d30-4ad4-8e56-b4207e491409
 */
export const odbcSyntax: PairSyntax = {
  form: 'odbc',
  quotes: new Map([['{', '}']]),
  lenientQuotes: '',
  keyword: plainKeyword,
  spaceCounts: true,
};

/** The syntax of go-mssqldb's `odbc:` strings. @see https://github.com/microsoft/go-mssqldb#the-connection-string-can-be-specified-in-one-of-three-formats */
export const goOdbcSyntax: PairSyntax = { ...odbcSyntax, spaceCounts: false };

/** @see https://learn.microsoft.com/en-us/sql/connect/jdbc/building-the-connection-url */
export const jdbcSyntax: PairSyntax = {
  form: 'jdbc',
  quotes: new Map([['{', '}']]),
  lenientQuotes: '',
  keyword: plainKeyword,
  spaceCounts: false,
};

/** The syntax of jTDS. It has no quotes: a semicolon ends a value. @see https://jtds.sourceforge.net/faq.html#urlFormat */
export const jtdsSyntax: PairSyntax = { ...jdbcSyntax, quotes: new Map() };

/** The syntax of PHP's data source names. They have no quotes. @see https://www.php.net/manual/en/pdo.construct.php */
export const pdoSyntax: PairSyntax = { ...jdbcSyntax, form: 'ado-net', quotes: new Map() };

const space = /\s*/y;
const betweenPairs = /[\s;]*/y;
const bareValue = /[^;]*/y;

function match(token: RegExp, text: string, at: number): string {
  token.lastIndex = at;
  return token.exec(text)?.[0] ?? '';
}

/**
 * Reads `keyword=value;...` from an index on, one by one. The caller can use the pairs before a mistake.
 *
 * @throws MalformedSecret
 */
export function* scanPairs(text: string, syntax: PairSyntax, from = 0): Generator<KeywordValue> {
  const quotedValue = quotedValues(text, syntax);
  let at = from + match(betweenPairs, text, from).length;
  while (at < text.length) {
    const name = match(syntax.keyword, text, at);
    const equals = at + name.length;
    if (text[equals] !== '=') throw malformed(syntax.form, at, 'a keyword has no equals sign');
    if (name.trim() === '') throw malformed(syntax.form, at, 'an equals sign has no keyword');
    const afterEquals = equals + 1;
    const start = syntax.spaceCounts ? afterEquals : afterEquals + match(space, text, afterEquals).length;
    const found = quotedValue(start) ?? plainValue(text, afterEquals, start, syntax);
    yield { keyword: name.trim(), ...found };
    const { end } = found.valueSpan;
    at = end + match(betweenPairs, text, end).length;
  }
}

type Value = Omit<KeywordValue, 'keyword'>;

function plainValue(text: string, afterEquals: number, start: number, { spaceCounts }: PairSyntax): Value {
  const raw = match(bareValue, text, start);
  // An editor or `echo` leaves a line break at the end of the text.
  const value = spaceCounts
    ? raw.replace(start + raw.length === text.length ? /\r?\n$/ : /$^/, '')
    : raw.trimEnd();
  // If the value is empty, a new one goes right after the equals sign, before any space.
  const from = value === '' ? afterEquals : start;
  return { value, valueSpan: { start: from, end: from + value.length }, quote: undefined };
}

/**
 * Returns a function that reads the quoted value at an index. It returns undefined if there are no quotes.
 *
 * @throws MalformedSecret for quotes that don't enclose the whole value, unless they are lenient
 */
function quotedValues(text: string, syntax: PairSyntax): (start: number) => Value | undefined {
  // No lenient quote before this index encloses a value. Without it, a text of many open braces would take quadratic time.
  let noneBefore = 0;
  return (start) => {
    const quote = text[start] ?? '';
    const close = syntax.quotes.get(quote);
    const isLenient = syntax.lenientQuotes.includes(quote);
    if (close === undefined || (isLenient && start < noneBefore)) return undefined;
    const end = closingQuote(text, start, close);
    const rest = end === undefined ? '' : match(space, text, end);
    const next = end === undefined ? undefined : text[end + rest.length];
    if (end !== undefined && (next === undefined || next === ';')) {
      const value = text.slice(start + 1, end - 1).replaceAll(close + close, close);
      return { value, valueSpan: { start, end }, quote };
    }
    if (isLenient) {
      noneBefore = end ?? text.length;
      return undefined;
    }
    if (end === undefined) throw malformed(syntax.form, start, 'a quoted value does not end');
    throw malformed(syntax.form, end, 'something follows a quoted value');
  };
}

/** The index after the closing quote. */
function closingQuote(text: string, start: number, close: string): number | undefined {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] !== close) continue;
    if (text[at + 1] !== close) return at + 1;
    at += 1;
  }
  return undefined;
}
