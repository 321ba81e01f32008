import type { RotatorContext } from '../../src/rotator/index.ts';
import { rightsInDatabaseStatement, rightsOnServerStatement, rightsStatement } from './catalogue.ts';
import type { SqlServerCredential } from './credential.ts';
import { isDatabaseClosed } from './login-failure.ts';
import {
  mayDoEverything,
  missingIn,
  type PermissionRow,
  type PrincipalRights,
  permissionOf,
  type Scope,
  withoutOwnDenials,
} from './rights.ts';
import type { SqlServerSession } from './session.ts';

/**
 * How the subject is related to the account that proved itself. `clone`: the subject is the clone, and is given the
 * denials of the original before its password is set. `original`: the subject is the original. `none`: somebody has named
 * the two as a pair, or the account stands alone.
 */
export type Relation = 'clone' | 'original' | 'none';

/** What one account may do in one place: on the server, or in a database. */
interface FoundRights extends PrincipalRights {
  /** Whether there is such a login or user. */
  readonly exists: boolean;
  /** Whether it is a user with a password of its own. */
  readonly contained: boolean;
  readonly roles: PrincipalRights['roles'][number][];
  readonly permissions: PrincipalRights['permissions'][number][];
  /** Databases that it owns, and linked servers at which it has a login; in words for a person. */
  readonly more: string[];
}

interface Place {
  /** The database's name; empty for the server. */
  readonly name: string;
  readonly subject: FoundRights;
  readonly proven: FoundRights;
}

interface Looked {
  readonly places: ReadonlyMap<string, Place>;
  readonly unseen: readonly string[];
}

const nothing: FoundRights = {
  principal: '',
  exists: false,
  contained: false,
  roles: [],
  permissions: [],
  more: [],
};

/**
 * What the account of `subject` may do and that of `proven` may not, on the server and in every database. Without
 * `proven`: what no application's login may do. See `ChangingRotator.excessRights`. Usually takes one round trip.
 */
export async function excessRights(
  session: SqlServerSession,
  subject: SqlServerCredential,
  proven: SqlServerCredential | undefined,
  relation: Relation,
  context: RotatorContext,
): Promise<string[]> {
  const looked = await lookEverywhere(session, subject, proven, context);
  if (proven === undefined) return [...looked.places.values()].flatMap(administration);
  const unseen = unseenExcess(looked, proven, relation, context);
  return [...compare(looked, relation === 'clone'), ...unseen];
}

/**
 * What to say of databases in which the admin can't look. The subject may have any right there. For a pair that somebody
 * has named, this counts as an excess; for a clone and its original, a note is enough.
 */
function unseenExcess(
  { unseen, places }: Looked,
  { username }: SqlServerCredential,
  relation: Relation,
  context: RotatorContext,
): string[] {
  const server = places.get('');
  if (unseen.length === 0 || (server !== undefined && mayDoEverything('server', server.proven))) return [];
  const names = unseen.join(', ');
  if (relation === 'none')
    return [
      `whatever it may do in ${names}, where the admin may not see the users (CONNECT ANY DATABASE and VIEW ANY DEFINITION let it)`,
    ];
  context.note(
    `The admin may not see the users of ${names}: what ${username} and the other user may do there was not compared.`,
  );
  return [];
}

/** Also looks into master of Azure SQL Database, in another session: the roles that administer the server are there. */
async function lookEverywhere(
  session: SqlServerSession,
  subject: SqlServerCredential,
  proven: SqlServerCredential | undefined,
  context: RotatorContext,
): Promise<Looked> {
  const looked = await readRights(session, subject, proven);
  if (looked.places.has('') || looked.places.has('master')) return looked;
  const master = await session.elsewhere('master').catch((error: unknown) => {
    if (isDatabaseClosed(error)) return undefined;
    throw error;
  });
  if (master === undefined) {
    context.note("The admin may not enter Azure's master: what the accounts may do there was not compared.");
    return looked;
  }
  try {
    const there = await readRights(master, subject, proven);
    return { ...looked, places: new Map([...looked.places, ...there.places]) };
  } finally {
    await master.close();
  }
}

async function readRights(
  session: SqlServerSession,
  subject: SqlServerCredential,
  proven: SqlServerCredential | undefined,
): Promise<Looked> {
  const rows = await session.query<object>(rightsStatement, {
    subject: subject.username,
    proven: proven?.username ?? '',
    database: subject.database,
    onServer: rightsOnServerStatement,
    inDatabase: rightsInDatabaseStatement,
  });
  const places = new Map<string, Place>();
  const unseen: string[] = [];
  let rights: FoundRights = nothing;
  for (const row of rows) {
    if (isHeading(row)) {
      rights = rightsOf(row);
      const place = places.get(row.scope) ?? { name: row.scope, subject: nothing, proven: nothing };
      places.set(row.scope, { ...place, [row.who]: rights });
    } else if (isPermission(row)) rights.permissions.push(permissionOf(row));
    else if (isRole(row)) rights.roles.push(row);
    else if ('unseenDatabase' in row) unseen.push(String(row.unseenDatabase));
    else if ('ownedDatabase' in row) rights.more.push(`ownership of the database ${row.ownedDatabase}`);
    else if ('linkedServer' in row) rights.more.push(`a login at the linked server ${row.linkedServer}`);
  }
  return { places, unseen };
}

interface Heading {
  readonly scope: string;
  readonly who: 'subject' | 'proven';
  readonly username: string | null;
  readonly contained: boolean;
}

function isHeading(row: object): row is Heading {
  return 'who' in row && 'scope' in row;
}

function isPermission(row: object): row is PermissionRow {
  return 'permission' in row;
}

function isRole(row: object): row is PrincipalRights['roles'][number] {
  return 'direct' in row && 'name' in row;
}

function rightsOf({ username, contained }: Heading): FoundRights {
  return {
    principal: username ?? '',
    exists: username !== null,
    contained,
    roles: [],
    permissions: [],
    more: [],
  };
}

/**
 * The excess rights of the subject. A contained user is compared in its database. If there is a login of the same name,
 * its rights count too: the database's owner can drop the user, and then the name means the login.
 */
function compare({ places }: Looked, follows: boolean): string[] {
  const server = places.get('');
  if (server !== undefined && mayDoEverything('server', server.proven)) return [];
  const contained = [...places.values()].find(({ subject }) => subject.contained);
  const others = [...places.values()].filter((place) => place !== contained);
  const compared = (contained === undefined ? [] : [contained]).flatMap((place) =>
    differences(place, follows),
  );
  const isLogin = server?.subject.exists === true;
  if (contained !== undefined && !isLogin) return compared;
  if (contained !== undefined && server?.proven.exists !== true)
    return [
      ...compared,
      ...others.flatMap(administration).map((what) => `as the login of that name: ${what}`),
    ];
  return [...compared, ...others.flatMap((place) => differences(place, follows))];
}

function differences({ name, subject, proven }: Place, follows: boolean): string[] {
  if (!subject.exists) return [];
  const scope: Scope = name === '' ? 'server' : 'database';
  const access = scope === 'database' && !proven.exists ? ['access to the database'] : [];
  const own = follows ? withoutOwnDenials(proven) : proven;
  const more = subject.more.filter((what) => !proven.more.includes(what));
  return [...access, ...missingIn(scope, own, subject), ...more].map((what) => at(name, what));
}

function at(name: string, what: string): string {
  return name === '' ? what : `${what} (in ${name})`;
}

/** Permissions on the server that do not let anybody change anything, or read other people's data. */
const ordinaryPermissions = /^(CONNECT|CONNECT SQL|CONNECT ANY DATABASE|VIEW .*)$/;
/** Roles of the server's own databases through which a login can get to administer the server. */
const administrativeRoles = new Set([
  'db_owner',
  'db_securityadmin',
  'db_accessadmin',
  'db_ddladmin',
  // Of Azure's master.
  'loginmanager',
  'dbmanager',
]);
const ofTheServer = new Set(['master', 'msdb', 'model']);

/**
 * What no application's login has: fixed server roles, permissions to change the server or to use another login, and
 * administrative roles in the server's own databases. Server roles that somebody has made count by their permissions.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/security/authentication-access/server-level-roles
 */
function administration({ name, subject }: Place): string[] {
  if (name !== '') {
    if (!ofTheServer.has(name.toLowerCase())) return [];
    return subject.roles
      .filter((role) => administrativeRoles.has(role.name))
      .map((role) => at(name, `membership in ${role.name}`));
  }
  const roles = subject.roles.filter((role) => isFixed(role.name));
  const permissions = subject.permissions.filter(
    ({ permission, state }) => (state === 'G' || state === 'W') && !ordinaryPermissions.test(permission),
  );
  return [
    ...roles.map((role) => `membership in ${role.name}`),
    ...permissions.map(({ permission, securable }) => `${permission} on ${securable.label}`),
  ];
}

const fixedRoles = new Set([
  'sysadmin',
  'securityadmin',
  'serveradmin',
  'setupadmin',
  'processadmin',
  'diskadmin',
  'dbcreator',
  'bulkadmin',
]);

/** Since SQL Server 2022 new fixed roles are called ##MS_...##. No other role can have such a name. */
function isFixed(role: string): boolean {
  return fixedRoles.has(role) || /^##MS_.*##$/.test(role);
}
