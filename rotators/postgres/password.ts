import type { RotatorContext } from '../../src/rotator/index.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import { mostIterations } from './scram.ts';
import type { Login, LoginMethod, PostgresSession } from './session.ts';
import { defaultIterations, type Storage, storedPassword } from './verifier.ts';

/** AWS's defaults for Postgres: a colon is the separator of .pgpass files. */
export const passwordDefaults = { excludeCharacters: ':/@"\'\\' };

export interface NewPassword {
  readonly username: string;
  readonly password: string;
}

/**
 * How a password is to be stored, by what the account's login has shown: for one that logs in by SCRAM a SCRAM verifier,
 * with no fewer iterations than it has and than the server wants. Otherwise what the server's setting says, since
 * pg_hba.conf may ask for `md5`, which takes both.
 *
 * @param account the login of the account whose password it is, or of one like it
 * @param probe asks how the account itself would log in, where that of one like it leaves it open; undefined if it can't tell
 * @see https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-PASSWORD-ENCRYPTION
 */
export async function storageOf(
  session: PostgresSession,
  account: Login,
  probe?: () => Promise<LoginMethod | undefined>,
): Promise<Storage> {
  if (account.method !== 'scram-sha-256') {
    const [row] = await session.query<{ encryption: string }>(
      "SELECT pg_catalog.current_setting('password_encryption') AS encryption",
    );
    // pg_hba.conf may ask the account in another way than the one like it.
    if (row?.encryption === 'md5' && (await probe?.()) !== 'scram-sha-256') return { encryption: 'md5' };
  }
  return { encryption: 'scram-sha-256', iterations: iterationsOf(session, account) };
}

/** Servers from 16 on report the setting at the login. */
export function iterationsOf(session: PostgresSession, account: Login): number {
  const wanted = [session.login, account].map(({ parameters }) =>
    Number(parameters.get('scram_iterations') ?? 0),
  );
  return Math.min(Math.max(defaultIterations, account.scramIterations ?? 0, ...wanted), mostIterations);
}

/**
 * Sets the password of a role that exists, as a verifier. A server that says that it takes only plaintext (a password
 * policy that must see it) gets it in a transaction whose statements are not logged, if the role may say so.
 */
export async function setPassword(
  session: PostgresSession,
  account: NewPassword,
  { storage, context }: { readonly storage: Storage; readonly context: RotatorContext },
): Promise<void> {
  const stored = await storedPassword(account.password, account.username, storage);
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
