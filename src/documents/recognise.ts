import { type FormName, malformed, type ParsedText } from './form.ts';
import { parseJdbc } from './jdbc.ts';
import { libpqKeywords, parseLibpq, scanSettings } from './libpq.ts';
import { parseAdoNet, parseOdbc } from './pairs.ts';
import { adoNetSyntax, odbcSyntax, scanPairs } from './pairs-scanner.ts';
import { isToken, parsePlainText } from './plain-text.ts';
import { keywordName, plainKeyword } from './sql-server-keywords.ts';
import { parseUrl } from './url.ts';

/** Every form but JSON. */
export type TextForm = Exclude<FormName, 'json'>;

const parsers: Readonly<Record<TextForm, (text: string) => ParsedText>> = {
  'ado-net': parseAdoNet,
  odbc: parseOdbc,
  url: (text) => parseUrl(text),
  libpq: parseLibpq,
  jdbc: parseJdbc,
  text: parsePlainText,
};

/** Reads a text in the form that is named. @throws MalformedSecret */
export function parseAs(form: TextForm, text: string): ParsedText {
  if (text.trim() === '' && (form !== 'text' || text === '')) {
    throw malformed(form, 0, 'there is nothing in it');
  }
  return parsers[form](text);
}

/** Prisma's `sqlserver://host:port;keyword=value`, which is JDBC's syntax and no URL. */
const prismaUrl = /^\s*sqlserver:\/\/(?:\[[^\]]*\]|[^:@/?#;]*)(?::\d+)?;/i;

/**
 * The form of a connection string; undefined for a text that is none. It is known by how it starts, or by its
 * keywords, also where something later in it is malformed: the form's own parser then says what.
 */
export function connectionStringForm(text: string): TextForm | undefined {
  if (/^\s*jdbc:/i.test(text) || prismaUrl.test(text)) return 'jdbc';
  if (/^\s*[a-z][a-z0-9+.-]*:\/\//i.test(text)) return 'url';
  const [asPairs, asOdbc, asSettings] = [
    known(scanPairs(text, adoNetSyntax), keywordName, pairKeywords),
    known(scanPairs(text, odbcSyntax), plainKeyword, odbcKeywords),
    known(scanSettings(text), (keyword) => keyword, libpqKeywords),
  ];
  if (asSettings > asPairs || (asSettings === asPairs && startsAsLibpq(text))) return 'libpq';
  if (asPairs === 0 && asOdbc === 0 && !startsAsPairs(text)) return undefined;
  return asOdbc > 0 ? 'odbc' : 'ado-net';
}

/** The form of any text but JSON; undefined where it can't be told. */
export function textForm(text: string): TextForm | undefined {
  return connectionStringForm(text) ?? (isToken(text) ? 'text' : undefined);
}

const pairKeywords = new Set(['server', 'username', 'password', 'dbname']);
const odbcKeywords = new Set(['driver', 'dsn', 'filedsn']);

/** How many different keywords of a form a text has, up to the first mistake. */
function known(
  found: Iterable<{ readonly keyword: string }>,
  nameOf: (keyword: string) => string,
  keywords: ReadonlySet<string>,
): number {
  const names = new Set<string>();
  try {
    for (const { keyword } of found) if (keywords.has(nameOf(keyword))) names.add(nameOf(keyword));
  } catch {
    // What was found so far is enough to tell the form; reading it will name the mistake.
  }
  return names.size;
}

/** Where the first value is malformed already. */
function startsAsPairs(text: string): boolean {
  const [, first = ''] = /^[\s;]*([^=;]*)=/.exec(text) ?? [];
  return pairKeywords.has(keywordName(first));
}

/** Where keywords leave it open, as in `password=x`: libpq's are in lower case, and no semicolon follows. */
function startsAsLibpq(text: string): boolean {
  const [, first = ''] = /^\s*([a-z]+)\s*=\s*[^;\s]*(?:\s|$)/.exec(text) ?? [];
  return libpqKeywords.has(first);
}
