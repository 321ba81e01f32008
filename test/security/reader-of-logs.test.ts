import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { describeEvent } from '../../src/cli/local-events.ts';
import {
  createRotationHandler,
  defaultPasswordPolicy,
  generatePassword,
  isKeyturnError,
} from '../../src/index.ts';
import { createLambdaHandler } from '../../src/powertools.ts';
import { explainAwsError } from '../../src/secrets-manager/errors.ts';
import { startTestSecretsManager, type TestSecretsManager } from '../../src/testing/secrets.ts';
import { runKeyturnAlone } from '../cli/keyturn-process.ts';
import { deploy, rotateWith } from '../support/deployed.ts';
import { type Encoding, encodings, isReadable } from '../support/encodings.ts';
import { eventually } from '../support/eventually.ts';
import { lambdaContext } from '../support/lambda-context.ts';
import { startFixture } from '../support/rotation-fixture.ts';
import { accountApi, accountRoutes, robotSecret } from '../support/token-service/accounts.ts';
import { startTokenService } from '../support/token-service/server.ts';
import { type Leak, leakyRotator } from './leaky-rotator.ts';

/**
 * The attacker reads only logs, traces, metrics, errors and printed output. Servers and drivers say whatever they
 * like, with credentials in it, in any form.
 */

const strong = () => generatePassword({ ...defaultPasswordPolicy, excludeCharacters: '' });

/** An error with a text in every place that an error has. */
function errorWith(text: string): Error {
  const cause = Object.assign(new Error(`cause: ${text}`), {
    [text]: true,
    query: { text, values: [text, Buffer.from(text)] },
    [Symbol('hidden')]: text,
  });
  const error = new AggregateError([cause, new Error(text)], `the server said: ${text}`, { cause });
  error.stack = `Error: earlier ${text}\n    at ${text}\n${error.stack}`;
  error.name = `E${text}`;
  return Object.assign(error, { code: text, detail: text, config: { password: text } });
}

const context = lambdaContext();

it('an answer of Secrets Manager that was cut off is quoted nowhere', () => {
  let thrown: unknown;
  try {
    JSON.parse('a value that nobody has learned yet');
  } catch (error) {
    thrown = error;
  }
  const { message, cause } = explainAwsError(
    thrown,
    { action: 'secretsmanager:GetSecretValue', resource: 'prod/db' },
    'operator',
  );
  expect(String(thrown)).toContain('a value');
  expect([message, String(cause)].join()).not.toContain('a value');
});

describe('whoever reads logs, traces, metrics and errors', () => {
  let manager: TestSecretsManager;
  beforeAll(async () => {
    manager = await startTestSecretsManager();
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(() => manager.close());

  interface Stored {
    readonly arn: string;
    readonly event: { Step: string; SecretId: string; ClientRequestToken: string; RotationToken: string };
  }

  /** A secret whose rotation has come to setSecret. */
  async function store(current: string, pending: string): Promise<Stored> {
    const { client, local } = manager;
    const text = (client_secret: string, version: string) =>
      JSON.stringify({ engine: 'leaky', host: 'db.example.com', username: 'app', client_secret, version });
    const { ARN: arn = '' } = await client.send(
      new CreateSecretCommand({ Name: `prod/secret-${randomUUID()}`, SecretString: text(current, 'one') }),
    );
    const RotationLambdaARN = local.registerFunction('idle', () => undefined);
    const RotationRules = { AutomaticallyAfterDays: 30 };
    await client.send(
      new RotateSecretCommand({ SecretId: arn, RotationLambdaARN, RotationRules, RotateImmediately: false }),
    );
    await local.rotationsSettled(arn);
    const { VersionId = '' } = await client.send(
      new PutSecretValueCommand({
        SecretId: arn,
        SecretString: text(pending, 'two'),
        VersionStages: ['AWSPENDING'],
      }),
    );
    const RotationToken = randomUUID();
    return { arn, event: { Step: 'setSecret', SecretId: arn, ClientRequestToken: VersionId, RotationToken } };
  }

  /** Everything that an invocation of the Lambda function makes visible. */
  async function seenOf({ event }: Pick<Stored, 'event'>, leak: Leak): Promise<string[]> {
    const seen: string[] = [];
    const keep = (...parts: unknown[]): boolean => seen.push(parts.map(String).join(' ')) > 0;
    vi.spyOn(process.stdout, 'write').mockImplementation(keep);
    vi.spyOn(process.stderr, 'write').mockImplementation(keep);
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
      vi.spyOn(console, method).mockImplementation(keep);
    const handler = createLambdaHandler({}, (telemetry) =>
      createRotationHandler({
        rotators: [leakyRotator(leak)],
        client: manager.functionClient,
        telemetry: {
          ...telemetry,
          trace: (name, call) => {
            keep(name);
            return telemetry.trace(name, call);
          },
        },
      }),
    );
    const error = await handler(event, context).catch((thrown: unknown) => thrown);
    vi.restoreAllMocks();
    expect(isKeyturnError(error)).toBe(true);
    // What Lambda's runtime prints and answers, and more.
    seen.push(inspect(error, { depth: 20, showHidden: true, getters: true }));
    seen.push(error instanceof Error ? JSON.stringify({ ...error, stack: error.stack }) : '');
    expect(seen.length).toBeGreaterThan(4);
    return seen;
  }

  const leaks: Readonly<Record<string, (encode: Encoding) => Leak>> = {
    'in an error of the driver':
      (encode) =>
      async (_activity, { password }) => {
        throw errorWith(encode(password));
      },
    'in something thrown that is no error':
      (encode) =>
      async (_activity, { password }) => {
        throw { password, toString: () => encode(password) };
      },
    'in a note':
      (encode) =>
      async (_activity, { password }, { note }) => {
        note(`The server says ${encode(password)}.`);
        throw new Error('refused');
      },
  };

  describe.each(Object.entries(leaks))('%s', (_place, leakOf) => {
    it.each(Object.entries(encodings))('finds no credential: %s', async (_form, encode) => {
      const [current, pending] = [strong(), strong()];
      const stored = await store(current, pending);
      const seen = await seenOf(stored, leakOf(encode));
      for (const secret of [current, pending, stored.event.RotationToken])
        expect(seen.filter((text) => isReadable(text, secret, 10))).toEqual([]);
      // Masked, and not just silent.
      expect(seen.join('\n')).toContain('[redacted');
    });
  });

  it.each(['secret', 'prod', 'app', 'x', '12345', 'db.example.com'])(
    'does not learn from what is masked that the credential is %j',
    async (common) => {
      const leak: Leak = async (_activity, { password }) => {
        throw errorWith(`it is '${password}'`);
      };
      const stored = await store(common, common);
      const seen = (await seenOf(stored, leak)).join('\n');
      expect(seen).toContain(stored.arn);
      expect(seen).toContain('leaky could not change at db.example.com: [redacted]');
      expect(seen).not.toContain(`it is '${common}'`);
    },
  );

  it('finds nothing in what a preflight answers', async () => {
    const secret = strong();
    const { event } = await store(secret, secret);
    const seen = await seenOf({ event: { ...event, Step: 'preflight' } }, async () => undefined);
    expect(seen.filter((text) => isReadable(text, secret, 10))).toEqual([]);
  });

  it('finds nothing in events of the local Secrets Manager, nor in what keyturn local prints of them', async () => {
    const secret = strong();
    const { client, local } = manager;
    const { ARN: arn = '' } = await client.send(
      new CreateSecretCommand({ Name: randomUUID(), SecretString: JSON.stringify({ password: secret }) }),
    );
    const seen: string[] = [];
    const stop = local.on((event) => seen.push(JSON.stringify(event), describeEvent(event)));
    const RotationLambdaARN = local.registerFunction('of-somebody-else', ({ RotationToken }) => {
      throw new Error(`\u001b[2Jfailed with ${JSON.stringify(secret)}, ${RotationToken}`);
    });
    const RotationRules = { AutomaticallyAfterDays: 30 };
    await client.send(new RotateSecretCommand({ SecretId: arn, RotationLambdaARN, RotationRules }));
    await local.rotationsSettled(arn);
    stop();
    expect(seen.join('\n')).toMatch(/failed with "?\[redacted\]"?, \[redacted\]/);
    expect(seen.filter((text) => isReadable(text, secret, 10))).toEqual([]);
    expect(seen.some((text) => text.includes('\u001b[2J'))).toBe(false);
  });

  it.each([[], ['--json']])(
    "finds nothing in what keyturn attach prints of a function that is somebody else's: %s",
    async (...flags: string[]) => {
      const { client, local } = manager;
      const secret = strong();
      const fields = { engine: 'postgres', host: 'db.example.com', username: 'app', password: secret };
      const { ARN: arn = '' } = await client.send(
        new CreateSecretCommand({ Name: randomUUID(), SecretString: JSON.stringify(fields) }),
      );
      const functionArn = local.registerFunction('of-somebody-else', () => {
        throw new Error(`\u001b[2Jfailed with ${encodeURIComponent(secret)}`);
      });
      const { stdout, stderr } = await runKeyturnAlone(
        {},
        ...['attach', arn, '--function', functionArn, '--every', '30d', '--endpoint', local.url],
        ...flags,
      );
      expect(stdout + stderr).toContain('failed with [redacted]');
      expect(isReadable(stdout + stderr, secret, 10)).toBe(false);
      expect(stdout + stderr).not.toContain('\u001b[2J');
    },
  );
});

describe('whoever reads what Node.js prints by itself', () => {
  let manager: TestSecretsManager;
  beforeAll(async () => {
    manager = await startTestSecretsManager();
  });
  afterAll(() => manager.close());

  it.each([
    'a warning',
    'an error that nobody catches',
    'a frozen error that nobody catches',
    'a rejection that nobody handles',
    'a rejection that is no error',
  ])('finds no credential in %s', async (leak) => {
    const secret = strong();
    const { client, local } = manager;
    const SecretString = JSON.stringify({
      engine: 'leaky',
      host: 'h',
      username: 'app',
      client_secret: secret,
    });
    const { ARN: arn = '' } = await client.send(
      new CreateSecretCommand({ Name: randomUUID(), SecretString }),
    );
    const ended = Promise.withResolvers<string>();
    const RotationLambdaARN = local.registerFunction('leaky', async (event) => {
      if (event.Step === 'createSecret') {
        const VersionStages = ['AWSPENDING'];
        const { ClientRequestToken } = event;
        await client.send(
          new PutSecretValueCommand({ SecretId: arn, ClientRequestToken, SecretString, VersionStages }),
        );
        return;
      }
      const program = join(import.meta.dirname, 'leaky-process.ts');
      const run = promisify(execFile)(process.execPath, [program, local.url, leak, JSON.stringify(event)]);
      const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error);
      ended.resolve(stdout + stderr);
      throw new Error('It has failed.');
    });
    const RotationRules = { AutomaticallyAfterDays: 30 };
    await client.send(new RotateSecretCommand({ SecretId: arn, RotationLambdaARN, RotationRules }));
    const printed = await ended.promise;
    expect(printed).toContain(leak === 'a warning' ? 'is invalid' : 'lost [redacted]');
    expect(isReadable(printed, secret, 10)).toBe(false);
  });
});

describe('whoever reads traces', () => {
  it('finds no token that a call has in its path', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keyturn-traces-'));
    const [fixture, service] = await Promise.all([
      startFixture(),
      startTokenService((store) => {
        const routes = accountRoutes(store);
        return {
          ...routes,
          'GET /check/([^/]+)': ({ parts: [token] }) =>
            store.find(token) === undefined ? { status: 401 } : { status: 200, json: { name: 'robot' } },
        };
      }),
    ]);
    const daemon = createSocket('udp4');
    let traced = '';
    daemon.on('message', (message) => {
      traced += message.toString();
    });
    daemon.bind(0, '127.0.0.1');
    await once(daemon, 'listening');
    const api = accountApi('token');
    const apis = join(folder, 'apis.json');
    await writeFile(apis, JSON.stringify([{ ...api, verify: { ...api.verify, path: '/check/{token}' } }]));
    const deployed = deploy({
      SECRETS_MANAGER_ENDPOINT: fixture.local.url,
      KEYTURN_API_TOKENS_FILE: apis,
      KEYTURN_ROTATOR: 'api-token/service',
      POWERTOOLS_TRACE_ENABLED: 'true',
      AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}`,
      LAMBDA_TASK_ROOT: folder,
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      TMPDIR: folder,
    });
    try {
      const secret = robotSecret(service);
      const { arn, failure } = await rotateWith(fixture, deployed, secret);
      expect(failure).toBeUndefined();
      await eventually(() => expect(traced).toContain('"name":"api-token/service open"'));
      const tokens = [secret.token, (await fixture.read(arn)).token].map(String);
      for (const token of tokens) expect(isReadable(traced, token, 10)).toBe(false);
    } finally {
      deployed.stop();
      daemon.close();
      await Promise.all([fixture.close(), service.stop(), rm(folder, { recursive: true })]);
    }
  });
});
