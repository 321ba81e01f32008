import { KeyturnError } from '../../src/rotator/index.ts';
import { loginTruthStatement } from './catalogue.ts';
import type { SqlServerCredential } from './credential.ts';
import { quoteIdentifier } from './quoting.ts';
import type { SqlServerSession } from './session.ts';

/** One error that the server sent. */
export interface ServerMessage {
  readonly number: number;
  readonly message: string;
}

/** A login that the server refused. tedious keeps the text of the last message alone; what it means is in the numbers. */
export class LoginFailure extends Error {
  readonly numbers: readonly number[];

  constructor(messages: readonly ServerMessage[], cause: unknown) {
    super(messages.map(({ number, message }) => `${message} (${number})`).join(' '), { cause });
    this.name = 'LoginFailure';
    this.numbers = messages.map(({ number }) => number);
  }
}

/**
 * 18456 alone says that name or password is wrong. The server keeps its state, which would tell more, from clients;
 * but where something else is the matter it sends another error with it, such as 4060.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/errors-events/mssqlserver-18456-database-engine-error
 */
export function isRefusal(error: unknown): boolean {
  return error instanceof LoginFailure && error.numbers.every((number) => number === 18456);
}

/** The login is right, and may not enter the database. */
export function isDatabaseClosed(error: unknown): boolean {
  return error instanceof LoginFailure && error.numbers.includes(4060);
}

const mustChange = [18487, 18488];

/** The password is right, but has expired or must be changed before the account may do anything. */
export function isPasswordToChange(error: unknown): boolean {
  return error instanceof LoginFailure && error.numbers.some((number) => mustChange.includes(number));
}

/** What the admin sees of a login that was refused. */
interface LoginTruth {
  readonly windowsOnly: number | null;
  readonly disabled: boolean;
  readonly locked: number | null;
  readonly expired: number | null;
  readonly mustChange: number | null;
  readonly denied: boolean;
  readonly mayConnect: boolean;
  /** Null where the admin may not see the hash. */
  readonly matches: number | null;
}

/**
 * Has the admin look why a login was refused by 18456 alone, before its password is reset. The client is told the same
 * for a wrong password, a login that may not connect (states 11 and 12) and a server that takes Windows accounts only.
 *
 * @throws PermissionDenied where another password would not help
 * @see https://learn.microsoft.com/sql/relational-databases/errors-events/mssqlserver-18456-database-engine-error
 */
export async function requirePasswordAtFault(
  admin: SqlServerSession,
  { username, password }: SqlServerCredential,
): Promise<void> {
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
  // Each of these is lifted with the new password.
  if (truth.locked === 1 || truth.expired === 1 || truth.mustChange === 1) return undefined;
  if (truth.matches !== 1) return undefined;
  return [
    'the password of AWSCURRENT is right.',
    "Look up the state of error 18456 in the server's error log: a logon trigger, or a denied endpoint, refuses it.",
  ];
}

const lifted =
  'An admin lifts it by ALTER LOGIN ... WITH PASSWORD; then store that password, or rotate by an admin secret.';

/** What to say of a login for which the password was right, or was not looked at. All are about the account. */
const explanations: Readonly<Record<number, readonly [problem: string, remedy: string]>> = {
  18470: ['The login is disabled.', 'Enable it: ALTER LOGIN ... ENABLE.'],
  18452: [
    'The server takes Windows accounts only, or took the login for one.',
    'Set its authentication to SQL Server and Windows, and start it again.',
  ],
  17892: ['A logon trigger refuses the login.', 'Look at the triggers in sys.server_triggers.'],
  18486: [
    'The login is locked out.',
    'Find who tries wrong passwords; unlock it: ALTER LOGIN ... WITH PASSWORD = ... UNLOCK.',
  ],
  15113: ['The login is locked out.', 'Find who tries wrong passwords, and wait or unlock it.'],
  18487: ['The password has expired.', lifted],
  18488: ['The password must be changed before the login is let in.', lifted],
  4060: [
    'The database can not be opened.',
    'Correct "dbname", or make a user for the login in that database.',
  ],
  4064: [
    "The login's default database can not be opened.",
    'Correct "dbname", or the default database of the login.',
  ],
};

/** A typed error for a login that no other password would help, or undefined. */
export function explainLogin(error: unknown, username: string): KeyturnError | undefined {
  if (!(error instanceof LoginFailure)) return undefined;
  const number = error.numbers.find((known) => known in explanations);
  const found = number === undefined ? undefined : explanations[number];
  if (found === undefined) return undefined;
  const [problem, remedy] = found;
  return new KeyturnError(
    'PermissionDenied',
    `SQL Server does not let ${username} in (${number}): ${problem}`,
    remedy,
    {
      cause: error,
    },
  );
}
