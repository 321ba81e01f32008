import { AdapterError } from '../../src/rotator/index.ts';
import {
  databasePermissionsStatement,
  databaseRolesStatement,
  securableViewsStatement,
  serverPermissionsStatement,
  serverRolesStatement,
} from './catalogue.ts';
import { quoteIdentifier } from './quoting.ts';
import { describeSecurable, type Securable, type SecurableRow } from './securables.ts';
import type { SqlServerSession } from './session.ts';

/** G: granted. W: granted with grant option. D: denied. R: revoked, for a column that is an exception from a grant. */
export type State = 'G' | 'W' | 'D' | 'R';

/** One permission that a principal has or is denied. */
export interface Permission {
  readonly permission: string;
  readonly state: State;
  readonly securable: Securable;
  /** Whether the principal has it itself, and not through a role. */
  readonly direct: boolean;
}

/** What a principal may do, on the server or in one database. */
export interface PrincipalRights {
  readonly principal: string;
  readonly roles: readonly { readonly name: string; readonly direct: boolean }[];
  readonly permissions: readonly Permission[];
}

/** A row of the permission catalogue. */
export interface PermissionRow extends SecurableRow {
  readonly permission: string;
  readonly state: string;
  readonly direct: boolean;
}

/** Reads what a login holds on the server. */
export async function serverRights(session: SqlServerSession, login: string): Promise<PrincipalRights> {
  return read(session, login, serverRolesStatement, serverPermissionsStatement);
}

/** Reads what a user holds in the session's database. */
export async function databaseRights(session: SqlServerSession, user: string): Promise<PrincipalRights> {
  const [views = {}] = await session.query<object>(securableViewsStatement);
  const available = Object.entries(views).filter(([, id]) => id !== null);
  const statement = databasePermissionsStatement(new Set(available.map(([view]) => view)));
  return read(session, user, databaseRolesStatement, statement);
}

async function read(
  session: SqlServerSession,
  username: string,
  rolesStatement: string,
  permissionsStatement: string,
): Promise<PrincipalRights> {
  const roles = await session.query<PrincipalRights['roles'][number]>(rolesStatement, { username });
  const rows = await session.query<PermissionRow>(permissionsStatement, { username });
  return { principal: username, roles, permissions: rows.map(permissionOf) };
}

/** Reads a row of the permission catalogue. */
export function permissionOf(row: PermissionRow): Permission {
  const state = row.state.trim();
  if (state !== 'G' && state !== 'W' && state !== 'D' && state !== 'R')
    throw new AdapterError('Unknown state of a permission.');
  // The permission goes into statements as it is, since a keyword can't be quoted. All of the catalogue's look like this.
  if (!/^[A-Z0-9 ]+$/.test(row.permission)) throw new AdapterError('Unknown permission in the catalogue.');
  return { permission: row.permission, state, securable: describeSecurable(row), direct: row.direct };
}

function sameThing(one: Permission, other: Permission): boolean {
  return one.permission === other.permission && one.securable.label === other.securable.label;
}

function isRestriction({ state }: Permission): boolean {
  return state === 'D' || state === 'R';
}

const control = new Set(['CONTROL', 'CONTROL SERVER']);

/**
 * Whether one permission includes another. CONTROL includes every other permission on the same thing. An owner has
 * CONTROL, and can't be granted the others.
 */
function covers(own: Permission, needed: Permission): boolean {
  const suffices = own.state === needed.state || (own.state === 'W' && needed.state === 'G');
  const implies =
    control.has(own.permission) && !isRestriction(needed) && own.securable.label === needed.securable.label;
  return suffices && (implies || sameThing(own, needed));
}

/** Where a principal is. The statement that alters its roles depends on it. */
export type Scope = 'server' | 'database';

/**
 * The statements that give `to` what `from` holds directly, and that make their denials the same. Further rights of `to`
 * stay.
 */
export function statementsToFollow(scope: Scope, from: PrincipalRights, to: PrincipalRights): string[] {
  const principal = quoteIdentifier(to.principal);
  const alter = scope === 'server' ? 'ALTER SERVER ROLE' : 'ALTER ROLE';
  const roles = from.roles.filter(
    (role) => role.direct && !to.roles.some((own) => own.direct && own.name === role.name),
  );
  const own = to.permissions.filter(({ direct }) => direct);
  const wanted = from.permissions.filter(({ direct, securable }) => direct && securable.known);
  const excess = own.filter((one) => isRestriction(one) && !wanted.some((other) => covers(one, other)));
  const lacking = wanted.filter((one) => !own.some((held) => covers(held, one)));
  return [
    ...roles.map(({ name }) => `${alter} ${quoteIdentifier(name)} ADD MEMBER ${principal}`),
    ...excess
      .filter(({ securable }) => securable.known)
      .map((one) => statementOf({ ...one, state: 'R' }, principal)),
    ...lacking.map((one) => statementOf(one, principal)),
  ];
}

/** DENY and REVOKE need CASCADE if the principal has granted the permission to others. Otherwise it changes nothing. */
function statementOf(
  { permission, state, securable: { on, column } }: Permission,
  principal: string,
): string {
  const columns = column === undefined ? '' : ` (${quoteIdentifier(column)})`;
  const what = `${permission}${columns}${on === undefined ? '' : ` ON ${on}`}`;
  if (state === 'D') return `DENY ${what} TO ${principal} CASCADE`;
  if (state === 'R') return `REVOKE ${what} FROM ${principal} CASCADE`;
  return `GRANT ${what} TO ${principal}${state === 'W' ? ' WITH GRANT OPTION' : ''}`;
}

/** The role that may do everything. Each counts in its own scope only: a database's owner can call a role "sysadmin". */
const everything: Readonly<Record<Scope, string>> = { server: 'sysadmin', database: 'db_owner' };

/** Whether a principal may do everything in the scope. */
export function mayDoEverything(scope: Scope, { roles, permissions }: PrincipalRights): boolean {
  return roles.some(({ name }) => name === everything[scope]) && !permissions.some(isRestriction);
}

/** What `other` may do and `own` may not, in words for a person. Roles count also if they come through another role. */
export function missingIn(scope: Scope, own: PrincipalRights, other: PrincipalRights): string[] {
  if (mayDoEverything(scope, own)) return [];
  const roleNames = new Set(own.roles.map(({ name }) => name));
  const roles = other.roles
    .filter(({ name }) => !roleNames.has(name))
    .map(({ name }) => `membership in ${name}`);
  const granted = other.permissions.filter((one) => one.direct && !isRestriction(one));
  const lacking = granted.filter((one) => !own.permissions.some((held) => covers(held, one)));
  return [...roles, ...lacking.map(nameOf), ...deniedTo(own, other)];
}

/** What is denied to `own` and not to `other`. */
function deniedTo(own: PrincipalRights, other: PrincipalRights): string[] {
  return own.permissions
    .filter(
      (one) =>
        isRestriction(one) && !other.permissions.some((same) => isRestriction(same) && sameThing(same, one)),
    )
    .map((one) => `freedom from the denial of ${nameOf(one)}`);
}

/** Rights without the denials of the principal itself. Those of its roles stay. */
export function withoutOwnDenials({ permissions, ...rights }: PrincipalRights): PrincipalRights {
  return { ...rights, permissions: permissions.filter((one) => !(isRestriction(one) && one.direct)) };
}

function nameOf({ permission, state, securable }: Permission): string {
  return `${permission}${state === 'W' ? ' with grant option' : ''} on ${securable.label}`;
}
