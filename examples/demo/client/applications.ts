import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import pg from 'pg';
import { createPgPool, createSecrets } from '../../../src/client/index.ts';
import type { PostgresServer } from '../../../test/support/postgres-server.ts';
import { database, isAccepted } from '../database.ts';
import { readSecret, type StoredSecret, secretName } from '../secrets.ts';

/** An application under load. */
export interface Application {
  readonly calls: number;
  /** Errors that reached it. */
  readonly errors: number;
  /** Ends it. */
  stop(): Promise<void>;
}

/** The application with keyturn/client, and its counters. */
export interface ClientApplication extends Application {
  /** Logins that PostgreSQL refused. */
  readonly refused: number;
  /** Refused logins after which another credential was accepted. */
  readonly bridged: number;
}

/** How many workers run in parallel. */
export const places = 20;
/** The average pause of each worker, in ms. */
const pauseMs = 50;
/** For how long the other application caches a value, in ms. */
export const cacheMs = 1_000;

function underLoad(work: () => Promise<unknown>): Application {
  let [calls, errors, isStopped] = [0, 0, false];
  const place = async (): Promise<void> => {
    while (!isStopped) {
      await sleep(2 * pauseMs * Math.random());
      await work().catch(() => {
        errors += 1;
      });
      calls += 1;
    }
  };
  const running = Promise.all(Array.from({ length: places }, place));
  return {
    get calls() {
      return calls;
    },
    get errors() {
      return errors;
    },
    stop: async () => {
      isStopped = true;
      await running;
    },
  };
}

/** Queries through a client's pool. Each connection is used three times, so that there are always new logins. */
export async function startWithClient(
  client: SecretsManagerClient,
  { ca }: PostgresServer,
): Promise<ClientApplication> {
  let [refused, bridged] = [0, 0];
  const secrets = createSecrets({
    client,
    onEvent: ({ type }) => {
      if (type === 'refused') refused += 1;
      if (type === 'bridged') bridged += 1;
    },
  });
  const options = { database, max: places, maxUses: 3, ...(ca === undefined ? {} : { ssl: { ca } }) };
  const pool = await createPgPool(pg.Pool, secrets.secret(secretName), options);
  pool.on('error', () => undefined);
  const application = underLoad(() => pool.query('SELECT 1'));
  let ended: Promise<void> | undefined;
  return {
    get calls() {
      return application.calls;
    },
    get errors() {
      return application.errors;
    },
    get refused() {
      return refused;
    },
    get bridged() {
      return bridged;
    },
    stop: async () => {
      ended ??= application.stop().then(() => pool.end());
      await ended;
    },
  };
}

/** Logs in with a value from a plain cache, which only knows the value's age. */
export async function startWithCache(
  client: SecretsManagerClient,
  postgres: PostgresServer,
): Promise<Application> {
  let known: { readonly secret: StoredSecret; readonly readAt: number } | undefined;
  return underLoad(async () => {
    // This application works less often than the other, because each of its queries opens a new connection.
    await sleep(10 * pauseMs);
    if (known === undefined || performance.now() - known.readAt > cacheMs) {
      known = { secret: await readSecret(client), readAt: performance.now() };
    }
    if (!(await isAccepted(postgres, known.secret.login))) throw new Error('refused');
  });
}
