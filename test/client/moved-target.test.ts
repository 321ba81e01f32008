import { once } from 'node:events';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { createClient } from 'redis';
import { Connection } from 'tedious';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  createIoRedis,
  createMongo,
  createMysqlPool,
  createNodeRedis,
  createPgPool,
  createSecrets,
  createTediousConnector,
  type Secret,
} from '../../src/client/index.ts';

/**
 * A server for logins: it counts connections, and keeps what it receives. It hangs up when it has heard something, or at
 * once if it would have to speak first.
 */
async function startDoor(
  speaksFirst = false,
): Promise<{ readonly port: number; visits: number; heard: string }> {
  const door = { port: 0, visits: 0, heard: '' };
  const server = createServer((socket) => {
    door.visits += 1;
    socket
      .on('error', () => undefined)
      .on('data', (chunk) => {
        door.heard += chunk.toString('latin1');
        socket.destroy();
      });
    if (speaksFirst) socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  door.port = typeof address === 'object' && address !== null ? address.port : 0;
  return door;
}

/** A secret whose new version is for another server: moved by hand, with the data. */
async function startMoved(speaksFirst = false) {
  const [before, after] = [await startDoor(speaksFirst), await startDoor(speaksFirst)];
  let port = before.port;
  const source = {
    read: async () => ({
      arn: 'arn',
      versionId: String(port),
      text: JSON.stringify({
        host: '127.0.0.1',
        port,
        username: 'app',
        password: `pw-${port}`,
        dbname: 'shop',
      }),
    }),
  };
  const secret = createSecrets({ source, deadline: '300ms' }).secret('db');
  const move = async (): Promise<void> => {
    port = after.port;
    await secret.refresh();
  };
  return { before, after, secret, move };
}

type Connect = (secret: Secret) => Promise<() => Promise<unknown>>;

/** For each driver: makes a client, and then a connection. */
const drivers: readonly (readonly [string, Connect])[] = [
  [
    'pg',
    async (secret) => {
      const pool = await createPgPool(pg.Pool, secret);
      return () => pool.query('SELECT 1');
    },
  ],
  [
    'tedious',
    async (secret) =>
      createTediousConnector(Connection, secret, { options: { encrypt: false, connectTimeout: 500 } }),
  ],
  [
    'mysql2',
    async (secret) => {
      const pool = await createMysqlPool(mysql.createPool, secret);
      return () => pool.query('SELECT 1');
    },
  ],
  [
    'ioredis',
    async (secret) => {
      const redis = await createIoRedis(Redis, secret, { lazyConnect: true, retryStrategy: null });
      redis.on('error', () => undefined);
      return () => redis.connect();
    },
  ],
  [
    'mongodb',
    async (secret) => {
      // It looks for its server once. Else it goes on looking beside the test, also for the old one.
      const options = { serverSelectionTimeoutMS: 200, minHeartbeatFrequencyMS: 600_000 };
      const mongo = await createMongo(MongoClient, secret, options, { openConnections: 'drain' });
      onTestFinished(() => mongo.close());
      return () => mongo.use((client) => client.db().command({ ping: 1 }));
    },
  ],
];

describe('a secret that is for another server now', () => {
  it.each(drivers)('is sent to that one, by %s', async (name, prepare) => {
    const { before, after, secret, move } = await startMoved(name === 'mysql2');
    const connect = await prepare(secret);
    await connect().catch(() => undefined);
    // The driver may have given up before the server noticed the connection.
    await expect.poll(() => before.visits).toBeGreaterThan(0);
    const visits = before.visits;
    await move();
    await connect().catch(() => undefined);
    await expect.poll(() => after.visits).toBeGreaterThan(0);
    expect(before.visits).toBe(visits);
  });

  it('is sent to nobody by node-redis, which says so', async () => {
    const { before, after, secret, move } = await startMoved();
    const client = await createNodeRedis(createClient, secret, { socket: { reconnectStrategy: false } });
    client.on('error', () => undefined);
    await client.connect().catch(() => undefined);
    expect(before.heard).toContain(`pw-${before.port}`);
    await move();
    await expect(client.connect()).rejects.toMatchObject({ code: 'TargetChanged' });
    expect(before.heard).not.toContain(`pw-${after.port}`);
    expect(after.visits).toBe(0);
  });

  it('goes to the server that the application itself has named', async () => {
    const { before, after, secret, move } = await startMoved();
    const proxy = await startDoor();
    const pool = await createPgPool(pg.Pool, secret, { host: '127.0.0.1', port: proxy.port });
    await pool.query('SELECT 1').catch(() => undefined);
    await move();
    await pool.query('SELECT 1').catch(() => undefined);
    expect([before.visits, after.visits, proxy.visits]).toEqual([0, 0, 2]);
  });
});
