import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { quoteIdentifier, quoteLiteral } from '../../../rotators/postgres/quoting.ts';
import type { RotatorHarness, TestAccount } from '../../../src/testing/index.ts';
import type { PostgresServer } from '../../support/postgres-server.ts';
import makeRotator, { type PostgresSettings } from './rotator.ts';

/** A harness, and a function that ends its own connections to the server. */
export interface PostgresHarness extends RotatorHarness {
  stop(): Promise<void>;
}

/** Everything that decides which passwords open the account: verifiers, the right to log in, and the role of a clone. */
const digestStatement = `
  SELECT rolname, rolpassword, rolcanlogin, rolconnlimit, rolvaliduntil::text,
         ARRAY(SELECT roleid::regrole::text FROM pg_auth_members WHERE member = pg_authid.oid ORDER BY 1) AS groups,
         ARRAY(SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole = pg_authid.oid ORDER BY 1) AS settings
    FROM pg_authid WHERE rolname = ANY($1) ORDER BY rolname`;

/** Roles at a PostgreSQL server that has TLS: one for each account, and its clone where two take turns. */
export function postgresHarness(
  { host, port, admin, ca }: Pick<PostgresServer, 'host' | 'port' | 'admin'> & { readonly ca: string },
  kind: PostgresSettings['kind'],
): PostgresHarness {
  const settings: PostgresSettings = { kind, ca };
  const pool = openPool({ host, port, ca, ...admin });
  const secretOf = (login: { readonly username: string; readonly password: string }) => ({
    engine: 'postgres',
    host,
    port,
    dbname: 'postgres',
    ...login,
  });

  const account = async (): Promise<TestAccount> => {
    const username = `it's "app" ${randomBytes(6).toString('hex')}`;
    const password = randomBytes(15).toString('base64url');
    await pool.query(
      `CREATE ROLE ${quoteIdentifier(username)} WITH LOGIN PASSWORD ${quoteLiteral(password)}`,
    );
    return {
      secret: secretOf({ username, password }),
      ...(kind === 'alternating' ? { admin: secretOf(admin) } : {}),
      digest: async () => {
        const found = await pool.query(digestStatement, [[username, `${username}_clone`]]);
        return JSON.stringify(found.rows);
      },
    };
  };

  return {
    rotator: makeRotator(settings),
    account,
    busy: () => Object.assign(new Error('sorry, too many clients already'), { code: '53300' }),
    module: { url: new URL('./rotator.ts', import.meta.url).href, settings },
    stop: () => pool.end(),
  };
}

interface AdminLogin {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  readonly username: string;
  readonly password: string;
}

/** Connections for all accounts: some ask at the same time. */
function openPool({ host, port, ca, username, password }: AdminLogin): pg.Pool {
  const login = { host, port, user: username, password, database: 'postgres', ssl: { ca } };
  const pool = new pg.Pool({ ...login, max: 3 });
  // An idle connection of a server that is being stopped ends with an error.
  pool.on('error', () => undefined);
  return pool;
}
