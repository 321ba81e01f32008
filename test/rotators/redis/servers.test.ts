import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namesOf } from '../../../rotators/redis/connection.ts';
import { excessRights } from '../../../rotators/redis/excess.ts';
import { redis, redisByAdmin } from '../../../rotators/redis/index.ts';
import { clusterNode } from '../../../rotators/redis/servers.ts';
import type { SecretFields } from '../../../src/index.ts';
import { describeUnless } from '../../sam/tools.ts';
import { closedPort } from '../../support/closed-port.ts';
import { eventually } from '../../support/eventually.ts';
import {
  findRedisProgram,
  noRedis,
  type RedisCluster,
  type RedisGroup,
  type RedisServer,
  type Sentinel,
  startRedisCluster,
  startRedisServer,
  startReplication,
  startSentinel,
} from '../../support/redis-server.ts';
import { type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';
import { applicationRules } from './harness.ts';

const hashOf = (password: unknown): string => createHash('sha256').update(String(password)).digest('hex');
const newName = (): string => `app-${randomBytes(6).toString('hex')}`;

const program = await findRedisProgram();
describeUnless(program === undefined ? noRedis : undefined, 'users of several servers', () => {
  const found = program ?? { name: '', path: '' };
  let fixture: RotationFixture;
  beforeAll(async () => {
    fixture = await startFixture({ rotators: [redis(), redisByAdmin()] });
  });
  afterAll(() => fixture.close());

  const passwordsAt = async (server: RedisServer, username: string): Promise<string[]> => {
    const answer: unknown = await server.ask('ACL', 'GETUSER', username);
    const list: unknown[] = Array.isArray(answer) ? answer : [];
    const passwords = list[list.indexOf('passwords') + 1];
    return Array.isArray(passwords) ? passwords.map(String).sort() : [];
  };
  /** Makes the user at every server, and its secret and the admin's. */
  async function createSecret(group: RedisGroup | RedisCluster, where: SecretFields, ...rules: string[]) {
    const [username, password] = [newName(), randomBytes(12).toString('base64url')];
    const given = rules.length === 0 ? applicationRules : rules;
    await group.askAll('ACL', 'SETUSER', username, 'on', `>${password}`, ...given);
    for (const server of group.servers)
      await server.ask('ACL', 'SETUSER', 'admin', `>${group.servers[0].admin.password}`);
    const place = { engine: 'redis', host: '127.0.0.1', ssl: false, ...where };
    const masterarn = await fixture.createSecret({ ...place, ...group.servers[0].admin });
    return { username, arn: await fixture.createSecret({ ...place, username, password, masterarn }) };
  }
  const expectEverywhere = async (
    { servers }: RedisGroup | RedisCluster,
    username: string,
    hashes: string[],
  ) => {
    for (const server of servers) expect(await passwordsAt(server, username)).toEqual([...hashes].sort());
  };

  describe('of a cluster', () => {
    let cluster: RedisCluster;
    beforeAll(async () => {
      cluster = await startRedisCluster(found);
    });
    afterAll(() => cluster.stop());
    const where = () => ({ port: cluster.servers[0].port });

    it('have the same passwords at every server', async () => {
      const { arn, username } = await createSecret(cluster, where());
      for (let time = 0; time < 2; time += 1) {
        const before = await fixture.read(arn);
        expect(await fixture.rotate(arn)).toBeUndefined();
        const { password } = await fixture.read(arn);
        await expectEverywhere(cluster, username, [hashOf(before.password), hashOf(password)]);
      }
      expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
      expect(fixture.recorded.notes.join('\n')).toMatch(
        /servers: ok: 127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+, 127/,
      );
    });

    it('change themselves at every server, where they may', async () => {
      const { arn, username } = await createSecret(cluster, where(), '~*', '&*', '+@all');
      const { password: old, masterarn: _, ...own } = await fixture.read(arn);
      const alone = await fixture.createSecret({ ...own, password: old });
      expect(await fixture.rotate(alone)).toBeUndefined();
      const { password } = await fixture.read(alone);
      await expectEverywhere(cluster, username, [hashOf(old), hashOf(password)]);
    });

    it('heal where a server has lost the password that others accept', async () => {
      const { arn, username } = await createSecret(cluster, where());
      await cluster.servers[2].ask('ACL', 'SETUSER', username, 'resetpass', '>of an old copy');
      const { password: old } = await fixture.read(arn);
      expect(await fixture.rotate(arn)).toBeUndefined();
      const { password } = await fixture.read(arn);
      expect(await passwordsAt(cluster.servers[0], username)).toEqual([hashOf(old), hashOf(password)].sort());
      expect(await passwordsAt(cluster.servers[2], username)).toEqual([hashOf(old), hashOf(password)].sort());
    });

    it.each([
      ['lacks the user', ['ACL', 'DELUSER'], /^AccountMissing: .*has no user/],
      ['has it off', ['ACL', 'SETUSER', 'off'], /^TargetFailed: .*is off/],
    ])('are left alone where one server %s', async (_what, [acl = '', command = '', ...rules], expected) => {
      const { arn, username } = await createSecret(cluster, where());
      await cluster.servers[1].ask(acl, command, username, ...rules);
      const before = await passwordsAt(cluster.servers[0], username);
      expect(await fixture.rotate(arn)).toMatch(expected);
      expect(await passwordsAt(cluster.servers[0], username)).toEqual(before);
    });

    it('are left alone where a server refuses the admin that others accept', async () => {
      const { arn, username } = await createSecret(cluster, where());
      const [first, second] = cluster.servers;
      await second.ask('ACL', 'SETUSER', 'admin', `<${first.admin.password}`);
      const before = await passwordsAt(first, username);
      expect(await fixture.rotate(arn)).toMatch(/^TargetFailed: .*users are not replicated/);
      expect(await passwordsAt(first, username)).toEqual(before);
    });
  });

  it('of a cluster of which a server is down are left alone, and rotated once it is back', async () => {
    const cluster = await startRedisCluster(found);
    try {
      const [first, second, third] = cluster.servers;
      const { arn, username } = await createSecret(cluster, { port: first.port });
      const { password: old } = await fixture.read(arn);
      await cluster.askAll('CONFIG', 'REWRITE');
      await third.end();
      expect(await fixture.rotate(arn)).toMatch(/^TargetUnreachable/);
      for (const server of [first, second])
        expect(await passwordsAt(server, username)).toEqual([hashOf(old)]);
      await third.restart();
      expect(await fixture.rotate(arn)).toBeUndefined();
      const { password } = await fixture.read(arn);
      await expectEverywhere(cluster, username, [hashOf(old), hashOf(password)]);
    } finally {
      await cluster.stop();
    }
  });

  it('are rotated where a server writes only to replicas that it does not have', async () => {
    const server = await startRedisServer(found, { settings: ['min-replicas-to-write 1'] });
    try {
      const username = newName();
      await server.ask('ACL', 'SETUSER', username, 'on', '>a first password', '~*', '&*', '+@all');
      const where = { engine: 'redis', host: '127.0.0.1', port: server.port, ssl: false };
      const arn = await fixture.createSecret({ ...where, username, password: 'a first password' });
      expect(await fixture.rotate(arn)).toBeUndefined();
    } finally {
      await server.stop();
    }
  });

  it('of a cluster with TLS have the same passwords at every server, which show the name that the secret has', async () => {
    const cluster = await startRedisCluster(found, { tls: true });
    try {
      const [first] = cluster.servers;
      const other = await startFixture({ rotators: [redis({ ca: () => first.ca })] });
      try {
        const username = newName();
        await cluster.askAll('ACL', 'SETUSER', username, 'on', '>a first password', '~*', '&*', '+@all');
        const secret = { engine: 'redis', port: first.port, username, password: 'a first password' };
        // The servers know each other as 127.0.0.1, which is not in the certificates.
        const arn = await other.createSecret({ ...secret, host: 'localhost' });
        expect(await other.rotate(arn)).toBeUndefined();
        const { password } = await other.read(arn);
        await expectEverywhere(cluster, username, [hashOf('a first password'), hashOf(password)]);
      } finally {
        await other.close();
      }
    } finally {
      await cluster.stop();
    }
  });

  describe('of a master and its replica', () => {
    let group: RedisGroup;
    let sentinel: Sentinel;
    beforeAll(async () => {
      group = await startReplication(found);
      sentinel = await startSentinel(found, group.servers[0]);
    });
    afterAll(async () => {
      await sentinel.stop();
      await group.stop();
    });

    it.each(['the master', 'a Sentinel'])('have the same passwords at both, by way of %s', async (way) => {
      const where =
        way === 'the master' ? { port: group.servers[0].port } : { port: sentinel.port, mastername: 'shop' };
      const { arn, username } = await createSecret(group, where);
      const { password: old } = await fixture.read(arn);
      expect(await fixture.rotate(arn)).toBeUndefined();
      const { password } = await fixture.read(arn);
      await expectEverywhere(group, username, [hashOf(old), hashOf(password)]);
    });

    it('are left alone where only the replica is named', async () => {
      const { arn, username } = await createSecret(group, { port: group.servers[1].port });
      const before = await passwordsAt(group.servers[0], username);
      expect(await fixture.rotate(arn)).toMatch(/^TargetReadOnly: .*is a replica/);
      await expectEverywhere(group, username, before);
    });

    it('are found where both are named, whichever comes first', async () => {
      const host = [...group.servers]
        .reverse()
        .map(({ port }) => `127.0.0.1:${port}`)
        .join(', ');
      const { arn, username } = await createSecret(group, { host });
      const { password: old } = await fixture.read(arn);
      expect(await fixture.rotate(arn)).toBeUndefined();
      const { password } = await fixture.read(arn);
      await expectEverywhere(group, username, [hashOf(old), hashOf(password)]);
    });

    it('are left alone where a Sentinel is named without its master, or with another one', async () => {
      const withoutName = await createSecret(group, { port: sentinel.port });
      expect(await fixture.rotate(withoutName.arn)).toMatch(/^(InvalidSecretField|NoCredentialAccepted)/);
      const other = await createSecret(group, { port: sentinel.port, mastername: 'another' });
      expect(await fixture.rotate(other.arn)).toMatch(/^InvalidSecretField: .*knows no master/);
      const noSentinel = await createSecret(group, { port: group.servers[0].port, mastername: 'shop' });
      expect(await fixture.rotate(noSentinel.arn)).toMatch(/^(InvalidSecretField|PermissionDenied)/);
    });

    it('are left alone where the servers replicate by them', async () => {
      const { arn, username } = await createSecret(group, { port: group.servers[0].port });
      const { password } = await fixture.read(arn);
      const replica = group.servers[1];
      await replica.ask('CONFIG', 'SET', 'masteruser', username);
      await replica.ask('CONFIG', 'SET', 'masterauth', String(password));
      try {
        expect(await fixture.rotate(arn, { immediately: false })).toMatch(/^PreflightFailed: .*replicate as/);
        expect(await fixture.rotate(arn)).toMatch(/^TargetFailed: .*replicate as/);
        await expectEverywhere(group, username, [hashOf(password)]);
      } finally {
        await replica.ask('CONFIG', 'SET', 'masteruser', 'admin');
        await replica.ask('CONFIG', 'SET', 'masterauth', group.servers[0].admin.password);
      }
    });
  });

  describe('with TLS', () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedisServer(found, { tls: true });
    });
    afterAll(() => server.stop());

    async function rotated(options: Parameters<typeof redis>[0], fields: SecretFields, port = server.port) {
      const other = await startFixture({ rotators: [redis(options)] });
      try {
        const username = newName();
        await server.ask('ACL', 'SETUSER', username, 'on', '>a first password', '~*', '&*', '+@all');
        const secret = { engine: 'valkey', host: 'localhost', port, username, password: 'a first password' };
        return await other.rotate(await other.createSecret({ ...secret, ...fields }));
      } finally {
        await other.close();
      }
    }
    const ca = () => server.ca;

    it('is verified: the authority, and the name', async () => {
      expect(await rotated({ ca }, {})).toBeUndefined();
      expect(await rotated({ ca }, { tls: true })).toBeUndefined();
      expect(await rotated({}, {})).toMatch(/^CertificateRejected/);
      expect(await rotated({ ca }, { host: '127.0.0.1' })).toMatch(/^CertificateRejected/);
      expect(await rotated({ ca }, { host: '127.0.0.1', sslservername: 'localhost' })).toBeUndefined();
    });

    it('is not given up for plaintext, unless the function allows it', async () => {
      const plain = await startRedisServer(found);
      try {
        await plain.ask('ACL', 'SETUSER', 'app', 'on', '>a first password', '~*', '&*', '+@all');
        const secret = { username: 'app' };
        expect(await rotated({ ca }, secret, plain.port)).toMatch(/^TlsUnavailable/);
        expect(await rotated({ ca, allowPlaintext: true }, { ...secret, ssl: true }, plain.port)).toMatch(
          /^TlsUnavailable/,
        );
        expect(await rotated({ ca, allowPlaintext: true }, secret, plain.port)).toBeUndefined();
      } finally {
        await plain.stop();
      }
    });

    it('is not given up for a server that only another one has told of', async () => {
      const heard: string[] = [];
      const eavesdropper = createServer((socket: Socket) => {
        socket
          .on('error', () => undefined)
          .on('data', (data) => {
            heard.push(data.toString('latin1'));
            if (/^(PING|\*)/.test(data.toString('latin1'))) socket.write('+OK\r\n');
          });
      });
      await new Promise<void>((resolve) => eavesdropper.listen(0, '127.0.0.1', resolve));
      const address = eavesdropper.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const replica = connectTls({
        port: server.port,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: server.ca,
      }).on('error', () => {});
      try {
        // A replica tells its own address, so it may be any address.
        const { username, password } = server.admin;
        replica.write(`AUTH ${username} ${password}\r\nREPLCONF listening-port ${port}\r\n`);
        let answers = '';
        replica.on('data', (data) => (answers += data.toString('latin1')));
        await eventually(() => expect(answers).toBe('+OK\r\n+OK\r\n'));
        replica.write('PSYNC ? -1\r\n');
        await eventually(async () =>
          expect(String(await server.ask('INFO', 'replication'))).toContain(`port=${port}`),
        );
        expect(await rotated({ ca, allowPlaintext: true }, {})).toMatch(/^TlsUnavailable/);
        expect(heard.join('')).toContain('PING');
        expect(heard.join('')).not.toContain('a first password');
      } finally {
        replica.destroy();
        eavesdropper.close();
      }
    });
  });

  it('count as admins if they may run the commands of @slow', async () => {
    const server = await startRedisServer(found);
    const slow = new Redis({ port: server.port, username: 'slow', password: 'a password', protocol: 2 });
    try {
      await server.ask('ACL', 'SETUSER', 'slow', 'on', '>a password', '+@slow');
      await slow.call('ACL', 'SETUSER', 'slow', '+@all', '~*');
      await server.ask('ACL', 'SETUSER', 'another', 'on', '-@all', '+@slow');
      const admin = { ask: server.ask, node: { host: '', port: 0 }, encrypted: false, close: async () => {} };
      expect(await excessRights(admin, 'another', undefined)).toEqual(['administration']);
      // A replica is sent all keys, whatever its user may read.
      await server.ask('ACL', 'SETUSER', 'replica', 'on', '-@all', '+psync', '+replconf');
      expect(await excessRights(admin, 'replica', undefined)).toEqual(['running the server']);
    } finally {
      slow.disconnect();
      await server.stop();
    }
  });

  it('are not there', async () => {
    const secret = {
      engine: 'redis',
      host: '127.0.0.1',
      port: await closedPort(),
      ssl: false,
      password: 'x',
    };
    expect(await fixture.rotate(await fixture.createSecret(secret))).toMatch(/^TargetUnreachable/);
  });
});

/** Answers as the documentation says that such a server does. */
async function standIn(answer: string): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.on('data', () => (answer.startsWith('-DENIED') ? socket.end(answer) : socket.write(answer)));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a server that can not be had here is answered by a stand-in', () => {
  it.each([
    ['Redis 5', "-ERR wrong number of arguments for 'auth' command\r\n", /^TargetFailed: .*too old/],
    ['one that is full', '-ERR max number of clients reached\r\n', /^TargetBusy/],
    ['one that loads', '-LOADING Redis is loading the dataset in memory\r\n', /^TargetBusy/],
    ['one that is protected', '-DENIED Redis is running in protected mode\r\n', /^TargetFailed: .*protected/],
    [
      'one that is protected',
      '-DENIED Redis is running in protected mode\r\n',
      /^TargetFailed: .*protected mode/,
      'default',
    ],
  ])('%s', { timeout: 60_000 }, async (_name, answer, expected, username = 'app') => {
    const [server, fixture] = [await standIn(answer), await startFixture({ rotators: [redis()] })];
    try {
      const where = { engine: 'redis', host: '127.0.0.1', port: server.port, ssl: false };
      const arn = await fixture.createSecret({ ...where, username, password: 'a first password' });
      expect(await fixture.rotate(arn)).toMatch(expected);
    } finally {
      await fixture.close();
      await server.stop();
    }
  });
});

describe('the certificate of a server', () => {
  const named = [{ host: 'redis.example.com', port: 6379 }];
  it.each([
    ['that the secret names', 'redis.example.com', {}, ['redis.example.com']],
    ['beside it', 'node-2.example.com', {}, ['redis.example.com', 'node-2.example.com']],
    ['below it', 'node-2.redis.example.com', {}, ['redis.example.com', 'node-2.redis.example.com']],
    ["of somebody's own", 'node.attacker.example.net', {}, ['redis.example.com']],
    ['of a name that only ends alike', 'evil-example.com', {}, ['redis.example.com']],
    ['by its address', '10.0.0.9', {}, ['redis.example.com']],
    ['whose name is said', '10.0.0.9', { serverName: 'db' }, ['db']],
    ['in a country of many', 'evil.co.uk', { named: [{ host: 'redis.co.uk', port: 1 }] }, ['redis.co.uk']],
    ['of another address', '10.0.0.9', { named: [{ host: '10.0.0.1', port: 1 }] }, ['10.0.0.1']],
  ])('%s', (_what, host, more, names) => {
    expect(namesOf({ host, port: 6379 }, { serverName: undefined, named, ...more })).toEqual(names);
  });
});

describe('a line of CLUSTER NODES', () => {
  const id = 'a'.repeat(40);
  it.each([
    ['10.0.0.1:6379@16379 master - 0 0 1 connected 0-5', [{ host: '10.0.0.1', port: 6379 }]],
    ['10.0.0.1:6379@16379,node-1.example slave x', [{ host: 'node-1.example', port: 6379 }]],
    ['10.0.0.1:6379@16379,,shard-id=abc master -', [{ host: '10.0.0.1', port: 6379 }]],
    ['10.0.0.1:6379@16379,shard-id=abc master -', [{ host: '10.0.0.1', port: 6379 }]],
    ['2001:db8::1:7000@17000 master -', [{ host: '2001:db8::1', port: 7000 }]],
    ['10.0.0.1:6379@16379 myself,master -', []],
  ])('%s', (line, nodes) => expect(clusterNode(`${id} ${line}`)).toEqual(nodes));

  it.each([
    [':0@0 master,noaddr -', 'TargetUnreachable'],
    ['10.0.0.1:6379@16379 handshake -', 'TargetBusy'],
    ['nonsense master', 'TargetUnreachable'],
  ])('%s', (line, code) =>
    expect(() => clusterNode(`${id} ${line}`)).toThrow(expect.objectContaining({ code })),
  );
});
