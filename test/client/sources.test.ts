import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  createSecrets,
  lambdaExtension,
  type SecretEvent,
  type SecretSource,
  type SecretValue,
  secretsManager,
  secretsManagerAgent,
} from '../../src/client/index.ts';
import { allow, policy, startEnforcing, user } from '../local/access-harness.ts';
import { closedPort } from '../support/closed-port.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { startAgentStandIn } from './support/agent-stand-in.ts';

const isRefused = (error: unknown): boolean => error instanceof Error && error.message === 'refused';

/** A target that accepts only this password. */
function target(password: string) {
  return ({ fields, versionId }: SecretValue): string => {
    if (fields.password !== password) throw new Error('refused');
    return versionId;
  };
}

async function startAt(options: Parameters<typeof startFixture>[0] = { rotators: [] }) {
  const fixture = await startFixture(options);
  onTestFinished(() => fixture.close());
  return fixture;
}

/** Counts the operations at a fixture's Secrets Manager. */
function countCalls({ local }: RotationFixture): string[] {
  const calls: string[] = [];
  local.on((event) => {
    if (event.type === 'call') calls.push(event.operation);
  });
  return calls;
}

describe('Secrets Manager by the SDK', () => {
  it.each([
    ['is not there', undefined, 'SecretNotFound'],
    ['has no value', {}, 'SecretHasNoValue'],
    ['is binary', { SecretBinary: Buffer.from('geheim') }, 'SecretIsBinary'],
  ])('tells of a secret that %s by its code, and what to do', async (_what, input, code) => {
    const { client } = await startAt();
    if (input !== undefined) await client.send(new CreateSecretCommand({ Name: 'db', ...input }));
    const reading = createSecrets({ client }).secret('db').get();
    await expect(reading).rejects.toMatchObject({ code, name: code });
    await expect(reading).rejects.toThrow(/db .*\. \S.*\.$/);
    await expect(reading).rejects.not.toThrow('geheim');
  });

  it('tells of a secret that is marked for deletion, and reads it when it is restored', async () => {
    const { client } = await startAt();
    await client.send(new CreateSecretCommand({ Name: 'db', SecretString: '{"password":"one"}' }));
    await client.send(new DeleteSecretCommand({ SecretId: 'db' }));
    const secret = createSecrets({ client }).secret('db');
    await expect(secret.get()).rejects.toMatchObject({ code: 'SecretMarkedForDeletion' });
    await client.send(new RestoreSecretCommand({ SecretId: 'db' }));
    expect((await secret.get()).fields).toEqual({ password: 'one' });
  });

  it('says that nobody answers', async () => {
    const client = new SecretsManagerClient({
      endpoint: `http://127.0.0.1:${await closedPort()}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts: 1,
    });
    onTestFinished(() => client.destroy());
    await expect(createSecrets({ client }).secret('db').get()).rejects.toMatchObject({
      code: 'SecretsManagerFailed',
    });
  });

  it('shows nothing of an answer that is cut off, of which parsers quote a part', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
      response.end('{"ARN":"a","VersionId":"1","SecretString":geheim und mehr');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    const client = new SecretsManagerClient({
      endpoint: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts: 1,
    });
    onTestFinished(() => client.destroy());
    const secrets = createSecrets({ client });
    for (const reading of [secrets.secret('db').get(), secrets.preload(['a', 'b'])]) {
      const error: unknown = await reading.catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'SecretsManagerFailed' });
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain('geheim');
    }
  });

  it('needs no more than AWSCURRENT: where AWSPENDING may not be read, it is asked for once', async () => {
    const onlyCurrent = {
      Condition: { 'ForAnyValue:StringEquals': { 'secretsmanager:VersionStage': 'AWSCURRENT' } },
    };
    const reader = user('reader', {
      policies: [policy(allow('secretsmanager:GetSecretValue', onlyCurrent))],
    });
    await using harness = await startEnforcing([reader]);
    const admin = harness.as();
    const put = (password: string, stage: string) =>
      admin.send(
        new PutSecretValueCommand({
          SecretId: 'db',
          SecretString: JSON.stringify({ password }),
          VersionStages: [stage],
        }),
      );
    await admin.send(new CreateSecretCommand({ Name: 'db', SecretString: '{"password":"one"}' }));
    const events: SecretEvent[] = [];
    const secrets = createSecrets({
      client: harness.as(reader),
      onEvent: (event) => void events.push(event),
    });
    const secret = secrets.secret('db');
    await secret.get();
    for (const password of ['two', 'three']) {
      await put(password, 'AWSPENDING');
      const using = secret.use(target(password), { isRefused });
      setTimeout(() => void put(password, 'AWSCURRENT'), 200);
      await using;
    }
    const asked = events.filter((event) => event.type === 'read-failed');
    expect(asked).toMatchObject([{ stage: 'AWSPENDING', error: { code: 'AccessDenied' } }]);
  });

  it('tells that nothing may be read at all', async () => {
    const stranger = user('stranger');
    await using harness = await startEnforcing([stranger]);
    await harness.as().send(new CreateSecretCommand({ Name: 'db', SecretString: 'x' }));
    const secret = createSecrets({ client: harness.as(stranger) }).secret('db');
    await expect(secret.get()).rejects.toMatchObject({ code: 'AccessDenied' });
    await expect(secret.use(() => 1, { isRefused })).rejects.toMatchObject({ code: 'AccessDenied' });
  });

  it('reads one version, or the version with another label, on request', async () => {
    const fixture = await startAt();
    const { client } = fixture;
    const arn = await fixture.createSecret({ password: 'one' });
    const first = (await createSecrets({ client }).secret(arn).get()).versionId;
    await fixture.put(arn, { password: 'two' });
    const secrets = createSecrets({ client });
    const passwordOf = async (hints: object) => (await secrets.secret(arn, hints).get()).fields.password;
    expect(await passwordOf({ versionId: first })).toBe('one');
    expect(await passwordOf({ stage: 'AWSPREVIOUS' })).toBe('one');
    expect(await passwordOf({})).toBe('two');
  });
});

describe('many secrets at start', () => {
  it('are read with one call for 20, by names and ARNs, and are in the cache then', async () => {
    const fixture = await startAt();
    const names = Array.from({ length: 45 }, (_, index) => `many/${index}`);
    const arns: string[] = [];
    for (const Name of names) {
      const { ARN = '' } = await fixture.client.send(new CreateSecretCommand({ Name, SecretString: Name }));
      arns.push(ARN);
    }
    const calls = countCalls(fixture);
    const secrets = createSecrets({ client: fixture.client });
    const ids = names.map(
      (name, index) => [name, arns[index] ?? '', (arns[index] ?? '').slice(0, -7)][index % 3] ?? '',
    );
    await secrets.preload([...ids, ...ids]);
    expect(calls).toEqual(Array.from({ length: 3 }, () => 'BatchGetSecretValue'));
    const texts = await Promise.all(ids.map(async (id) => (await secrets.secret(id).get()).text));
    expect([texts, calls.length]).toEqual([names, 3]);
    await secrets.preload(ids);
    expect(calls).toHaveLength(3);
  });

  it('tell which could not be read, after all others were', async () => {
    const fixture = await startAt();
    const { client } = fixture;
    for (const Name of ['a', 'c']) await client.send(new CreateSecretCommand({ Name, SecretString: Name }));
    await client.send(new CreateSecretCommand({ Name: 'b', SecretBinary: Buffer.from('b') }));
    const secrets = createSecrets({ client });
    const preloading = secrets.preload(['a', 'b', 'nowhere', 'c']);
    await expect(preloading).rejects.toMatchObject({ code: 'SecretIsBinary' });
    const calls = countCalls(fixture);
    expect((await secrets.secret('c').get()).text).toBe('c');
    expect(calls).toEqual([]);
    await expect(secrets.preload(['a', 'nowhere'])).rejects.toMatchObject({ code: 'SecretNotFound' });
  });

  it('are read one by one if only that is allowed', async () => {
    const reader = user('reader', { policies: [policy(allow('secretsmanager:GetSecretValue'))] });
    await using harness = await startEnforcing([reader]);
    for (const Name of ['a', 'b'])
      await harness.as().send(new CreateSecretCommand({ Name, SecretString: Name }));
    const secrets = createSecrets({ client: harness.as(reader) });
    await secrets.preload(['a', 'b']);
    expect((await secrets.secret('b').get()).text).toBe('b');
  });
});

// With stand-ins that speak the documented protocol. Behind them is a local Secrets Manager, called by the real SDK.
describe.each([
  {
    kind: 'the Secrets Manager Agent',
    refreshes: true,
    source: (port: number, token: string): SecretSource => secretsManagerAgent({ port, token }),
  },
  {
    kind: 'the Lambda extension, where it knows refreshNow',
    refreshes: true,
    source: (port: number, token: string): SecretSource =>
      lambdaExtension({ environment: environmentOf(port, token), direct: false }),
  },
])('$kind', ({ refreshes, source }) => {
  async function start() {
    const fixture = await startAt();
    const agent = await startAgentStandIn(fixture.client, refreshes);
    onTestFinished(() => agent.stop());
    const arn = await fixture.createSecret({ password: 'one' });
    const secrets = createSecrets({ source: source(agent.port, agent.token), deadline: '2s' });
    return { fixture, agent, arn, secret: secrets.secret(arn) };
  }

  it('is read from its cache, and with refreshNow after a refusal', async () => {
    const { fixture, agent, arn, secret } = await start();
    expect((await secret.get()).fields).toEqual({ password: 'one' });
    await fixture.put(arn, { password: 'two' });
    await secret.use(target('two'), { isRefused });
    const id = encodeURIComponent(arn);
    expect(agent.queries).toEqual([
      `secretId=${id}&versionStage=AWSCURRENT`,
      `secretId=${id}&versionStage=AWSCURRENT&refreshNow=true`,
    ]);
  });

  it('gives AWSPENDING between the change and the move', async () => {
    const { fixture, arn, secret } = await start();
    await secret.get();
    const pending = await fixture.put(arn, { password: 'two' }, ['AWSPENDING']);
    expect(await secret.use(target('two'), { isRefused })).toBe(pending);
  });

  it('is waited for while it starts', async () => {
    const { agent, secret } = await start();
    agent.notReady = 3;
    expect((await secret.get()).fields).toEqual({ password: 'one' });
  });

  it("tells AWS's errors, and that its token was refused", async () => {
    const { agent, secret, fixture, arn } = await start();
    await fixture.client.send(new DeleteSecretCommand({ SecretId: arn }));
    await expect(secret.get()).rejects.toMatchObject({ code: 'SecretMarkedForDeletion' });
    agent.token = 'another';
    await expect(secret.get()).rejects.toThrow(/its token was refused/);
    await expect(secret.get()).rejects.not.toThrow(/the token of this function/);
  });

  it('says that nobody answers', async () => {
    const { agent, secret } = await start();
    await agent.stop();
    await expect(secret.get()).rejects.toThrow(`nothing answers at port ${agent.port}`);
  });
});

function environmentOf(port: number, token: string) {
  return { AWS_SESSION_TOKEN: token, PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: String(port) };
}

describe('the Lambda extension, whose cache can’t be refreshed', () => {
  it('is bypassed after a refusal, and read again later', async () => {
    const fixture = await startAt();
    const agent = await startAgentStandIn(fixture.client, false);
    onTestFinished(() => agent.stop());
    const arn = await fixture.createSecret({ password: 'one' });
    const direct = secretsManager(fixture.client);
    const source = lambdaExtension({ environment: environmentOf(agent.port, agent.token), direct });
    const secret = createSecrets({ source }).secret(arn);
    await secret.get();
    const pending = await fixture.put(arn, { password: 'two' }, ['AWSPENDING']);
    expect(await secret.use(target('two'), { isRefused })).toBe(pending);
    await fixture.put(arn, { password: 'three' });
    await secret.use(target('three'), { isRefused });
    expect(agent.calls).toBe(1);
  });

  it('needs the token that Lambda has for it', async () => {
    const secret = createSecrets({ source: lambdaExtension({ environment: {} }) }).secret('db');
    await expect(secret.get()).rejects.toMatchObject({ code: 'InvalidConfiguration', field: 'environment' });
  });
});

describe("the agent's token", () => {
  it('is read from its file, each time', async () => {
    const fixture = await startAt();
    const agent = await startAgentStandIn(fixture.client, true);
    const folder = await mkdtemp(join(tmpdir(), 'keyturn-token-'));
    onTestFinished(async () => {
      await agent.stop();
      await rm(folder, { recursive: true });
    });
    const file = join(folder, 'awssmatoken');
    await writeFile(file, `${agent.token}\n`);
    const arn = await fixture.createSecret({ password: 'one' });
    const source = secretsManagerAgent({ port: agent.port, token: pathToFileURL(file).href });
    const secret = createSecrets({ source }).secret(arn);
    await secret.get();
    agent.token = 'made when it was started again';
    await writeFile(file, agent.token);
    await secret.refresh();
    expect(agent.queries).toHaveLength(2);
    await rm(file);
    await expect(secret.refresh()).rejects.toMatchObject({ code: 'InvalidConfiguration', field: 'token' });
  });
});
