import type { RotatorContext } from '../../src/index.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import type { LoginMethod, PostgresSession } from './session.ts';
import { type PasswordEncryption, storedPassword } from './verifier.ts';

/** AWS's defaults for Postgres: a colon is the separator of .pgpass files. */
export const passwordDefaults = { excludeCharacters: ':/@"\'\\' };

export interface NewPassword {
  readonly username: string;
  readonly password: string;
}

/** How the server stores a password: as its setting says, unless the account logs in by SCRAM. */
export async function passwordEncryption(
  session: PostgresSession,
  login: LoginMethod,
): Promise<PasswordEncryption> {
  if (login === 'scram-sha-256') return login;
  const [row] = await session.query<{ encryption: string }>(
    "SELECT pg_catalog.current_setting('password_encryption') AS encryption",
  );
  return row?.encryption === 'md5' ? 'md5' : 'scram-sha-256';
}

/**
 * Sets the password of a role that exists, as a verifier. A server that says that it takes only plaintext (a password
 * policy that must see it) gets it in a transaction whose statements are not logged, if the role may say so.
 */
export async function setPassword(
  session: PostgresSession,
  account: NewPassword,
  { encryption, context }: { readonly encryption: PasswordEncryption; readonly context: RotatorContext },
): Promise<void> {
  const stored = await storedPassword(account.password, account.username, encryption);
  try {
    await session.change([alterPassword(account.username, stored)]);
  } catch (error) {
    if (!wantsPlaintext(error)) throw error;
    context.note('The server takes no password verifier: it gets the password itself.');
    await setPlaintext(session, account, context);
  }
}

function alterPassword(username: string, password: string): string {
  return `ALTER ROLE ${quoteIdentifier(username)} WITH PASSWORD ${quoteLiteral(password)}`;
}

/**
 * The one answer by which a password policy says that it must see the password: credcheck's, whose older versions gave
 * it the code of an internal error. Its words are not translated. Contrib's passwordcheck takes verifiers. Nothing else
 * may lead to plaintext: that error would be logged together with the statement.
 *
 * @see https://github.com/HexaCluster/credcheck#limitations
 */
function wantsPlaintext(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code: unknown = Reflect.get(error, 'code');
  return (code === '28000' || code === 'XX000') && error.message === 'password type is not a plain text';
}

/** All that writes a statement down: the log, and the views that show what a session does or did. */
const silence = [
  "SET LOCAL log_statement = 'none'",
  'SET LOCAL log_min_duration_statement = -1',
  'SET LOCAL log_min_duration_sample = -1',
  'SET LOCAL log_transaction_sample_rate = 0',
  "SET LOCAL log_min_error_statement = 'panic'",
  'SET LOCAL log_duration = off',
  'SET LOCAL track_activities = off',
];

/** Where pg_stat_statements is not loaded, this is a parameter without a meaning. */
const silenceStatistics = 'SET LOCAL pg_stat_statements.track_utility = off';

function setPlaintext(
  session: PostgresSession,
  account: NewPassword,
  context: RotatorContext,
): Promise<void> {
  return session.changeStepwise(async (run) => {
    await run('SAVEPOINT logging');
    try {
      for (const setting of silence) await run(setting);
    } catch {
      await run('ROLLBACK TO SAVEPOINT logging');
      context.note('The role may not switch statement logging off: the server may log the new password.');
    }
    await run('SAVEPOINT statistics');
    await run(silenceStatistics).catch(() => run('ROLLBACK TO SAVEPOINT statistics'));
    await run(alterPassword(account.username, account.password));
  });
}
