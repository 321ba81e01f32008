import { requireNothingMissing } from '../database/change.ts';
import { isRightMissing } from './classify.ts';
import { type Attributes, type Grant, readAttributes, readGrant } from './grants.ts';
import { type Account, quoteAccount } from './quoting.ts';
import type { MysqlSession } from './session.ts';

/** What an account may do, as the server shows it. */
export interface AccountRights {
  readonly grants: readonly Grant[];
  readonly attributes: Attributes;
}

/** SHOW answers one column. Its name contains the account. */
function firstColumn(row: object): string {
  return String(Object.values(row)[0]);
}

/** Reads an account's rights, as an admin. @throws PermissionDenied if the admin may not look */
export async function readRights(admin: MysqlSession, account: Account): Promise<AccountRights> {
  const name = quoteAccount(account);
  const grants = await admin.query<object>(`SHOW GRANTS FOR ${name}`);
  const [created = {}] = await admin.query<object>(`SHOW CREATE USER ${name}`);
  return {
    grants: grants.map(firstColumn).map(readGrant),
    attributes: readAttributes(firstColumn(created)),
  };
}

/** The most roles that are looked at: a role can hold roles. */
const mostRoles = 200;

/** All rights of an account, with those of its roles. */
export async function allEntries(admin: MysqlSession, account: Account): Promise<ReadonlySet<string>> {
  const entries = new Set<string>();
  const seen = new Set<string>();
  const collect = async (name: string): Promise<void> => {
    if (seen.size > mostRoles) throw new RangeError('The account has too many roles to look at.');
    for (const row of await admin.query<object>(`SHOW GRANTS FOR ${name}`)) {
      const grant = readGrant(firstColumn(row));
      for (const entry of grant.entries) entries.add(entry);
      for (const role of grant.roles) {
        if (seen.has(role)) continue;
        seen.add(role);
        await collect(role);
      }
    }
  };
  await collect(quoteAccount(account));
  return entries;
}

/** The rights of one account that another lacks. */
export function missingRights(one: Iterable<string>, other: ReadonlySet<string>): string[] {
  return [...new Set(one)].filter((entry) => !isRestriction(entry) && !covers(other, entry));
}

/** The restrictions (partial revokes) of one account that another does not have. */
export function missingRestrictions(one: Iterable<string>, other: ReadonlySet<string>): string[] {
  return [...new Set(one)].filter((entry) => isRestriction(entry) && !other.has(entry));
}

/**
 * The restrictions of one account that the other does not have, although the other has the right that they take away. So
 * the other can do more there.
 */
export function escapedRestrictions(one: Iterable<string>, other: ReadonlySet<string>): string[] {
  return missingRestrictions(one, other).filter((entry) => {
    const [right = '', object = ''] = entry.replace('the restriction ', '').split(/ ON (.*)/s);
    return [object, '*.*'].some(
      (place) => other.has(`${right} ON ${place}`) || other.has(`ALL PRIVILEGES ON ${place}`),
    );
  });
}

function isRestriction(entry: string): boolean {
  return entry.startsWith('the restriction ');
}

/**
 * Whether a right is held, or covered by the same right on more. With a partial revoke, a right on everything covers
 * nothing.
 */
function covers(held: ReadonlySet<string>, entry: string): boolean {
  if (held.has(entry)) return true;
  const at = entry.indexOf(' ON ');
  if (at < 0) return false;
  const [right, object] = [entry.slice(0, at).replace(/ \(.*$/s, ''), entry.slice(at + 4)];
  if (right === 'PROXY') return false;
  const [schema = ''] = /^(?:(?:PROCEDURE|FUNCTION) )?(`(?:[^`]|``)*`)\./.exec(object) ?? [];
  const wholeSchema = schema === '' ? undefined : `${schema.replace(/^(PROCEDURE|FUNCTION) /, '')}*`;
  const places = [object, ...(wholeSchema === undefined ? [] : [wholeSchema]), '*.*'];
  const isRestricted = [...held].some(isRestriction);
  return places
    .filter((place) => place !== '*.*' || !isRestricted)
    .some(
      (place) =>
        held.has(`${right} ON ${place}`) ||
        (right !== 'GRANT OPTION' && held.has(`ALL PRIVILEGES ON ${place}`)),
    );
}

/**
 * Refuses the next user if it can do less than the other. The admin asks, because the server shows a user nothing of
 * another's rights.
 *
 * @throws PrivilegesMissing
 */
export async function requireSameRights(admin: MysqlSession, other: Account, next: Account): Promise<void> {
  const [more, less] = [await entriesOf(admin, other), await entriesOf(admin, next)];
  requireNothingMissing(
    [
      ...missingRights(more, less),
      ...missingRestrictions(less, more).map((entry) => `freedom from ${entry}`),
    ],
    other.user,
    'Grant it to both users, or to a role that both have, and rotate again.',
  );
}

async function entriesOf(admin: MysqlSession, account: Account): Promise<ReadonlySet<string>> {
  const { grants, attributes } = await readRights(admin, account);
  const roles = attributes.defaultRoles;
  return new Set([
    ...grants.flatMap(({ entries }) => entries),
    ...(roles === '' ? [] : [`the default roles ${roles}`]),
  ]);
}

/** Rights that are harmless on the whole server, such as to look at its state or to use temporary tables. */
const harmlessEverywhere = new Set([
  'PROCESS',
  'REPLICATION CLIENT',
  'BINLOG MONITOR',
  'SLAVE MONITOR',
  'SHOW DATABASES',
  'APPLICATION_PASSWORD_ADMIN',
  'CREATE TEMPORARY TABLES',
  'LOCK TABLES',
  'XA_RECOVER_ADMIN',
  'SHOW_ROUTINE',
]);

/** The rights that no application needs: on the whole server, on its system tables, and to give rights to others. */
export function administrativeRights(entries: Iterable<string>): string[] {
  return [...entries].filter((entry) => {
    if (isRestriction(entry)) return false;
    if (entry.startsWith('administration of')) return true;
    const [right = '', object = ''] = entry.split(/ ON (.*)/s);
    if (right === 'PROXY') return true;
    if (object === '*.*') return !harmlessEverywhere.has(right);
    return isOfTheServer(object);
  });
}

/** Schemas with the server's users, and with routines that run with more rights than the caller's. */
const ofTheServer = ['mysql', 'sys'];

/**
 * Whether a right for an object reaches one of the server's own schemas. In a grant for a whole schema, the schema's name is
 * a pattern: a right ON `%`.* includes `mysql`.
 *
 * @see https://dev.mysql.com/doc/refman/8.4/en/grant.html#grant-database-privileges
 */
function isOfTheServer(object: string): boolean {
  const [, quoted = '', rest = ''] = /^(?:[A-Z ]+ )?`((?:[^`]|``)*)`\.(.*)$/s.exec(object) ?? [];
  if (rest !== '*') return ofTheServer.includes(quoted);
  const parts = quoted.match(/\\[\s\S]|%+|[\s\S]/g) ?? [];
  const pattern = parts.map((part) =>
    part.startsWith('%') ? '.*' : part === '_' ? '.' : (part.at(-1) ?? '').replace(/[^\w]/, '\\$&'),
  );
  const matcher = new RegExp(`^${pattern.join('')}$`, 'is');
  return ofTheServer.some((schema) => matcher.test(schema));
}

/** The rights of a session's user, with those of its active roles. A role that is granted is not active by that alone. */
async function activeEntries(session: MysqlSession): Promise<string[]> {
  const rows = await session.query<object>('SHOW GRANTS');
  return rows
    .map(firstColumn)
    .map(readGrant)
    .flatMap((grant) => grant.entries);
}

/** Whether the user may make the server keep two of its passwords. */
export async function mayKeepTwoPasswords(session: MysqlSession): Promise<boolean> {
  const entries = await activeEntries(session);
  const { isMariaDb } = await session.server();
  const needed = ['CREATE USER', 'ALL PRIVILEGES', ...(isMariaDb ? [] : ['APPLICATION_PASSWORD_ADMIN'])];
  return needed.some((right) => entries.includes(`${right} ON *.*`));
}

/** The right that an admin lacks to change users and see their rights; undefined if it has all. */
export async function missingAdminRight(admin: MysqlSession): Promise<string | undefined> {
  const entries = new Set(await activeEntries(admin));
  const may = (right: string): boolean =>
    covers(entries, `${right} ON *.*`) || entries.has(`ALL PRIVILEGES ON *.*`);
  if (!may('CREATE USER') && !may('UPDATE')) return 'needs CREATE USER';
  try {
    await admin.query('SELECT User FROM mysql.user LIMIT 1');
    return undefined;
  } catch (error) {
    if (!isRightMissing(error)) throw error;
    return 'needs SELECT ON mysql.*';
  }
}
