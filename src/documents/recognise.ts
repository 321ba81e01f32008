import { isKeyturnError } from '../errors.ts';
import { type FormName, malformed, nest, outerEdits, outerSlot, type ParsedText } from './form.ts';
import { isJdbc, parseJdbc } from './jdbc.ts';
import { isPdoPostgres, libpqKeywords, parseLibpq, scanSettings } from './libpq.ts';
import { adoNetKeywords, nameIn } from './pair-keywords.ts';
import { isPdo, parseAdoNet, parseOdbc } from './pairs.ts';
import { adoNetSyntax, odbcSyntax, scanPairs } from './pairs-scanner.ts';
import { isToken, parsePlainText } from './plain-text.ts';
import { plainKeyword } from './sql-server-keywords.ts';
import { isStackExchangeRedis, parseStackExchangeRedis } from './stackexchange-redis.ts';
import { parseUrl } from './url.ts';
import { schemeOf } from './url-scanner.ts';

/** Every form of a single value: all but JSON and KEY=value lines. */
export type TextForm = Exclude<FormName, 'json' | 'env'>;

const parsers: Readonly<Record<TextForm, (text: string) => ParsedText>> = {
  'ado-net': parseAdoNet,
  odbc: parseOdbc,
  url: (text) => parseUrl(text),
  libpq: parseLibpq,
  jdbc: parseJdbc,
  'stackexchange-redis': parseStackExchangeRedis,
  text: parsePlainText,
};

/** Reads a text in the form that is named. @throws MalformedSecret */
export function parseAs(form: TextForm, text: string): ParsedText {
  if (text.trim() === '' && (form !== 'text' || text === '')) {
    throw malformed(form, 0, 'there is nothing in it');
  }
  const parsed = parsers[form](text);
  return withInner({ ...parsed, slots: parsed.slots.map((slot) => ({ ...slot, form })) });
}

/**
 * Reads the connection string within a connection string, as Entity Framework and SQLAlchemy's odbc_connect have it. The inner
 * string says who logs in.
 */
function withInner(outer: ParsedText): ParsedText {
  const { inner: [embedding] = [] } = outer;
  if (embedding === undefined) return outer;
  const form = connectionStringForm(embedding.text);
  const inner = form === undefined ? undefined : parseAs(form, embedding.text);
  if (inner === undefined)
    return { ...outer, others: [...outer.others, { path: embedding.path, value: embedding.text }] };
  const { username, password, ...place } = outer.fields;
  const isCopy = ({ value }: ParsedText['slots'][number]): boolean =>
    value === inner.fields.username || value === inner.fields.password;
  const { refusal = outer.refusal, engineIsGuess = false } = inner;
  return {
    ...outer,
    fields: { ...place, ...inner.fields },
    slots: [
      ...outer.slots.filter((slot) => slot.value !== undefined && isCopy(slot)),
      ...inner.slots.map(outerSlot(embedding)),
    ],
    append: (missing) => outerEdits(embedding, inner.append(missing)),
    unsafeCharacters: outer.unsafeCharacters + inner.unsafeCharacters,
    engineIsGuess,
    others: [
      ...outer.others,
      ...inner.others.map(({ path, value }) => ({ path: `${embedding.path}.${path}`, value })),
    ],
    inner: (inner.inner ?? []).map((further) => nest(embedding, further)),
    refusal,
  };
}

/** Prisma's `sqlserver://host:port;keyword=value`, which is JDBC's syntax and no URL. */
const prismaUrl = /^\s*sqlserver:\/\/(?:\[[^\]]*\]|[^:@/?#;]*)(?::\d+)?;/i;

/**
 * The form of a connection string. Undefined for any other text. The start of the text or its keywords tell the form, even if
 * something later in it is malformed. The form's own parser then says what is wrong.
 */
export function connectionStringForm(text: string): TextForm | undefined {
  if (isJdbc(text) || prismaUrl.test(text)) return 'jdbc';
  if (schemeOf(text) !== undefined) return 'url';
  if (/^\s*odbc:[^;]*=/i.test(text)) return 'odbc';
  if (isPdoPostgres(text)) return 'libpq';
  if (isPdo(text)) return 'ado-net';
  if (isStackExchangeRedis(text)) return 'stackexchange-redis';
  // Most values of a large secret end here. To read each in three forms, up to its mistake, takes twice as long as all the rest.
  if (!text.includes('=')) return undefined;
  const ado = (keyword: string): string => nameIn(adoNetKeywords, keyword);
  const [asPairs, asOdbc, asSettings] = [
    known(scanPairs(text, adoNetSyntax), ado, pairKeywords),
    known(scanPairs(text, odbcSyntax), plainKeyword, odbcKeywords),
    known(scanSettings(text), (keyword) => keyword, libpqKeywords),
  ];
  if (asSettings > asPairs || (asSettings === asPairs && startsAsLibpq(text))) return 'libpq';
  if (asPairs === 0 && asOdbc === 0 && !startsAsPairs(text))
    return isEntityFramework(text) ? 'ado-net' : undefined;
  return asOdbc > 0 ? 'odbc' : 'ado-net';
}

/** @see https://learn.microsoft.com/dotnet/framework/data/adonet/ef/connection-strings */
function isEntityFramework(text: string): boolean {
  return /^\s*(?:metadata|name|provider)\s*=[\s\S]*provider connection string\s*=/i.test(text);
}

/** The form of a text that is neither JSON nor KEY=value lines. Undefined if it can't be told. */
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
    // The keywords before the mistake are enough to tell the form. Its parser will name the mistake.
  }
  return names.size;
}

/** Whether the first keyword is one of the form. This recognises a text whose first value is already malformed. */
function startsAsPairs(text: string): boolean {
  const [, first = ''] = /^[\s;]*([^=;\s][^=;]*)=/.exec(text) ?? [];
  return pairKeywords.has(nameIn(adoNetKeywords, first));
}

/** Decides if the keywords fit two forms, as in `password=x`. libpq's are in lower case, and no semicolon follows the value. */
function startsAsLibpq(text: string): boolean {
  const [, first = ''] = /^\s*([a-z]+)\s*=\s*[^;\s]*(?:\s|$)/.exec(text) ?? [];
  return libpqKeywords.has(first);
}

/** Reads a text in a form. Undefined if it only looks like the form: no driver can use it. */
export function parseIfPossible(form: TextForm, text: string): ParsedText | undefined {
  try {
    return parseAs(form, text);
  } catch (error) {
    if (isKeyturnError(error)) return undefined;
    throw error;
  }
}
