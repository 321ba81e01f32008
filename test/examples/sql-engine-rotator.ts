import pg from 'pg';
import { type Driver, exampleSql } from '../../examples/sql-engine.ts';
import { requestTls } from '../../rotators/postgres/request-tls.ts';
import type { Rotator } from '../../src/index.ts';

/** The example's driver, at a Postgres. */
const driver: Driver = async ({ database, username, password }, socket) => {
  const standing = Object.assign(socket, {
    connect: () => {
      process.nextTick(() => socket.emit('connect'));
      return socket;
    },
  });
  const login = { host: 'standing', database, user: username, password, ssl: false, stream: () => standing };
  const client = new pg.Client(login);
  client.on('error', () => undefined);
  await client.connect();
  return {
    query: async (statement) => (await client.query<Record<string, unknown>>(statement)).rows,
    end: async () => {
      await client.end().catch(() => undefined);
      socket.destroy();
    },
  };
};

/** One of the sketch's rotators. */
export function sketch({
  kind,
  ca,
}: {
  readonly kind: 'single' | 'alternating';
  readonly ca: string;
}): Rotator {
  const rotator = exampleSql(driver, requestTls, { ca: () => ca })[kind === 'single' ? 0 : 1];
  if (rotator === undefined) throw new Error('The sketch makes two rotators.');
  return rotator;
}
