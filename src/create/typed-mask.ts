import type { Node } from 'jsonc-parser';
import { readDocument } from '../documents/document.ts';
import { connectionStringForm } from '../documents/recognise.ts';
import { isKeyturnError } from '../errors.ts';
import { parseJsonTree } from '../render/json-tree.ts';
import { isCredentialKey } from '../render/secrets.ts';

const mask = '•';

/**
 * What is shown of a secret while it is typed. Each character of a credential is a dot. All others are as they were typed,
 * so that a mistake can be seen. If the text is neither a connection string nor JSON, all of it is dots.
 *
 * @returns a text of the same length, in UTF-16 code units
 */
export function maskTyped(text: string): string {
  const ranges = rangesToMask(text);
  if (ranges === 'all') return text.replaceAll(/[^\n]/g, mask);
  const chars = [...Array(text.length).keys()].map((index) => text.charAt(index));
  for (const [start, end] of ranges)
    for (let index = start; index < end; index += 1) if (chars[index] !== '\n') chars[index] = mask;
  return chars.join('');
}

type Range = readonly [start: number, end: number];

function rangesToMask(text: string): readonly Range[] | 'all' {
  if (/^\s*[{[]/.test(text)) return inJson(text);
  const form = connectionStringForm(text);
  if (form === undefined || form === 'text') return 'all';
  const found = [...inUserInfo(text), ...inPairs(text)];
  // The scans above work on any text. If it can be parsed, the parser finds the password too.
  const read = byReading(text);
  return read === undefined ? found : [...found, ...read];
}

/**
 * In a URL, everything from the colon after the user to the last at sign. A password that is not encoded may have colons,
 * slashes and at signs in it.
 */
function inUserInfo(text: string): Range[] {
  const [, scheme = ''] = /^(\s*(?:jdbc:)?[a-z][a-z0-9+.:-]*?:\/\/)/i.exec(text) ?? [];
  if (scheme === '') return [];
  const rest = text.slice(scheme.length);
  const at = rest.lastIndexOf('@');
  const colon = rest.indexOf(':');
  if (at < 0) {
    // There is no at sign yet. So what follows the colon is a port, or the beginning of a password.
    const [, port] = /^[^:/?#;]*:(\d{1,5})(?:$|[/?#;,])/.exec(rest) ?? [];
    return colon < 0 || port !== undefined || /^[^:]*[/?#;]/.test(rest)
      ? []
      : [[scheme.length + colon + 1, text.length]];
  }
  return colon < 0 || colon > at ? [] : [[scheme.length + colon + 1, scheme.length + at]];
}

/** The values in `key=value`, except those of {@link harmlessKeys}. */
function inPairs(text: string): Range[] {
  const ranges: Range[] = [];
  const key = /(?:^|[;?&\s{(,'"])([A-Za-z][\w .-]*?)\s*=/g;
  for (let found = key.exec(text); found !== null; found = key.exec(text)) {
    const [all, name = ''] = found;
    if (harmlessKeys.has(name.toLowerCase().replaceAll(/[\s_]/g, ''))) continue;
    const start = found.index + all.length;
    const end = endOfValue(text, start);
    ranges.push([start, end]);
    key.lastIndex = Math.max(end, start);
  }
  return ranges;
}

/** Keys of connection strings whose values everybody may see. The value of any other key is taken for a credential. */
const harmlessKeys: ReadonlySet<string> = new Set(
  `server datasource address addr networkaddress host hostaddr hostname port database initialcatalog dbname databasename
  user userid uid username encrypt trustservercertificate hostnameincertificate applicationname app applicationintent
  multisubnetfailover multipleactiveresultsets mars_connection integratedsecurity trustedconnection persistsecurityinfo
  pooling minpoolsize maxpoolsize connecttimeout connectiontimeout logintimeout commandtimeout timeout language
  failoverpartner workstationid wsid packetsize driver dsn ssl sslmode sslrootcert channelbinding targetsessionattrs
  loadbalancehosts options searchpath replicaset retrywrites readpreference charset schema protocol`
    .replaceAll('_', '')
    .split(/\s+/),
);

/** The end of a value. If it begins with a quote or a brace, it goes to the closing one. A doubled closing one is inside. */
function endOfValue(text: string, start: number): number {
  const from = start + (/^\s*/.exec(text.slice(start))?.[0].length ?? 0);
  const open = text.charAt(from);
  const close = open === '{' ? '}' : open === '"' || open === "'" ? open : undefined;
  if (close === undefined) {
    const stop = /[;&\n]/.exec(text.slice(from));
    // A space ends a value in libpq's form only. The form is not known here, so the text after a space is hidden too.
    return stop === null ? text.length : from + stop.index;
  }
  for (let at = from + 1; at < text.length; at += 1) {
    if (text.charAt(at) === '\\' && close !== '}') at += 1;
    else if (text.charAt(at) === close) {
      if (text.charAt(at + 1) !== close) return at + 1;
      at += 1;
    }
  }
  return text.length;
}

/** The range that changes when another password is written; undefined if the text can't be read or written. */
function byReading(text: string): Range[] | undefined {
  try {
    const document = readDocument(text);
    const { password } = document.fields;
    if (typeof password !== 'string') return [];
    const [one, other] = ['a', 'b'].map((char) => document.write({ password: char.repeat(8) }));
    if (one === undefined || other === undefined) return undefined;
    let start = 0;
    while (start < text.length && text[start] === one[start] && text[start] === other[start]) start += 1;
    let end = 0;
    while (
      end < text.length - start &&
      text.at(-1 - end) === one.at(-1 - end) &&
      text.at(-1 - end) === other.at(-1 - end)
    )
      end += 1;
    return [[start, text.length - end]];
  } catch (error) {
    if (isKeyturnError(error)) return undefined;
    throw error;
  }
}

/**
 * In JSON, the values of members whose key says that they are credentials. If the text is not complete, also everything
 * after its last complete member.
 */
function inJson(text: string): Range[] | 'all' {
  const { root, errors } = parseJsonTree(text, true);
  if (root === undefined) return 'all';
  const ranges = [...secretNodes(root, false)];
  if (errors.length === 0) return ranges;
  const firstError = Math.min(...errors.map(({ offset }) => offset));
  const whole = (root.children ?? []).filter(
    ({ offset, length }) => offset + length <= firstError && /^\s*,/.test(text.slice(offset + length)),
  );
  const last = whole.at(-1);
  const from = last === undefined ? root.offset + 1 : last.offset + last.length;
  return [...ranges.filter(([, end]) => end <= from), [from, text.length]];
}

function* secretNodes(node: Node, isSecret: boolean): Generator<Range> {
  if (node.type === 'object') {
    for (const { children = [] } of node.children ?? []) {
      const [name, value] = children;
      if (value !== undefined) yield* secretNodes(value, isSecret || isCredentialKey(String(name?.value)));
    }
  } else if (node.type === 'array') {
    for (const item of node.children ?? []) yield* secretNodes(item, isSecret);
  } else if (node.type === 'string' || node.type === 'number') {
    if (isSecret || (node.type === 'string' && looksSecret(String(node.value)))) {
      yield [node.offset, node.offset + node.length];
    }
  }
}

/** A connection string in a member of any name. */
function looksSecret(text: string): boolean {
  return /[=:@]/.test(text) && connectionStringForm(text) !== undefined;
}
