import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { PostgresServer } from '../../test/support/postgres-server.ts';

export const database = 'demo';

/** A user name and a password. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** SQLSTATE invalid_password: https://www.postgresql.org/docs/current/errcodes-appendix.html */
export const refusal = '28P01';

/** Creates the account whose password is rotated, and a database that it owns. */
export async function createLogin(postgres: PostgresServer): Promise<Login> {
  const login = { username: 'demo_app', password: randomBytes(18).toString('base64url') };
  await postgres.asAdmin(async (client) => {
    await client.query(
      `CREATE ROLE ${pg.escapeIdentifier(login.username)} LOGIN PASSWORD ${pg.escapeLiteral(login.password)}`,
    );
    await client.query(
      `CREATE DATABASE ${pg.escapeIdentifier(database)} OWNER ${pg.escapeIdentifier(login.username)}`,
    );
  });
  return login;
}

/** Whether PostgreSQL accepts this login. Anything but a refused password throws. */
export async function isAccepted({ host, port, ca }: PostgresServer, login: Login): Promise<boolean> {
  const client = new pg.Client({
    host,
    port,
    database,
    user: login.username,
    password: login.password,
    ssl: ca === undefined ? false : { ca },
    application_name: 'demo',
  });
  try {
    await client.connect();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === refusal) return false;
    throw error;
  } finally {
    await client.end();
  }
}
