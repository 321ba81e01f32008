import type { Client, QueryResult } from 'pg';
import type { Session } from '../../src/rotator/index.ts';

/**
 * How the server asked for the password: by SCRAM, as an MD5 hash, in clear text, or not at all.
 *
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP
 */
export type LoginMethod = 'scram-sha-256' | 'md5' | 'cleartext' | 'none';

/** What a login has shown of the account and the server, without a query. */
export interface Login {
  /** How the server asked for the password. */
  readonly method: LoginMethod;
  /** Iterations of the account's SCRAM verifier; undefined if the login was not by SCRAM. */
  readonly scramIterations: number | undefined;
  /** What the server has reported of itself: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-ASYNC */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * An open connection. Each call is a transaction of its own. It leaves nothing behind in the server's session, which a
 * pooler may hand to somebody else. Values are not bound: quote what goes into a statement.
 *
 * The methods throw what pg throws, with the server's SQLSTATE as its code. At a standby, `change` and `changeStepwise`
 * throw 25006.
 */
export interface PostgresSession extends Session {
  /** Whether the connection has TLS. */
  readonly encrypted: boolean;
  /** What the login has shown. */
  readonly login: Login;
  /** Runs one statement, in one round trip, with the rights that the session has after its login. Returns its rows. */
  query<Row extends object>(statement: string): Promise<Row[]>;
  /**
   * Runs statements in one transaction and one round trip, as the role that logged in. Settings that make the session
   * read-only, or act as another role, do not count.
   */
  change(statements: readonly string[]): Promise<void>;
  /** As `change`, but sends each statement by itself, so that one can keep the next out of the log. */
  changeStepwise(steps: (run: (statement: string) => Promise<void>) => Promise<void>): Promise<void>;
}

/**
 * A role or a database can have any search_path. Functions, operators and tables in its schemas could be found before
 * Postgres's own. So each transaction first sets this path: a bare name means nothing but Postgres's own. Temporary
 * tables are named last, since they come first where a path does not name them.
 *
 * @see https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SEARCH-PATH
 */
const ownNamesOnly = 'SET LOCAL search_path = pg_catalog, pg_temp';

/** The name by which Keyturn is seen in pg_stat_activity and in logs while it works. */
const ownName = "SET LOCAL application_name = 'keyturn'";

/**
 * Undoes what settings may have done to the session: read-only transactions, another role, commits that do not wait. In
 * a crash the server could lose a commit that is not flushed to disk. It would then not know the new password, which
 * is the secret's by now.
 */
const asLoginRole = [
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
      await runStatements([...asLoginRole, ...statements]);
    },
    changeStepwise: async (steps) => {
      requirePrimary(login);
      try {
        await runStatements(['BEGIN', ...asLoginRole]);
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

/**
 * Refuses a change at a standby. Servers from 14 on report in_hot_standby at the login, and whenever it changes. The
 * standby's own error would depend on the statement that comes first.
 */
function requirePrimary({ parameters }: Login): void {
  if (parameters.get('in_hot_standby') !== 'on') return;
  throw Object.assign(new Error('the server is a standby, where nothing can be changed'), { code: '25006' });
}

/** pg answers a message of several statements with a list, which its types don't tell. */
function lastOf<Row extends object>(answer: QueryResult<Row> | QueryResult<Row>[]): { rows: Row[] } {
  return Array.isArray(answer) ? (answer.at(-1) ?? { rows: [] }) : answer;
}
