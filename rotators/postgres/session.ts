import type { Client, QueryResult } from 'pg';
import type { Session } from '../../src/rotator/index.ts';

/**
 * How the server asked for the password: by SCRAM, for its MD5 hash, for itself, or not at all.
 *
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP
 */
export type LoginMethod = 'scram-sha-256' | 'md5' | 'cleartext' | 'none';

/** What a login has shown of the account and the server, with no question asked. */
export interface Login {
  readonly method: LoginMethod;
  /** Iterations of the account's SCRAM verifier. */
  readonly scramIterations: number | undefined;
  /** What the server has reported of itself: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-ASYNC */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * An open connection. All that is sent has a transaction of its own, in one round trip, and leaves nothing behind in
 * the server's session, which a pooler may hand to somebody else. Values are not bound: what goes in has to be quoted.
 */
export interface PostgresSession extends Session {
  readonly encrypted: boolean;
  readonly login: Login;
  /** Runs one statement with the rights that the session has after its login. */
  query<Row extends object>(statement: string): Promise<Row[]>;
  /** Runs statements in one transaction as the role that logged in, whatever settings lay on the session. */
  change(statements: readonly string[]): Promise<void>;
  /** Runs statements in one transaction, each of them sent by itself, so that one can keep the next out of the log. */
  changeStepwise(steps: (run: (statement: string) => Promise<void>) => Promise<void>): Promise<void>;
}

/**
 * A role or a database can have any path set for its sessions, with functions, operators and tables on it that would
 * be found first. So each transaction begins with this one, and nothing but Postgres's own is found by a bare name.
 * Temporary tables would come first if they were not named.
 *
 * @see https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SEARCH-PATH
 */
const ownNamesOnly = 'SET LOCAL search_path = pg_catalog, pg_temp';

/** The name by which Keyturn is seen in pg_stat_activity and in logs while it works. */
const ownName = "SET LOCAL application_name = 'keyturn'";

/**
 * Takes off what settings may have laid on the session: read-only transactions, another role. A commit that is not
 * flushed could be lost in a crash, with the password that is stored as the new one.
 */
const asOneself = [
  'SET LOCAL transaction_read_only = off',
  'SET LOCAL SESSION AUTHORIZATION DEFAULT',
  'SET LOCAL ROLE NONE',
  ownNamesOnly,
  ownName,
  `SELECT pg_catalog.set_config('synchronous_commit', 'local', true)
    WHERE pg_catalog.current_setting('synchronous_commit') = 'off'`,
];

/** What an open connection can do. @internal */
export function createSession(
  client: Client,
  { encrypted, login, close }: Pick<PostgresSession, 'encrypted' | 'login' | 'close'>,
): PostgresSession {
  // Several statements in one message are one transaction, in which SET LOCAL lasts to its end.
  // https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
  const runStatements = async <Row extends object>(statements: readonly string[]): Promise<Row[]> =>
    lastOf(await client.query<Row>(statements.join(';\n'))).rows;
  return {
    encrypted,
    login,
    close,
    query: (statement) => runStatements([ownNamesOnly, ownName, statement]),
    change: async (statements) => {
      requirePrimary(login);
      await runStatements([...asOneself, ...statements]);
    },
    changeStepwise: async (steps) => {
      requirePrimary(login);
      try {
        await runStatements(['BEGIN', ...asOneself]);
        await steps(async (statement) => {
          await client.query(statement);
        });
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    },
  };
}

/** Servers from 14 on report it, and tell when it changes. A standby's own words depend on what is tried first. */
function requirePrimary({ parameters }: Login): void {
  if (parameters.get('in_hot_standby') !== 'on') return;
  throw Object.assign(new Error('the server is a standby, where nothing can be changed'), { code: '25006' });
}

/** pg answers a message of several statements with a list, which its types don't tell. */
function lastOf<Row extends object>(answer: QueryResult<Row> | QueryResult<Row>[]): { rows: Row[] } {
  return Array.isArray(answer) ? (answer.at(-1) ?? { rows: [] }) : answer;
}
