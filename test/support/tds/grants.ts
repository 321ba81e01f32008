import { databaseOf, type Grant, type Identity, type Model, type Principal } from './model.ts';
import { type Run, requireInDatabase, requireOnServer } from './rights.ts';
import { plainName } from './text.ts';
import { SqlError } from './tokens.ts';
import { fire } from './triggers.ts';

const classes: Readonly<Record<string, readonly [number, string, string | null]>> = {
  DATABASE: [0, 'DATABASE', null],
  OBJECT: [1, 'OBJECT_OR_COLUMN', null],
  SCHEMA: [3, 'SCHEMA', null],
  USER: [4, 'DATABASE_PRINCIPAL', 'S'],
  ROLE: [4, 'DATABASE_PRINCIPAL', 'R'],
  TYPE: [6, 'TYPE', null],
  CERTIFICATE: [25, 'CERTIFICATE', null],
  LOGIN: [101, 'SERVER_PRINCIPAL', 'S'],
};

/** Makes a row of the permission catalogue. */
export function grantOf(
  permission: string,
  words: string | undefined,
  names: readonly string[] | undefined,
  state: string,
  onServer = false,
  columnName: string | null = null,
): Grant {
  const fallback = onServer ? ([100, 'SERVER', null] as const) : classes.DATABASE;
  const [number, classDescription, principalType] = (words === undefined ? fallback : classes[words]) ?? [];
  if (number === undefined || classDescription === undefined)
    throw new SqlError(102, `The stand-in knows no ${words}.`);
  const [last, schema] = [...(names ?? [])].reverse();
  return {
    class: number,
    classDescription,
    permission,
    state,
    name: last ?? null,
    schemaName: schema ?? null,
    columnName,
    principalType: principalType ?? null,
  };
}

function sameThing(one: Grant, other: Grant): boolean {
  return (
    one.permission === other.permission &&
    one.class === other.class &&
    one.name === other.name &&
    one.schemaName === other.schemaName &&
    one.columnName === other.columnName
  );
}

/**
 * Permissions on the server: GRANT has no ON for them.
 *
 * @see https://learn.microsoft.com/sql/t-sql/statements/grant-server-permissions-transact-sql
 */
const onTheServer = new Set([
  'ADMINISTER BULK OPERATIONS',
  'ALTER ANY CONNECTION',
  'ALTER ANY LINKED SERVER',
  'ALTER ANY LOGIN',
  'ALTER ANY SERVER ROLE',
  'ALTER SETTINGS',
  'AUTHENTICATE SERVER',
  'CONNECT ANY DATABASE',
  'CONNECT SQL',
  'CONTROL SERVER',
  'CREATE ANY DATABASE',
  'IMPERSONATE ANY LOGIN',
  'SELECT ALL USER SECURABLES',
  'VIEW ANY DATABASE',
  'VIEW ANY DEFINITION',
  'VIEW SERVER STATE',
]);

const ofObjects = [
  'ALTER',
  'CONTROL',
  'DELETE',
  'EXECUTE',
  'INSERT',
  'REFERENCES',
  'SELECT',
  'TAKE OWNERSHIP',
  'UPDATE',
  'VIEW CHANGE TRACKING',
  'VIEW DEFINITION',
];

/** @see https://learn.microsoft.com/sql/relational-databases/security/permissions-database-engine */
const permissionsOn: Readonly<Record<string, readonly string[]>> = {
  OBJECT: ofObjects,
  SCHEMA: [...ofObjects, 'CREATE SEQUENCE'],
  USER: ['ALTER', 'CONTROL', 'IMPERSONATE', 'VIEW DEFINITION'],
  ROLE: ['ALTER', 'CONTROL', 'TAKE OWNERSHIP', 'VIEW DEFINITION'],
  LOGIN: ['ALTER', 'CONTROL', 'IMPERSONATE', 'VIEW DEFINITION'],
};

/** @see https://learn.microsoft.com/sql/t-sql/statements/grant-object-permissions-transact-sql */
const onColumns = new Set(['SELECT', 'REFERENCES', 'UPDATE']);

const cannotFind = (what: string, name: string): SqlError =>
  new SqlError(
    15151,
    `Cannot find the ${what} '${name}', because it does not exist or you do not have permission.`,
  );

/** Refuses a missing securable, and a permission that the securable does not have. */
function requireSecurable(
  model: Model,
  session: Identity,
  permission: string,
  words: string,
  names: readonly string[],
  column: string | undefined,
): void {
  const database = databaseOf(model, session.database);
  const [first = '', second = ''] = names;
  const exists: Readonly<Record<string, () => boolean>> = {
    DATABASE: () => first === database.name,
    SCHEMA: () => database.schemas.has(first),
    OBJECT: () => database.tables.has(JSON.stringify([first, second])),
    USER: () => database.users.has(first),
    ROLE: () => database.roles.has(first),
    LOGIN: () => model.logins.has(first),
  };
  if (exists[words]?.() !== true) throw cannotFind(words.toLowerCase(), names.join('.'));
  const allowed = permissionsOn[words];
  if (allowed !== undefined && !allowed.includes(permission))
    throw new SqlError(4606, `Granted or revoked privilege ${permission} is not compatible with object.`);
  if (column === undefined) return;
  if (words !== 'OBJECT' || !onColumns.has(permission))
    throw new SqlError(
      1020,
      'Sub-entity lists (such as column or security expressions) cannot be specified for entity-level permissions.',
    );
  if (database.tables.get(JSON.stringify([first, second]))?.has(column) !== true)
    throw new SqlError(1911, `Column name '${column}' does not exist in the target table or view.`);
}

/** Principals to which nothing can be granted. */
const untouchable = new Set(['sa', 'dbo', 'sys', 'INFORMATION_SCHEMA']);

/**
 * GRANT, DENY and REVOKE.
 *
 * @see https://learn.microsoft.com/sql/t-sql/statements/grant-transact-sql
 */
export const grantStatement: Run = (
  model,
  session,
  [verb, permission = '', column, words, first, second, grantee, ending],
) => {
  const name = plainName(grantee);
  const isServerWide = words === 'LOGIN' || (words === undefined && onTheServer.has(permission));
  if (isServerWide) requireOnServer(model, session, 'CONTROL SERVER');
  else requireInDatabase(model, session);
  if (isServerWide && session.database !== 'master')
    throw new SqlError(
      4621,
      'Permissions at the server scope can only be granted when the current database is master.',
    );
  if (untouchable.has(name) || name === session.name)
    throw new SqlError(
      4624,
      'Cannot grant, deny, or revoke permissions to sa, dbo, entity owner, information_schema, sys, or yourself.',
    );
  const principal: Principal | undefined = isServerWide
    ? model.logins.get(name)
    : databaseOf(model, session.database).users.get(name);
  if (principal === undefined) throw cannotFind(isServerWide ? 'login' : 'user', name);
  const names = [first, second].flatMap((part) => (part === undefined ? [] : [plainName(part)]));
  const plainColumn = column === undefined ? undefined : plainName(column);
  if (words !== undefined) requireSecurable(model, session, permission, words, names, plainColumn);
  const state = verb === 'DENY' ? 'D' : ending === ' WITH GRANT OPTION' ? 'W' : 'G';
  const made = grantOf(
    permission,
    words,
    names.length === 0 && !isServerWide ? [session.database] : names,
    state,
    isServerWide,
    plainColumn ?? null,
  );
  const before = principal.grants.filter((one) => sameThing(one, made));
  if (verb !== 'GRANT' && ending !== ' CASCADE' && before.some((one) => one.state === 'W'))
    throw new SqlError(4611, 'To revoke or deny grantable privileges, specify the CASCADE option.');
  principal.grants = principal.grants.filter((one) => !before.includes(one));
  if (verb !== 'REVOKE') principal.grants.push(made);
  if (!isServerWide) fire(model, session, `${verb}_DATABASE`);
};
