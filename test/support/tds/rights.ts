import { databaseOf, type Identity, type Model, type StandInLogin, userOfLogin } from './model.ts';
import { SqlError } from './tokens.ts';

/** Runs a statement that changes the model, with the matches of its pattern. */
export type Run = (model: Model, session: Identity, parts: readonly (string | undefined)[]) => void;

const denied = (): SqlError => new SqlError(15247, 'User does not have permission to perform this action.');

/**
 * The login whose server rights apply. With EXECUTE AS USER a session has none, unless the database is TRUSTWORTHY and its
 * owner may authenticate it.
 *
 * @see https://learn.microsoft.com/sql/t-sql/statements/execute-as-transact-sql
 * @see https://learn.microsoft.com/sql/relational-databases/security/trustworthy-database-property
 */
function loginOnServer(model: Model, session: Identity): StandInLogin | undefined {
  if (session.containedIn !== undefined) return undefined;
  if (session.acting === undefined) return model.logins.get(session.name);
  const { trustworthy, users } = databaseOf(model, session.database);
  const owner = model.logins.get(users.get('dbo')?.login ?? '');
  const isVouchedFor =
    trustworthy && (owner?.roles.has('sysadmin') === true || holds(owner, 'AUTHENTICATE SERVER'));
  return isVouchedFor ? model.logins.get(users.get(session.acting.user)?.login ?? '') : undefined;
}

function holds(login: StandInLogin | undefined, permission: string): boolean {
  return login?.grants.some((grant) => grant.permission === permission && grant.state !== 'D') === true;
}

/** Whether a session has a permission on the server. */
export function mayOnServer(model: Model, session: Identity, permission: string): boolean {
  const login = loginOnServer(model, session);
  return login?.roles.has('sysadmin') === true || holds(login, 'CONTROL SERVER') || holds(login, permission);
}

export function isSysadmin(model: Model, session: Identity): boolean {
  return loginOnServer(model, session)?.roles.has('sysadmin') === true;
}

/** Whether a session may do everything in its database: as `dbo`, as a member of db_owner, or as an admin of the server. */
export function ownsDatabase(model: Model, session: Identity): boolean {
  const database = databaseOf(model, session.database);
  if (session.acting !== undefined)
    return database.users.get(session.acting.user)?.roles.has('db_owner') === true;
  if (mayOnServer(model, session, 'CONTROL SERVER')) return true;
  const user =
    session.containedIn === undefined
      ? userOfLogin(database, session.name)
      : database.users.get(session.name);
  return user?.roles.has('db_owner') === true;
}

export function requireOnServer(model: Model, session: Identity, permission: string): void {
  if (!mayOnServer(model, session, permission)) throw denied();
}

export function requireInDatabase(model: Model, session: Identity): void {
  if (!ownsDatabase(model, session)) throw denied();
}
