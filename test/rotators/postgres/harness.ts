import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { quoteIdentifier, quoteLiteral } from '../../../rotators/postgres/quoting.ts';
import type { RotatorHarness, TestAccount } from '../../../src/testing/index.ts';
import type { PostgresServer } from '../../support/postgres-server.ts';
import makeRotator, { type PostgresSettings } from './rotator.ts';

/** A harness, and what ends its own connection to the server. */
export interface PostgresHarness extends RotatorHarness {
  stop(): Promise<void>;
}

/** All that decides which passwords open the account: verifiers, the right to log in, and whom a clone acts as. */
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
  const { connected, stop } = keptConnection({ host, port, ca, ...admin });
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
    const client = await connected();
    await client.query(
      `CREATE ROLE ${quoteIdentifier(username)} WITH LOGIN PASSWORD ${quoteLiteral(password)}`,
    );
    return {
      secret: secretOf({ username, password }),
      ...(kind === 'alternating' ? { admin: secretOf(admin) } : {}),
      digest: async () => {
        const found = await client.query(digestStatement, [[username, `${username}_clone`]]);
        return JSON.stringify(found.rows);
      },
    };
  };

  return {
    rotator: makeRotator(settings),
    account,
    busy: () => Object.assign(new Error('sorry, too many clients already'), { code: '53300' }),
    module: { url: new URL('./rotator.ts', import.meta.url).href, settings },
    stop,
  };
}

interface AdminLogin {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  readonly username: string;
  readonly password: string;
}

/** One connection for all accounts, opened when it is needed first. */
function keptConnection({ host, port, ca, username, password }: AdminLogin) {
  let opening: Promise<pg.Client> | undefined;
  const open = async (): Promise<pg.Client> => {
    const client = new pg.Client({ host, port, user: username, password, database: 'postgres', ssl: { ca } });
    await client.connect();
    return client;
  };
  return {
    connected: (): Promise<pg.Client> => {
      opening ??= open();
      return opening;
    },
    stop: async (): Promise<void> => {
      await (await opening)?.end();
    },
  };
}
