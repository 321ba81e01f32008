import { KeyturnError } from '../../src/rotator/index.ts';

/** One error that the server sent. */
export interface ServerMessage {
  readonly number: number;
  readonly message: string;
}

/** A login that the server refused. Only the numbers tell the reason, and tedious keeps just the last message's text. */
export class LoginFailure extends Error {
  readonly numbers: readonly number[];

  constructor(messages: readonly ServerMessage[], cause: unknown) {
    super(messages.map(({ number, message }) => `${message} (${number})`).join(' '), { cause });
    this.name = 'LoginFailure';
    this.numbers = messages.map(({ number }) => number);
  }
}

/**
 * Whether the server refused the name or the password. That is 18456 without any other error. If something else is wrong,
 * the server sends another error beside it, such as 4060. The error's state would tell more, but clients don't get it.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/errors-events/mssqlserver-18456-database-engine-error
 */
export function isRefusal(error: unknown): boolean {
  return error instanceof LoginFailure && error.numbers.every((number) => number === 18456);
}

/** Whether the password is right, and the login may not enter the database. */
export function isDatabaseClosed(error: unknown): boolean {
  return error instanceof LoginFailure && error.numbers.includes(4060);
}

const mustChange = [18487, 18488];

/** Whether the password is right, but has expired or must be changed before the account may do anything. */
export function isPasswordToChange(error: unknown): boolean {
  return error instanceof LoginFailure && error.numbers.some((number) => mustChange.includes(number));
}

const lifted =
  'Let an admin set a password (ALTER LOGIN ... WITH PASSWORD) and store it. Or name an admin secret, and rotate again.';

/** What to say of a login that was refused for another reason than the password. All are about the account. */
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

/** The error (PermissionDenied) for a login that no other password would let in. Undefined for other errors. */
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
