import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { elastiCache } from '../../../rotators/elasticache/index.ts';
import { mysql } from '../../../rotators/mysql/index.ts';
import { postgres } from '../../../rotators/postgres/index.ts';
import { rabbitMq } from '../../../rotators/rabbitmq/index.ts';
import { redis } from '../../../rotators/redis/index.ts';
import { sqlServer } from '../../../rotators/sqlserver/index.ts';
import type { Rotator, SecretFields } from '../../../src/index.ts';
import { closedPort } from '../../support/closed-port.ts';

/** Every rotator that is built on the kit for databases. */
const engines: readonly (readonly [name: string, rotator: Rotator, more: SecretFields])[] = [
  ['postgres', postgres(), {}],
  ['mysql', mysql(), {}],
  ['sqlserver', sqlServer(), {}],
  ['redis', redis(), {}],
  ['elasticache', elastiCache(), { user_arn: 'arn:aws:elasticache:eu-west-1:123456789012:user:app' }],
  ['rabbitmq', rabbitMq(), {}],
];
/** Those that log in over a connection that the kit has opened. */
const connecting = engines.slice(0, 4);

const login = { host: 'db.example.com', username: 'app', password: 'the-password' };
const context = (signal = new AbortController().signal) => ({ signal, note: () => undefined });

/** The port of a server that does something with each connection. */
async function listen(answer: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    answer(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port.');
  return address.port;
}

describe.each(engines)('a secret of %s', (_name, rotator, more) => {
  const portOf = (fields: SecretFields) =>
    rotator.target(rotator.parse({ ...login, ...more, ...fields })).port;
  const refused = (field: string) => expect.objectContaining({ code: 'InvalidSecretField', field });

  it('has the usual port where it names an empty one', () => {
    expect(portOf({ port: '' })).toBe(portOf({}));
  });

  it('is not for another engine', () => {
    expect(() => portOf({ engine: 'oracle' })).toThrow(refused('engine'));
  });

  it.each(['app\u0007', 'app\u2028'])('has no name with an invisible character: %j', (username) => {
    expect(() => portOf({ username })).toThrow(refused('username'));
  });
});

describe.each(connecting)('a login of %s', (name, rotator) => {
  const portOf = (fields: SecretFields) => rotator.target(rotator.parse({ ...login, ...fields })).port;
  const refused = (field: string) => expect.objectContaining({ code: 'InvalidSecretField', field });

  it.each([
    ['password', 'half\u0000a password'],
    ['sslservername', 'db.example.com/elsewhere'],
    ['ssl', 'perhaps'],
    ['port', 65_536],
    ['host', '/var/run/server.sock'],
  ])('has no %s %j', (field, value) => {
    expect(() => portOf({ [field]: value })).toThrow(refused(field));
  });

  it('takes an empty name for the certificate for none', () => {
    expect(() => portOf({ sslservername: '' })).not.toThrow();
  });

  it('keeps brackets for addresses', () => {
    expect(rotator.target(rotator.parse({ ...login, host: '[::1]' })).host).toBe('::1');
    if (name !== 'sqlserver') expect(() => portOf({ host: '[db]' })).toThrow(refused('host'));
  });

  const open = (port: number, signal?: AbortSignal) =>
    rotator.open(rotator.parse({ ...login, host: '127.0.0.1', port }), context(signal));
  const outcome = (port: number) =>
    open(port).then(
      (session) => session,
      (error: unknown) => rotator.classify?.(error, 'open'),
    );

  it('finds nobody who listens', async () => {
    expect(await outcome(await closedPort())).toBe('TargetUnreachable');
  });

  it('is cut off before the server has said anything', async () => {
    expect(await outcome(await listen((socket) => socket.destroy()))).toBe('TargetUnreachable');
  });

  it('ends when the function has to stop, with its connection', async () => {
    const ending = new AbortController();
    let closed: Promise<unknown> | undefined;
    const port = await listen((socket) => {
      closed ??= once(socket, 'close');
      socket.resume();
      setTimeout(() => ending.abort(new Error('The time is up.')), 20);
    });
    await expect(open(port, ending.signal)).rejects.toThrow();
    await closed;
  });
});

it.each([undefined, false])(
  'a server that never answers is out of reach for all engines, with ssl %s',
  async (ssl) => {
    const port = await listen((socket) => socket.resume());
    const outcomes = connecting.map(async ([name, { parse, open, classify }]) => {
      const credential = parse({ ...login, host: '127.0.0.1', port, ...(ssl === false && { ssl }) });
      const outcome = await open(credential, context()).catch((error: unknown) => classify?.(error, 'open'));
      return [name, outcome];
    });
    expect(await Promise.all(outcomes)).toEqual(connecting.map(([name]) => [name, 'TargetUnreachable']));
  },
);
