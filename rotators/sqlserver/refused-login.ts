import { KeyturnError } from '../../src/rotator/index.ts';
import { type Account, findAccount } from './account.ts';
import { loginTruthStatement } from './catalogue.ts';
import type { SqlServerCredential } from './credential.ts';
import { quoteIdentifier } from './quoting.ts';
import type { SqlServerSession } from './session.ts';

/** What the admin sees of a login that was refused. */
interface LoginTruth {
  readonly windowsOnly: number | null;
  readonly disabled: boolean;
  readonly locked: number | null;
  readonly expired: number | null;
  readonly mustChange: number | null;
  readonly denied: boolean;
  readonly mayConnect: boolean;
  /** Whether the password is right: 1 or 0. Null if the admin may not see the hash. */
  readonly matches: number | null;
}

/**
 * As {@link requirePasswordAtFault}, for an account of any kind.
 *
 * @throws PermissionDenied if another password would not help
 */
export async function explainRefusal(
  admin: SqlServerSession,
  credential: SqlServerCredential,
): Promise<void> {
  await requirePasswordAtFault(admin, credential, await findAccount(admin, credential.username));
}

/**
 * Finds out, as the admin, why a login was refused by 18456 alone, before its password is reset. A client gets this error
 * for a wrong password. It gets the same error for a login that may not connect (states 11 and 12), and from a server
 * that takes only Windows accounts. It looks at logins that the server itself keeps, and not at Azure's nor at users of
 * contained databases.
 *
 * @throws PermissionDenied if another password would not help
 * @see https://learn.microsoft.com/sql/relational-databases/errors-events/mssqlserver-18456-database-engine-error
 */
export async function requirePasswordAtFault(
  admin: SqlServerSession,
  { username, password }: SqlServerCredential,
  { kind, isAzure }: Account,
): Promise<void> {
  if (kind !== 'login' || isAzure) return;
  const [truth] = await admin.query<LoginTruth>(loginTruthStatement, { username, password });
  const found = truth === undefined ? undefined : otherFault(truth, username);
  if (found === undefined) return;
  const [problem, remedy] = found;
  throw new KeyturnError(
    'PermissionDenied',
    `SQL Server refuses ${username}, and its password is not why: ${problem}`,
    `${remedy} Its password was left as it is.`,
  );
}

function otherFault(
  truth: LoginTruth,
  username: string,
): readonly [problem: string, remedy: string] | undefined {
  if (truth.windowsOnly === 1)
    return [
      'the server takes Windows accounts only.',
      'Set its authentication to SQL Server and Windows, and start it again.',
    ];
  if (truth.disabled)
    return ['the login is disabled.', `Enable it: ALTER LOGIN ${quoteIdentifier(username)} ENABLE.`];
  if (truth.denied || !truth.mayConnect)
    return [
      `the login ${truth.denied ? 'is denied' : 'was not granted'} CONNECT SQL.`,
      `In master: ${truth.denied ? 'REVOKE CONNECT SQL FROM' : 'GRANT CONNECT SQL TO'} ${quoteIdentifier(username)}.`,
    ];
  // A new password ends each of these.
  if (truth.locked === 1 || truth.expired === 1 || truth.mustChange === 1) return undefined;
  if (truth.matches !== 1) return undefined;
  return [
    'the password of AWSCURRENT is right.',
    "Look up the state of error 18456 in the server's error log: a logon trigger, or a denied endpoint, refuses it.",
  ];
}
