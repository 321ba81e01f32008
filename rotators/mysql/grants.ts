import { AdapterError } from '../../src/rotator/index.ts';
import { type Account, quoteAccount } from './quoting.ts';

/** A word, a name, a string or a sign of a statement, and where it stands. */
interface Token {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

const token =
  /\s*(`(?:[^`]|``)*`|'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|[\p{L}\p{N}_$]+|[(),@*.%/<>-])/uy;

/** @throws AdapterError for a text that SHOW GRANTS or SHOW CREATE USER would not answer */
function tokensOf(statement: string): Token[] {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  while (/\S/.test(statement.slice(token.lastIndex))) {
    const at = token.lastIndex;
    const [whole, text] = token.exec(statement) ?? [];
    if (whole === undefined || text === undefined)
      throw new AdapterError('The server describes an account in a way that is not known here.');
    tokens.push({ text, from: at + whole.length - text.length, to: at + whole.length });
  }
  return tokens;
}

const isWord = ({ text }: Token, ...words: readonly string[]): boolean => words.includes(text.toUpperCase());

/** A line of SHOW GRANTS. */
export interface Grant {
  readonly kind: 'GRANT' | 'REVOKE' | 'SET';
  /** What stands between the kind and the account, such as `SELECT ON d.*`. */
  readonly what: string;
  /** What follows the account and can be repeated: WITH GRANT OPTION, WITH ADMIN OPTION. */
  readonly option: string;
  /** Each right, role or restriction in it, so that it can be compared. */
  readonly entries: readonly string[];
  /** Roles that are granted, as the server writes them. */
  readonly roles: readonly string[];
}

/**
 * Reads a line of SHOW GRANTS: a grant of rights, of roles or of a proxy, a partial revoke, or MariaDB's default role.
 *
 * @see https://dev.mysql.com/doc/refman/8.4/en/show-grants.html
 */
export function readGrant(line: string): Grant {
  const tokens = tokensOf(line);
  const [first, second] = tokens;
  const kind = first?.text.toUpperCase();
  if (
    first === undefined ||
    second === undefined ||
    (kind !== 'GRANT' && kind !== 'REVOKE' && kind !== 'SET')
  )
    throw new AdapterError('The server has shown a grant that is not known here.');
  const link = kind === 'GRANT' ? 'TO' : kind === 'REVOKE' ? 'FROM' : 'FOR';
  // Names are quoted. So the last word without quotes is the one before the account.
  const end = tokens.findLastIndex((each) => isWord(each, link));
  const last = tokens[end - 1];
  if (end < 2 || last === undefined) throw new AdapterError('The server has shown a grant of nothing.');
  const what = line.slice(second.from, last.to);
  const rest = tokens.slice(end + 1);
  const optionAt = rest.findIndex((each, index) => isWord(each, 'OPTION') && index > 0);
  const of = rest[optionAt - 1];
  const option =
    of !== undefined && isWord(of, 'GRANT', 'ADMIN') ? ` WITH ${of.text.toUpperCase()} OPTION` : '';
  const inner = tokens.slice(1, end);
  const on = inner.findIndex((each) => isWord(each, 'ON'));
  const text = (part: readonly Token[]): string =>
    part.length === 0 ? '' : line.slice(part[0]?.from, part.at(-1)?.to);
  if (kind === 'SET') return { kind, what, option: '', entries: [`${what}`], roles: [] };
  if (on < 0) {
    const roles = split(inner).map(text);
    const entries = roles.flatMap((role) => [
      `the role ${role}`,
      ...(option === '' ? [] : [`administration of the role ${role}`]),
    ]);
    return { kind, what, option, entries, roles };
  }
  const object = text(inner.slice(on + 1));
  const prefix = kind === 'REVOKE' ? 'the restriction ' : '';
  const rights = split(inner.slice(0, on)).flatMap((part) => columnsOf(part, text));
  const entries = rights
    .filter((right) => right !== 'USAGE')
    .map((right) => `${prefix}${right} ON ${object}`);
  if (option !== '') entries.push(`GRANT OPTION ON ${object}`);
  return { kind, what, option, entries, roles: [] };
}

/** `SELECT (a, b)` is two rights. */
function columnsOf(part: readonly Token[], text: (part: readonly Token[]) => string): string[] {
  const open = part.findIndex((each) => each.text === '(');
  if (open < 0) return [text(part).toUpperCase()];
  const right = text(part.slice(0, open)).toUpperCase();
  return split(part.slice(open + 1, -1)).map((column) => `${right} (${text(column)})`);
}

/** Splits at commas outside of parentheses. */
function split(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const each of tokens) {
    if (each.text === '(') depth += 1;
    if (each.text === ')') depth -= 1;
    if (each.text === ',' && depth === 0) parts.push([]);
    else parts.at(-1)?.push(each);
  }
  return parts;
}

/** The statement that grants or revokes the same for another account. */
export function grantStatement({ kind, what, option }: Grant, account: Account): string {
  const link = kind === 'GRANT' ? 'TO' : kind === 'REVOKE' ? 'FROM' : 'FOR';
  return `${kind} ${what} ${link} ${quoteAccount(account)}${option}`;
}

/** What SHOW CREATE USER says of an account besides its name and its password. */
export interface Attributes {
  /** What ALTER USER takes: TLS, limits, expiry, lock, policy, comment. */
  readonly settings: string;
  /** Roles that are active from the login on, as the server writes them; MySQL's alone. */
  readonly defaultRoles: string;
}

const noLimits =
  'WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 0';

/** @see https://dev.mysql.com/doc/refman/8.4/en/show-create-user.html */
export function readAttributes(statement: string): Attributes {
  const tokens = tokensOf(statement);
  const is = (index: number, ...words: readonly string[]): boolean => {
    const found = tokens[index];
    return found !== undefined && isWord(found, ...words);
  };
  /** The first of these words that begins a part of its own: not IDENTIFIED WITH, and not IDENTIFIED BY PASSWORD. */
  const first = (...words: readonly string[]): number => {
    const found = tokens.findIndex(
      (each, index) => isWord(each, ...words) && !is(index - 1, 'IDENTIFIED', 'BY'),
    );
    return found < 0 ? tokens.length : found;
  };
  const slice = (begin: number, end: number): string =>
    begin >= end ? '' : statement.slice(tokens[begin]?.from, tokens[end - 1]?.to);
  const begin = first('REQUIRE', 'WITH', 'PASSWORD', 'ACCOUNT');
  const limits = first('WITH', 'PASSWORD', 'ACCOUNT');
  // SHOW CREATE USER omits what a new account has by default. ALTER USER would leave that unchanged, so it is added
  // here.
  const settings = [
    is(begin, 'REQUIRE') ? slice(begin, limits) : 'REQUIRE NONE',
    ...(is(limits, 'WITH') ? [] : [noLimits]),
    slice(limits, tokens.length),
  ];
  const roles = first('DEFAULT');
  return {
    settings: settings.filter((part) => part !== '').join(' '),
    defaultRoles: roles < begin ? slice(roles + 2, begin) : '',
  };
}

/** One of the ways to log in of an account of MariaDB. */
export interface Way {
  readonly plugin: string;
  /** As a statement repeats it, such as `unix_socket` or `mysql_native_password USING '*2470...'`. */
  readonly text: string;
}

/** The ways to log in that MariaDB's SHOW CREATE USER names, in the order in which the server tries them. */
export function readWays(statement: string): Way[] {
  const tokens = tokensOf(statement);
  const via = tokens.findIndex((each) => isWord(each, 'VIA'));
  // A single password has no VIA.
  if (via < 0) return [{ plugin: 'mysql_native_password', text: 'mysql_native_password' }];
  const ways: Way[] = [];
  for (let at = via; ; ) {
    const plugin = tokens[at + 1];
    if (plugin === undefined || !/^\w+$/.test(plugin.text))
      throw new AdapterError('The server describes a way to log in that is not known here.');
    const value = tokens[at + 3];
    const hasValue = value !== undefined && isWord(tokens[at + 2] ?? plugin, 'USING', 'AS');
    const end = hasValue ? at + 4 : at + 2;
    ways.push({
      plugin: plugin.text.toLowerCase(),
      text: statement.slice(plugin.from, tokens[end - 1]?.to),
    });
    const next = tokens[end];
    if (next === undefined || !isWord(next, 'OR')) return ways;
    at = end;
  }
}
