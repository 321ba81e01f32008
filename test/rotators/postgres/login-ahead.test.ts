import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { postgres } from '../../../rotators/postgres/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../rotators/postgres/quoting.ts';
import { beginScram, mostIterations } from '../../../rotators/postgres/scram.ts';
import type { PostgresSession } from '../../../rotators/postgres/session.ts';
import type { RotatorContext } from '../../../src/index.ts';
import { type PgBouncer, pgbouncerMissing, startPgBouncer } from '../../support/pgbouncer.ts';
import {
  hostileTexts,
  randomPassword,
  rotatorContext,
  type TestLogin,
  uniqueName,
} from '../../support/postgres-fixtures.ts';
import {
  type PostgresServer,
  postgresVersion,
  startPostgres,
  versionsMissing,
} from '../../support/postgres-server.ts';
import { startFixture } from '../../support/rotation-fixture.ts';

interface Place {
  readonly host: string;
  readonly port: number;
}

/** A TCP proxy before a server. It counts how often the client waits for the server. */
interface Relay extends Place {
  /** Starts to count. */
  reset(): void;
  /** How many turns the client had: its first message, and each message after an answer of the server. */
  turns(): number;
  /** Connections that were opened. */
  connections(): number;
}

/** @param takes gets the client's bytes in the server's place, until it returns false */
async function relayTo(
  target: Place,
  takes: (chunk: Buffer, client: Socket, upstream: Socket) => boolean = () => false,
): Promise<Relay> {
  let [turns, connections, serverSpoke] = [0, 0, true];
  const server = createServer({ noDelay: true }, (client) => {
    connections += 1;
    onTestFinished(() => void client.destroy());
    let upstream: Socket | undefined;
    const dial = (): Socket => {
      const dialed = connect({ ...target, noDelay: true });
      dialed.on('data', (chunk) => {
        serverSpoke = true;
        client.write(chunk);
      });
      return dialed.on('error', () => undefined).on('close', () => client.destroy());
    };
    client.on('data', (chunk) => {
      if (serverSpoke) turns += 1;
      serverSpoke = false;
      upstream ??= dial();
      if (!takes(chunk, client, upstream)) upstream.write(chunk);
    });
    client.on('error', () => undefined).on('close', () => upstream?.destroy());
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The relay has no port.');
  return {
    host: 'localhost',
    port: address.port,
    reset: () => {
      [turns, connections, serverSpoke] = [0, 0, true];
    },
    turns: () => turns,
    connections: () => connections,
  };
}

/** Logs in, changes the password and proves it, with a new rotator that knows nothing of the server. */
class Change {
  readonly context = rotatorContext();
  readonly rotator;
  readonly using;
  readonly pending;

  constructor(server: Pick<PostgresServer, 'ca'>, place: Place, login: TestLogin, fields: object = {}) {
    this.rotator = postgres({ ca: () => server.ca });
    const { host, port } = place;
    this.using = this.rotator.parse({ host, port, dbname: 'postgres', ...login, ...fields });
    this.pending = { ...this.using, password: randomPassword() };
  }

  /** Changes the password, and returns what logs in with the new one on a connection that was opened before. */
  async make(
    password = this.pending.password,
  ): Promise<(later?: RotatorContext) => Promise<PostgresSession | undefined>> {
    const { rotator, context, using } = this;
    const session = await rotator.open(using, context);
    if (session === undefined) throw new Error('The login was refused.');
    const prepared = await rotator.prepare?.(this.pending, context);
    await rotator.change(session, { ...using, password }, { ...context, using, current: using });
    await session.close();
    return async (later = context) => {
      const proof = await prepared?.open(later);
      if (proof !== undefined) onTestFinished(() => proof.close());
      return proof;
    };
  }

  /** The outcome of a login: its authentication method, a refusal, or the meaning of the error. */
  async outcome(open: () => Promise<PostgresSession | undefined>): Promise<unknown> {
    try {
      const session = await open();
      return session === undefined ? 'refused' : session.login.method;
    } catch (error) {
      const { code, message } =
        error instanceof Error ? { code: undefined, ...error, message: error.message } : {};
      return { code, message, meaning: this.rotator.classify?.(error, 'open') };
    }
  }

  /** An ordinary login with the same new password. */
  plainly = async (): Promise<PostgresSession | undefined> => {
    const session = await this.rotator.open(this.pending, this.context);
    await session?.close();
    return session;
  };
}

function sqlOf(server: PostgresServer): (...statements: string[]) => Promise<void> {
  return (...statements) =>
    server.asAdmin(async (client) => {
      for (const statement of statements) await client.query(statement);
    });
}

async function roleAt(server: PostgresServer, encryption = 'scram-sha-256'): Promise<TestLogin> {
  const login = { username: uniqueName('app'), password: randomPassword() };
  await sqlOf(server)(
    `SET password_encryption = '${encryption}'`,
    `CREATE ROLE ${quoteIdentifier(login.username)} LOGIN PASSWORD ${quoteLiteral(login.password)}`,
  );
  return login;
}

/** What a server logs of logins while `act` runs. */
async function logged(server: PostgresServer, act: () => Promise<unknown>) {
  const { size } = await stat(server.logFile);
  await act();
  const log = (await readFile(server.logFile, 'utf8')).slice(size);
  const count = (text: string): number => log.split(text).length - 1;
  return {
    connections: count('connection received'),
    logins: count('connection authorized'),
    refusals: count('password authentication failed'),
    failures: count('FATAL'),
  };
}

describe.each(['18', '17.10', '16.4', '15.8', '14.11'])(
  'a login that is begun ahead, at PostgreSQL %s',
  (version) => {
    const binaries = version === '18' ? undefined : postgresVersion(version);
    if (version !== '18' && binaries === undefined) {
      it.skip(versionsMissing, () => undefined);
      return;
    }
    let server: PostgresServer;
    beforeAll(async () => {
      server = await startPostgres({ binaries });
    });
    afterAll(() => server.stop());

    it.each([true, false])('takes two turns instead of three, and no login more; TLS: %s', async (ssl) => {
      const relay = await relayTo(server);
      const change = new Change(server, relay, await roleAt(server), { ssl });
      let proof: PostgresSession | undefined;
      const seen = await logged(server, async () => {
        const prove = await change.make();
        relay.reset();
        proof = await prove();
      });
      expect([relay.turns(), relay.connections()]).toEqual([2, 0]);
      expect(seen).toEqual({ connections: 2, logins: 2, refusals: 0, failures: 0 });
      expect(proof?.encrypted).toBe(ssl);
      expect(proof?.login).toMatchObject({ method: 'scram-sha-256', scramIterations: 4096 });
      expect(await proof?.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
      expect(change.context.notes).toEqual([]);
    });

    it('takes three turns where nothing is known of the server', async () => {
      const relay = await relayTo(server);
      const { rotator, using, context } = new Change(server, relay, await roleAt(server));
      const prepared = await rotator.prepare?.(using, context);
      relay.reset();
      const session = await prepared?.open(context);
      expect([session?.login.method, relay.turns()]).toEqual(['scram-sha-256', 3]);
      await session?.close();
    });

    it.each([true, false])('tells a wrong password as refused, after one try; TLS: %s', async (ssl) => {
      const change = new Change(server, server, await roleAt(server), { ssl });
      const seen = await logged(server, async () => {
        const prove = await change.make('another one');
        expect(await prove()).toBeUndefined();
      });
      expect(seen).toEqual({ connections: 2, logins: 1, refusals: 1, failures: 1 });
    });
  },
);

describe('a login that is begun ahead', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ hba: ['host md5 all all md5', 'host all all all scram-sha-256'] });
    await sqlOf(server)('CREATE DATABASE md5', 'CREATE DATABASE other');
  });
  afterAll(() => server.stop());

  const note = expect.stringMatching(/logged in again/);

  it.each(hostileTexts)('proves the password %j', async (text) => {
    const change = new Change(server, server, await roleAt(server));
    change.pending.password = text;
    const prove = await change.make();
    expect(await change.outcome(prove)).toBe('scram-sha-256');
    expect(change.context.notes).toEqual([]);
  });

  it('proves a password with as many iterations as the old one had', async () => {
    const login = await roleAt(server);
    await sqlOf(server)(
      'SET scram_iterations = 20000',
      `ALTER ROLE ${quoteIdentifier(login.username)} PASSWORD ${quoteLiteral(login.password)}`,
    );
    const relay = await relayTo(server);
    const prove = await new Change(server, relay, login).make();
    relay.reset();
    expect((await prove())?.login.scramIterations).toBe(20_000);
    expect(relay.turns()).toBe(2);
  });

  it('makes a whole rotation with two logins, of which none is refused', async () => {
    const fixture = await startFixture({ rotators: [postgres({ ca: () => server.ca })] });
    try {
      const { host, port } = server;
      const arn = await fixture.createSecret({
        engine: 'postgres',
        host,
        port,
        dbname: 'postgres',
        ...(await roleAt(server)),
      });
      for (let rotation = 0; rotation < 2; rotation++) {
        const seen = await logged(server, async () => expect(await fixture.rotate(arn)).toBeUndefined());
        expect(seen).toEqual({ connections: 2, logins: 2, refusals: 0, failures: 0 });
      }
    } finally {
      await fixture.close();
    }
  });

  const name = ({ using }: Change): string => quoteIdentifier(using.username);

  it.each<[string, (change: Change) => string[], string | object]>([
    [
      'a password that has expired',
      (change) => [`ALTER ROLE ${name(change)} VALID UNTIL '2000-01-01'`],
      'refused',
    ],
    ['a role that is gone', (change) => [`DROP ROLE ${name(change)}`], 'refused'],
    ['a role that has no password', (change) => [`ALTER ROLE ${name(change)} PASSWORD NULL`], 'refused'],
    [
      'a role that may not log in',
      (change) => [`ALTER ROLE ${name(change)} NOLOGIN`],
      { code: '28000', meaning: undefined },
    ],
    [
      'a role that may have no more connections',
      (change) => [`ALTER ROLE ${name(change)} CONNECTION LIMIT 0`],
      { code: '53300', meaning: 'TargetBusy' },
    ],
    [
      'a database that the role may not enter',
      () => ['REVOKE CONNECT ON DATABASE other FROM PUBLIC'],
      { code: '42501', meaning: 'PermissionDenied' },
    ],
  ])('tells %s as every other login does', async (_what, statements, expected) => {
    const change = new Change(server, server, await roleAt(server), { dbname: 'other' });
    onTestFinished(() => sqlOf(server)('GRANT CONNECT ON DATABASE other TO PUBLIC'));
    const prove = await change.make();
    await sqlOf(server)(...statements(change));
    const outcome = await change.outcome(prove);
    if (typeof expected === 'string') expect(outcome).toBe(expected);
    else expect(outcome).toMatchObject(expected);
    expect(outcome).toEqual(await change.outcome(change.plainly));
    expect(change.context.notes).toEqual([]);
  });

  it('follows a server that asks for MD5 since, with one login more and a note', async () => {
    const change = new Change(server, server, await roleAt(server), { dbname: 'md5' });
    const prove = await change.make();
    await sqlOf(server)(
      "SET password_encryption = 'md5'",
      `ALTER ROLE ${name(change)} PASSWORD ${quoteLiteral(change.pending.password)}`,
    );
    const seen = await logged(server, async () => expect(await change.outcome(prove)).toBe('md5'));
    expect(seen).toMatchObject({ connections: 1, logins: 1, refusals: 0 });
    expect(change.context.notes).toEqual([note]);
  });

  describe('at a server whose pg_hba.conf is changed meanwhile', () => {
    const loadedAt = () =>
      server.asAdmin(async (client) => {
        const { rows } = await client.query<{ file: string; at: string }>(
          "SELECT current_setting('hba_file') AS file, pg_conf_load_time()::text AS at",
        );
        return rows[0] ?? { file: '', at: '' };
      });

    /** New connections follow what their parent has loaded. */
    async function write(file: string, content: string): Promise<void> {
      await writeFile(file, content);
      const { at } = await loadedAt();
      await sqlOf(server)('SELECT pg_reload_conf()');
      while ((await loadedAt()).at === at) await sleep(10);
    }

    async function prepend(line: string): Promise<void> {
      const { file } = await loadedAt();
      const before = await readFile(file, 'utf8');
      onTestFinished(() => write(file, before));
      await write(file, `${line}\n${before}`);
    }

    it.each([
      ['password', 'cleartext', [note]],
      ['trust', { code: 'TargetFailed', meaning: undefined }, []],
      ['reject', { code: '28000', meaning: undefined }, []],
    ])('to %s, it does what every other login does', async (method, expected, notes) => {
      const login = await roleAt(server);
      const change = new Change(server, await relayTo(server), login, { dbname: 'other', ssl: false });
      const prove = await change.make();
      await prepend(`host other "${login.username}" all ${method}`);
      const outcome = await change.outcome(prove);
      if (typeof expected === 'string') expect(outcome).toBe(expected);
      else expect(outcome).toMatchObject(expected);
      expect(outcome).toEqual(await change.outcome(change.plainly));
      expect(change.context.notes).toEqual(notes);
    });
  });

  it('is not tried at a database, or by a kind of connection, that was not seen', async () => {
    const relay = await relayTo(server);
    const { rotator, using, context } = new Change(server, relay, await roleAt(server));
    await (await rotator.open(using, context))?.close();
    for (const [elsewhere, turns] of [
      [{ ...using }, 2],
      [{ ...using, database: 'other' }, 3],
      [{ ...using, ssl: false }, 3],
    ] as const) {
      const prepared = await rotator.prepare?.(elsewhere, context);
      relay.reset();
      const session = await prepared?.open(context);
      expect(relay.turns()).toBe(turns);
      await session?.close();
      await (await rotator.open(using, context))?.close();
    }
  });

  describe('through a pooler (a stand-in) that does not read what follows the start-up packet', () => {
    /** Whether these are a start-up packet and another message. */
    const isBoth = (chunk: Buffer): boolean => chunk.length > 8 && chunk.readInt32BE(0) < chunk.length;
    const error = (code: string, message: string): Buffer => {
      const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
      const head = Buffer.from('E____');
      head.writeInt32BE(fields.length + 4, 1);
      return Buffer.concat([head, fields]);
    };

    it.each<[string, (chunk: Buffer, client: Socket, upstream: Socket) => boolean]>([
      [
        'and forgets it',
        (chunk, _client, upstream) =>
          isBoth(chunk) && upstream.write(chunk.subarray(0, chunk.readInt32BE(0))),
      ],
      ['and hangs up', (chunk, client) => isBoth(chunk) && client.destroy() === client],
      [
        'and takes it for a password',
        (chunk, client) => isBoth(chunk) && client.write(error('28P01', 'password authentication failed')),
      ],
      [
        'and takes it for a password, as PgBouncer says it',
        (chunk, client) => isBoth(chunk) && client.write(error('08P01', 'SASL authentication failed')),
      ],
    ])('%s: another login follows, and the next rotation does not try again', async (_what, takes) => {
      const relay = await relayTo(server, takes);
      const login = await roleAt(server);
      const change = new Change(server, relay, login, { ssl: false });
      const prove = await change.make();
      relay.reset();
      expect(await change.outcome(prove)).toBe('scram-sha-256');
      expect(relay.connections()).toBe(1);
      expect(change.context.notes).toEqual([note]);
      const prepared = await change.rotator.prepare?.(change.pending, change.context);
      relay.reset();
      const again = await prepared?.open(change.context);
      expect([again?.login.method, relay.turns(), relay.connections()]).toEqual(['scram-sha-256', 3, 0]);
      expect(change.context.notes).toHaveLength(1);
      await again?.close();
    });

    it('tells a wrong password as refused there too', async () => {
      const relay = await relayTo(server, (chunk, client) => isBoth(chunk) && client.destroy() === client);
      const change = new Change(server, relay, await roleAt(server), { ssl: false });
      const prove = await change.make('another one');
      const seen = await logged(server, async () => expect(await prove()).toBeUndefined());
      expect(seen).toMatchObject({ logins: 0, refusals: 1 });
    });
  });

  it('ends with the call, and no other login follows', async () => {
    const ending = new AbortController();
    const reason = new Error('The time is over.');
    let isProof = false;
    const relay = await relayTo(server, () => {
      if (isProof) ending.abort(reason);
      return isProof;
    });
    const change = new Change(server, relay, await roleAt(server), { ssl: false });
    const prove = await change.make();
    relay.reset();
    isProof = true;
    await expect(prove(rotatorContext(ending.signal))).rejects.toBe(reason);
    expect(relay.connections()).toBe(0);
  });
});

describe.skipIf(pgbouncerMissing !== undefined)('a login that is begun ahead, at a real PgBouncer', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ tls: false, hba: ['host all all all md5'] });
  });
  afterAll(() => server.stop());

  async function pooler(...settings: string[]): Promise<PgBouncer> {
    const started = await startPgBouncer(server, settings);
    onTestFinished(() => started.stop());
    return started;
  }

  it.each([
    ['scram-sha-256', 'transaction', 'scram-sha-256', 2],
    ['scram-sha-256', 'session', 'scram-sha-256', 2],
    // It asks for SCRAM where the role has a verifier.
    ['md5', 'transaction', 'scram-sha-256', 2],
    ['md5', 'session', 'md5', 2],
    ['plain', 'session', 'md5', 2],
  ] as const)('auth_type %s, pool_mode %s, a role with %s', async (type, mode, encryption, turns) => {
    const relay = await relayTo(await pooler(`auth_type = ${type}`, `pool_mode = ${mode}`));
    const login = await roleAt(server, encryption);
    // What the server stores for a role that does not log in by SCRAM.
    await sqlOf(server)(
      `ALTER ROLE ${quoteIdentifier(login.username)} SET password_encryption = '${encryption}'`,
    );
    const fields = { host: '127.0.0.1', ssl: false };
    const change = new Change(server, relay, login, fields);
    const prove = await change.make();
    relay.reset();
    expect(await prove()).toBeDefined();
    expect([relay.turns(), relay.connections(), change.context.notes]).toEqual([turns, 0, []]);
    const wrong = new Change(server, relay, { ...login, password: change.pending.password }, fields);
    const refused = await wrong.make('another one');
    relay.reset();
    expect(await refused()).toBeUndefined();
    expect([relay.connections(), wrong.context.notes]).toEqual([0, []]);
  });

  it('has just been started, and asks the server for the verifier first', async () => {
    const [first, restarted] = await Promise.all([
      pooler('auth_type = scram-sha-256', 'pool_mode = transaction'),
      pooler('auth_type = scram-sha-256', 'pool_mode = transaction'),
    ]);
    const place = { host: '127.0.0.1', port: first.port };
    const relay = await relayTo(place);
    const change = new Change(server, relay, await roleAt(server), { ssl: false });
    const prove = await change.make();
    place.port = restarted.port;
    relay.reset();
    expect(await prove()).toBeDefined();
    expect([relay.turns(), relay.connections(), change.context.notes]).toEqual([2, 0, []]);
  });
});

if (pgbouncerMissing !== undefined) {
  it('a login that is begun ahead, at a real PgBouncer', (context) => context.skip(pgbouncerMissing));
}

describe('the client’s side of SCRAM', () => {
  const salt = Buffer.alloc(16, 1).toString('base64');
  const nonceOf = (first: string): string => first.slice('n,,n=*,r='.length);

  it.each<[string, (nonce: string) => string]>([
    ['has another nonce', () => `r=another,s=${salt},i=4096`],
    ['adds nothing to the nonce', (nonce) => `r=${nonce},s=${salt},i=4096`],
    ['asks for too many iterations', (nonce) => `r=${nonce}x,s=${salt},i=${mostIterations + 1}`],
    ['asks for no iterations', (nonce) => `r=${nonce}x,s=${salt},i=0`],
    ['has a salt that is no base64', (nonce) => `r=${nonce}x,s=*,i=4096`],
    ['is empty', () => ''],
    ['demands an extension', (nonce) => `m=x,r=${nonce}x,s=${salt},i=4096`],
  ])('answers no message that %s', async (_what, message) => {
    const exchange = beginScram('secret');
    await expect(exchange.answer(message(nonceOf(exchange.first)))).rejects.toThrow(/^The server/);
  });

  it('believes no server that does not know the verifier', async () => {
    const exchange = beginScram('secret');
    expect(exchange.isServerProven('v=')).toBe(false);
    await exchange.answer(`r=${nonceOf(exchange.first)}x,s=${salt},i=4096`);
    for (const message of ['', 'v=', 'e=other-error', `v=${Buffer.alloc(32).toString('base64')}`])
      expect(exchange.isServerProven(message)).toBe(false);
  });
});
