import type { RotatorContext } from '../../src/index.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import type { PostgresSession } from './session.ts';
import { type PasswordEncryption, storedPassword } from './verifier.ts';

/** AWS's defaults for Postgres: a colon is the separator of .pgpass files. */
export const passwordDefaults = { excludeCharacters: ':/@"\'\\' };

export interface NewPassword {
  readonly username: string;
  readonly password: string;
}

/**
 * Takes off what a role's settings may have laid on the session: another role, or read-only transactions. One
 * statement does it and asks how the server stores passwords, since each costs a round trip.
 */
export async function actAsOneself(session: PostgresSession): Promise<PasswordEncryption> {
  const [row] = await session.query<{ password_encryption: string }>(
    `SELECT set_config('role', 'none', false), set_config('default_transaction_read_only', 'off', false),
            current_setting('password_encryption') AS password_encryption`,
  );
  return row?.password_encryption === 'md5' ? 'md5' : 'scram-sha-256';
}

/**
 * Sets the password of a role that exists, as a verifier. A server that takes only plaintext (a password policy
 * that must see it) gets it in a transaction whose statements are not logged, if the role may say so.
 */
export async function setPassword(
  session: PostgresSession,
  account: NewPassword,
  { encryption, context }: { readonly encryption: PasswordEncryption; readonly context: RotatorContext },
): Promise<void> {
  const stored = await storedPassword(account.password, account.username, encryption);
  try {
    await session.query(alterPassword(account.username, stored));
  } catch (error) {
    if (!insistsOnPlaintext(error)) throw error;
    context.note('The server takes no password verifier: it gets the password itself.');
    await setPlaintext(session, account, context);
  }
}

function alterPassword(username: string, password: string): string {
  return `ALTER ROLE ${quoteIdentifier(username)} WITH PASSWORD ${quoteLiteral(password)}`;
}

/** A refusal by the server itself that is not about rights (42501), the role (42704), or the session. */
function insistsOnPlaintext(error: unknown): boolean {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && /^(0A000|22023|28000|28P01|P0001|XX000)$/.test(code);
}

const silence = [
  "SET LOCAL log_statement = 'none'",
  'SET LOCAL log_min_duration_statement = -1',
  "SET LOCAL log_min_error_statement = 'panic'",
  'SET LOCAL log_duration = off',
];

async function setPlaintext(
  session: PostgresSession,
  account: NewPassword,
  context: RotatorContext,
): Promise<void> {
  await session.query('BEGIN');
  try {
    await silenceLog(session, context);
    await session.query(alterPassword(account.username, account.password));
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function silenceLog(session: PostgresSession, context: RotatorContext): Promise<void> {
  await session.query('SAVEPOINT logging');
  try {
    for (const setting of silence) await session.query(setting);
  } catch {
    await session.query('ROLLBACK TO SAVEPOINT logging');
    context.note('The role may not switch statement logging off: the server may log the new password.');
  }
}
