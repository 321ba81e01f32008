import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createConnector } from '../../../rotators/postgres/connector.ts';
import { parseEndpoints } from '../../../rotators/postgres/endpoints.ts';
import { postgres } from '../../../rotators/postgres/index.ts';
import { readDocument, type SecretFields } from '../../../src/index.ts';
import { closedPort } from '../../support/closed-port.ts';
import {
  asAdmin,
  canLogIn,
  createLogin,
  randomPassword,
  rotatorContext,
  secretOf,
  sharedOptions,
  type TestLogin,
} from '../../support/postgres-fixtures.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres-server.ts';

const rotator = postgres(sharedOptions());
const at = (...places: [string, number][]) => places.map(([host, port]) => ({ host, port }));

describe('where a Postgres secret’s servers are', () => {
  it.each<[SecretFields, [string, number][]]>([
    [{ host: 'db' }, [['db', 5432]]],
    [{ host: 'db', port: '5433' }, [['db', 5433]]],
    [{ host: 'db:5433' }, [['db', 5433]]],
    [{ host: 'db:5433', port: 5433 }, [['db', 5433]]],
    [{ host: '::1', port: 5433 }, [['::1', 5433]]],
    [{ host: '[::1]:5433' }, [['::1', 5433]]],
    [{ host: '[fe80::1%eth0]' }, [['fe80::1%eth0', 5432]]],
    [
      { host: 'a,b', port: '1,2' },
      [
        ['a', 1],
        ['b', 2],
      ],
    ],
    [
      { host: 'a,b', port: 1 },
      [
        ['a', 1],
        ['b', 1],
      ],
    ],
    [
      { host: 'a,b', port: ',2' },
      [
        ['a', 5432],
        ['b', 2],
      ],
    ],
    [
      { host: 'a:1, b:2' },
      [
        ['a', 1],
        ['b', 2],
      ],
    ],
    [
      { host: 'a', port: '1', hosts: 'a:1,b,[::1]:2' },
      [
        ['a', 1],
        ['b', 5432],
        ['::1', 2],
      ],
    ],
  ])('%j is %j', (fields, places) => {
    expect(parseEndpoints(fields)).toEqual(at(...places));
  });

  it.each<[SecretFields, string]>([
    [{ host: 'a,b', port: '1,2,3' }, 'port'],
    [{ host: 'a:1', port: 2 }, 'host'],
    [{ host: 'a,' }, 'host'],
    [{ host: ',a' }, 'host'],
    [{ host: 'a:b' }, 'host'],
    [{ host: 'a:99999' }, 'host'],
    [{ host: '[a]:1' }, 'host'],
    [{ host: '1:2:3' }, 'host'],
    [{ host: Array.from({ length: 17 }, (_, index) => `h${index}`).join() }, 'host'],
    [{ host: 'a', hosts: 'a,/tmp' }, 'hosts'],
  ])('%j is refused for its %s', (fields, field) => {
    expect(() => parseEndpoints(fields)).toThrow(
      expect.objectContaining({ code: 'InvalidSecretField', field }),
    );
  });

  it('is read from what applications write', () => {
    const user = 'user=app password=p';
    for (const [text, places] of [
      [
        `host=a,b port=1,2 dbname=d ${user}`,
        [
          ['a', 1],
          ['b', 2],
        ],
      ],
      [
        `host=a,b dbname=d ${user} target_session_attrs=read-write`,
        [
          ['a', 5432],
          ['b', 5432],
        ],
      ],
      [
        'postgresql://app:p@a:1,b:2/d?target_session_attrs=read-write',
        [
          ['a', 1],
          ['b', 2],
        ],
      ],
      [
        'postgresql://app:p@a,b:2/d',
        [
          ['a', 5432],
          ['b', 2],
        ],
      ],
      [
        'postgresql:///d?host=a,b&port=1,2&user=app&password=p',
        [
          ['a', 1],
          ['b', 2],
        ],
      ],
      [
        'jdbc:postgresql://a:1,b:2/d?user=app&password=p&targetServerType=primary',
        [
          ['a', 1],
          ['b', 2],
        ],
      ],
      [
        'Host=a:1,b:2;Username=app;Password=p;Database=d',
        [
          ['a', 1],
          ['b', 2],
        ],
      ],
      ['Host=h:5433;Username=app;Password=p;Database=d', [['h', 5433]]],
    ] as [string, [string, number][]][]) {
      expect([text, rotator.parse(readDocument(text).fields).endpoints]).toEqual([text, at(...places)]);
    }
  });

  it('are all of the target, so that nothing is sent to another list', () => {
    const target = (host: string) => rotator.target(rotator.parse({ host, username: 'u', password: 'p' }));
    expect(target('a')).not.toHaveProperty('endpoints');
    expect(target('A,b')).toMatchObject({ host: 'A', port: 5432, endpoints: ['b:5432'] });
    fc.assert(
      fc.property(fc.uniqueArray(fc.domain(), { minLength: 2, maxLength: 5 }), (hosts) => {
        const { host, endpoints = [] } = target(hosts.join());
        expect([host, ...endpoints]).toHaveLength(hosts.length);
      }),
    );
  });
});

describe('a Postgres secret with several servers', () => {
  let primary: PostgresServer;
  let standby: PostgresServer;
  beforeAll(async () => {
    primary = await startPostgres({ tls: false });
    standby = await startPostgres({ tls: false, standby: true, admin: primary.admin });
  });
  afterAll(async () => {
    await standby.stop();
    await primary.stop();
  });
  const plain = postgres();
  const secret = (ports: number[]): SecretFields => ({
    host: ports.map(() => '127.0.0.1').join(),
    port: ports.join(),
    ssl: false,
    ...primary.admin,
  });
  const portOf = async (fields: SecretFields): Promise<number | undefined> => {
    const session = await plain.open(plain.parse(fields), rotatorContext());
    const [row] =
      (await session?.query<{ port: string }>("SELECT pg_catalog.current_setting('port') AS port")) ?? [];
    await session?.close();
    return row === undefined ? undefined : Number(row.port);
  };

  it('is used at the one that takes changes, wherever it stands in the list', async () => {
    const closed = await closedPort();
    for (const ports of [
      [primary.port, standby.port],
      [standby.port, primary.port],
      [closed, standby.port, primary.port],
      [closed, primary.port],
    ]) {
      expect(await portOf(secret(ports))).toBe(primary.port);
    }
    expect(await portOf(secret([closed, standby.port]))).toBe(standby.port);
  });

  it('is read-only where there is a standby alone', async () => {
    const credential = plain.parse(secret([standby.port]));
    const session = await plain.open(credential, rotatorContext());
    if (session === undefined) throw new Error('The login was refused.');
    const changing = plain.change(
      session,
      { ...credential, password: randomPassword() },
      { ...rotatorContext(), using: credential, current: credential },
    );
    const error = await changing.catch((thrown: unknown) => thrown);
    expect(plain.classify?.(error, 'change')).toBe('TargetReadOnly');
    const findings = await plain.preflight?.(session, credential, undefined, rotatorContext());
    expect(findings?.filter(({ ok }) => !ok).map(({ check }) => check)).toEqual(['server']);
    await session.close();
  });

  it('is refused at the first that can be reached, and unreachable where none is there', async () => {
    const closed = await closedPort();
    for (const ports of [
      [standby.port, primary.port],
      [closed, primary.port],
    ]) {
      expect(await portOf({ ...secret(ports), password: 'wrong' })).toBeUndefined();
    }
    const error = await portOf(secret([closed, await closedPort()])).catch((thrown: unknown) => thrown);
    expect(plain.classify?.(error, 'open')).toBe('TargetUnreachable');
  });

  it('is asked for its login at the first that can be reached', async () => {
    const { probe } = createConnector({});
    const closed = await closedPort();
    expect(await probe(plain.parse(secret([closed, primary.port])), rotatorContext())).toBe('scram-sha-256');
    const nowhere = probe(plain.parse(secret([closed, await closedPort()])), rotatorContext());
    await expect(nowhere).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('a prepared connection', () => {
  const { open, prepare } = createConnector(sharedOptions());

  it('logs in with a password that was set after it was opened', async () => {
    const login = await createLogin();
    const using = rotator.parse(secretOf(login));
    const pending = { ...using, password: randomPassword() };
    const context = rotatorContext();
    const prepared = await prepare(pending, context);
    const session = await open(using, context);
    if (session === undefined) throw new Error('The login was refused.');
    await rotator.change(session, pending, { ...context, using, current: using });
    await session.close();
    const proof = await prepared.open(context);
    expect(proof?.encrypted).toBe(true);
    await proof?.close();
    expect(await canLogIn({ ...login, password: pending.password })).toBe(true);
  });

  it('is refused as any other login is', async () => {
    const prepared = await prepare(
      rotator.parse(secretOf({ ...(await createLogin()), password: 'wrong' })),
      rotatorContext(),
    );
    expect(await prepared.open(rotatorContext())).toBeUndefined();
  });

  it('is opened anew where it was lost, and is no error where there is no server', async () => {
    // Time enough for a login, even where the processors have other work.
    const server = await startPostgres({ settings: ["authentication_timeout = '3s'"] });
    const connector = createConnector({ ca: () => server.ca });
    const { host, admin } = server;
    const { promise: lost, resolve: lose } = Promise.withResolvers<void>();
    const relay = createServer((client) => {
      const upstream = connect({ host: '127.0.0.1', port: server.port });
      client.on('error', () => undefined);
      upstream
        .on('error', () => undefined)
        .on('close', () => {
          client.end();
          lose();
        });
      client.pipe(upstream).pipe(client);
    }).listen(0, '127.0.0.1');
    await once(relay, 'listening');
    try {
      const credential = rotator.parse({ host, port: Object(relay.address()).port, ...admin });
      const prepared = await connector.prepare(credential, rotatorContext());
      await lost;
      const session = await prepared.open(rotatorContext());
      expect(session?.login.method).toBe('scram-sha-256');
      await session?.close();
    } finally {
      relay.close();
      await server.stop();
    }
    const dead = await connector.prepare(
      rotator.parse({ host, port: server.port, ...admin }),
      rotatorContext(),
    );
    await expect(dead.open(rotatorContext())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    dead.close();
  });

  it('sends nothing but TLS until it logs in, and leaves nothing when it is closed', async () => {
    const login = await createLogin();
    const { length: before } = await sockets(login);
    const prepared = await prepare(rotator.parse(secretOf(login)), rotatorContext());
    prepared.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await sockets(login)).length).toBe(before);
  });

  async function sockets({ username }: TestLogin): Promise<object[]> {
    const { rows } = await asAdmin((client) =>
      client.query('SELECT pid FROM pg_stat_activity WHERE usename = $1', [username]),
    );
    return rows;
  }
});

describe('the name in a certificate', () => {
  it('is the one that the secret names, also where the host is a name', async () => {
    const login = await createLogin();
    const { host } = inject('postgres');
    const wrong = rotator.parse({ ...secretOf(login), host, sslservername: 'db.example.com' });
    const error = await rotator.open(wrong, rotatorContext()).catch((thrown: unknown) => thrown);
    expect(rotator.classify?.(error, 'open')).toBe('CertificateRejected');
  });
});
