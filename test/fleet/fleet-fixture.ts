import { randomBytes } from 'node:crypto';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { createRotationHandler, type Rotator } from '../../src/index.ts';
import {
  type LocalPrincipal,
  type LocalSecretsManager,
  type LocalSecretsManagerOptions,
  startLocalSecretsManager,
} from '../../src/local/index.ts';

/** A fleet of secrets, whose targets are in this process. */
export interface Fleet {
  readonly local: LocalSecretsManager;
  readonly client: SecretsManagerClient;
  /** Adds a secret whose rotation is on. `lost`: no version works. `failing`: its function fails. */
  add(name: string, host: string, kind?: 'good' | 'lost' | 'failing'): Promise<string>;
  /** Adds a number of secrets, `PREFIX000` and so on, of a number of hosts. */
  addMany(prefix: string, count: number, hosts: number): Promise<string[]>;
  newValue(host: string): string;
  /** Makes the rotations of a secret fail, until that is mended. */
  breakFor(arn: string): void;
  mendFor(arn: string): void;
  /**
   * Once so many rotations of secrets with such a name have succeeded, further ones of them stop in their first step, until
   * the returned function is called. So a run is still under way, however slow a test is.
   */
  holdAfter(prefix: string, count: number): () => void;
  /** The most rotations of secrets with such a name that were under way at once. */
  mostAtOnce(prefix: string): number;
  /** How many rotations of secrets with such a name have succeeded. */
  rotationsOf(prefix: string): number;
  close(): Promise<void>;
}

/**
 * Starts a local Secrets Manager and a rotation function with a rotator whose targets are a map of passwords in this
 * process. The tests prove the fleet, not a server.
 */
export async function startFleet(
  options: LocalSecretsManagerOptions = {},
  principal?: LocalPrincipal,
): Promise<Fleet> {
  const local = await startLocalSecretsManager({ retryDelaysMs: [], ...options });
  const credentials = principal ?? local.clientConfig.credentials;
  const config = { ...local.clientConfig, credentials, maxAttempts: 8 };
  const client = new SecretsManagerClient(config);
  const functionClient = new SecretsManagerClient(config);
  const passwords = new Map<string, string>();
  const rotate = createRotationHandler({
    rotators: [rotatorOf(passwords)],
    client: functionClient,
    environment: {},
  });
  const broken = new Set<string>();
  const holds = new Set<{ readonly prefix: string; readonly count: number; readonly over: Promise<void> }>();
  const functionArn = local.registerFunction('fleet', async (event, context) => {
    if (broken.has(event.SecretId)) throw new Error('It does not work today.');
    for (const { prefix, count, over } of holds) {
      if (event.SecretId.includes(`:secret:${prefix}`) && rotationsOf(prefix) >= count) await over;
    }
    return rotate(event, context);
  });
  const failing = local.registerFunction('failing', () => {
    throw new Error('It never works.');
  });
  const rotated: string[] = [];
  const rotationsOf: Fleet['rotationsOf'] = (prefix) =>
    rotated.filter((arn) => arn.includes(`:secret:${prefix}`)).length;
  // The test of a function, with which rotation is turned on, is no rotation.
  const ready = new Set<string>();
  const underWay = new Set<string>();
  const most = new Map<string, number>();
  local.on((one) => {
    if (!('secretArn' in one) || !ready.has(one.secretArn)) return;
    if (one.type === 'rotation-started') underWay.add(one.secretArn);
    if (one.type === 'rotation-failed' || one.type === 'rotation-succeeded') underWay.delete(one.secretArn);
    if (one.type === 'rotation-succeeded') rotated.push(one.secretArn);
    if (one.type !== 'rotation-started') return;
    const prefix = /:secret:([^/]+[/])/.exec(one.secretArn)?.[1] ?? '';
    const now = [...underWay].filter((arn) => arn.includes(`:secret:${prefix}`)).length;
    most.set(prefix, Math.max(most.get(prefix) ?? 0, now));
  });
  let users = 0;
  const newValue = (host: string): string => {
    users += 1;
    const username = `app-${users}`;
    const password = randomBytes(12).toString('base64url');
    passwords.set(`${username}@${host}`, password);
    return JSON.stringify({ engine: 'postgres', host, port: 5432, username, password, dbname: 'app' });
  };
  const add: Fleet['add'] = async (Name, host, kind = 'good') => {
    const value: { username: string } = JSON.parse(newValue(host));
    if (kind === 'lost') passwords.set(`${value.username}@${host}`, 'another');
    const { ARN = '' } = await client.send(
      new CreateSecretCommand({ Name, SecretString: JSON.stringify(value) }),
    );
    await client.send(
      new RotateSecretCommand({
        SecretId: ARN,
        RotationLambdaARN: functionArn,
        RotationRules: { AutomaticallyAfterDays: 30 },
        RotateImmediately: false,
      }),
    );
    await local.rotationsSettled(ARN);
    ready.add(ARN);
    if (kind !== 'failing') return ARN;
    // Only the rotation fails, not the test of the function.
    await client.send(
      new RotateSecretCommand({ SecretId: ARN, RotationLambdaARN: failing, RotateImmediately: false }),
    );
    await local.rotationsSettled(ARN);
    await client.send(new DescribeSecretCommand({ SecretId: ARN }));
    return ARN;
  };
  return {
    local,
    client,
    add,
    newValue,
    addMany: (prefix, count, hosts) =>
      Promise.all(
        Array.from({ length: count }, (_, index) =>
          add(`${prefix}${String(index).padStart(3, '0')}`, `db-${index % hosts}`),
        ),
      ),
    breakFor: (arn) => void broken.add(arn),
    mendFor: (arn) => void broken.delete(arn),
    mostAtOnce: (prefix) => most.get(prefix) ?? 0,
    holdAfter: (prefix, count) => {
      const { promise: over, resolve } = Promise.withResolvers<void>();
      const hold = { prefix, count, over };
      holds.add(hold);
      return () => {
        holds.delete(hold);
        resolve();
      };
    },
    rotationsOf,
    close: async () => {
      client.destroy();
      functionClient.destroy();
      await local.close();
    },
  };
}

interface Login {
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

function rotatorOf(passwords: Map<string, string>): Rotator {
  const keyOf = ({ username, host }: Login): string => `${username}@${host}`;
  return {
    kind: 'changes',
    name: 'postgres',
    engines: ['postgres'],
    overlap: 'none',
    changedBy: 'account',
    parse: ({ host, username, password }): Login => ({
      host: String(host),
      username: String(username),
      password: String(password),
    }),
    target: ({ host, username }: Login) => ({ host, account: username }),
    generate: async (_current: Login, { password }) => ({ password: password({}) }),
    open: async (login: Login) =>
      passwords.get(keyOf(login)) === login.password ? { close: async () => undefined } : undefined,
    change: async (_session, pending: Login) => {
      passwords.set(keyOf(pending), pending.password);
    },
  };
}
