import { databaseOf, type Grant, type Principal } from './model.ts';
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

/** A row for the permission catalogue. */
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

/** Permissions on the server, which are written without it. */
const serverPermission = /ANY LOGIN|SERVER/;

/** GRANT, DENY and REVOKE. */
export const grantStatement: Run = (
  model,
  session,
  [verb, permission = '', column, words, first, second, grantee, ending],
) => {
  const login = plainName(grantee);
  const user = databaseOf(model, session.database).users.get(login);
  const isServerWide =
    words === 'LOGIN' || (words === undefined && (user === undefined || serverPermission.test(permission)));
  const principal: Principal | undefined = isServerWide ? model.logins.get(login) : user;
  if (isServerWide) requireOnServer(model, session, 'CONTROL SERVER');
  else requireInDatabase(model, session);
  if (isServerWide && session.database !== 'master')
    throw new SqlError(
      4621,
      'Permissions at the server scope can only be granted when the current database is master.',
    );
  if (principal === undefined) throw new SqlError(15151, `Cannot find the principal '${login}'.`);
  const names = [first, second].flatMap((part) => (part === undefined ? [] : [plainName(part)]));
  const state = verb === 'DENY' ? 'D' : ending === ' WITH GRANT OPTION' ? 'W' : 'G';
  const made = grantOf(
    permission,
    words,
    names.length === 0 ? [session.database] : names,
    state,
    isServerWide,
    column === undefined ? null : plainName(column),
  );
  principal.grants = principal.grants.filter((one) => !sameThing(one, made));
  if (verb !== 'REVOKE') principal.grants.push(made);
  if (!isServerWide) fire(model, session, `${verb}_DATABASE`);
};
