import type { RotatorContext } from '../../src/rotator/index.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import { mostIterations } from './scram.ts';
import type { Login, LoginMethod, PostgresSession } from './session.ts';
import { defaultIterations, type Storage, storedPassword } from './verifier.ts';

/** The characters that AWS's templates for Postgres leave out. A colon separates the fields of .pgpass files. */
export const passwordDefaults = { excludeCharacters: ':/@"\'\\' };

export interface NewPassword {
  readonly username: string;
  readonly password: string;
}

/**
 * How a password is to be stored. If the account logs in by SCRAM: as a SCRAM verifier, with no fewer iterations than the
 * account has and than the server wants, up to {@link mostIterations}. Otherwise the server's password_encryption decides:
 * pg_hba.conf may ask the account by `md5`, which takes both kinds.
 *
 * @param account the last login of the account whose password it is, or of another account that stands in for it
 * @param probe finds out how the account itself would log in. Called only before an MD5 hash is chosen. Undefined: unknown
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
    // pg_hba.conf may ask this account by SCRAM and the other by MD5. No MD5 hash can answer SCRAM.
    if (row?.encryption === 'md5' && (await probe?.()) !== 'scram-sha-256') return { encryption: 'md5' };
  }
  return { encryption: 'scram-sha-256', iterations: iterationsOf(session, account) };
}

/** The iterations of the next SCRAM verifier. Servers from 16 on report scram_iterations at the login. */
export function iterationsOf(session: PostgresSession, account: Login): number {
  const wanted = [session.login, account].map(({ parameters }) =>
    Number(parameters.get('scram_iterations') ?? 0),
  );
  return Math.min(Math.max(defaultIterations, account.scramIterations ?? 0, ...wanted), mostIterations);
}

/**
 * Sets the password of an existing role, as a verifier. A password policy may answer that it must see the password. Then
 * the server gets the password itself. The role first switches off the logging of that transaction, if it may.
 *
 * @throws what the server answers
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
 * Whether a password policy has answered that it must see the password. Only credcheck does, in words that are not
 * translated; its older versions gave them the code of an internal error (XX000). Contrib's passwordcheck takes verifiers.
 * No other error may lead to plaintext: the same error could come again, and the server would log it with the statement.
 *
 * @see https://github.com/HexaCluster/credcheck#limitations
 */
function wantsPlaintext(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code: unknown = Reflect.get(error, 'code');
  return (code === '28000' || code === 'XX000') && error.message === 'password type is not a plain text';
}

/** Switches off all that writes a statement down: the log, and the views that show what a session does or did. */
const silence = [
  "SET LOCAL log_statement = 'none'",
  'SET LOCAL log_min_duration_statement = -1',
  'SET LOCAL log_min_duration_sample = -1',
  'SET LOCAL log_transaction_sample_rate = 0',
  "SET LOCAL log_min_error_statement = 'panic'",
  'SET LOCAL log_duration = off',
  'SET LOCAL track_activities = off',
];

/** If pg_stat_statements is not loaded, this sets a parameter without a meaning. */
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
