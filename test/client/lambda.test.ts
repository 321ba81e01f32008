import { Metrics } from '@aws-lambda-powertools/metrics';
import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import middy from '@middy/core';
import { afterEach, describe, expect, expectTypeOf, it, onTestFinished, vi } from 'vitest';
import {
  createParameters,
  createSecrets,
  createSecretsMiddleware,
  metricsListener,
  type SecretValue,
} from '../../src/client/index.ts';
import { lambdaContext } from '../support/lambda-context.ts';
import { startFixture } from '../support/rotation-fixture.ts';
import { awsError, scriptedSource } from './support/scripted-source.ts';

afterEach(() => vi.restoreAllMocks());

/** Calls a handler as Lambda does, which knows nothing of types. */
function invoke(
  handler: (...args: never[]) => unknown,
  event: object,
  awsRequestId: string,
): Promise<unknown> {
  return Promise.resolve(Reflect.apply(handler, undefined, [event, lambdaContext({ awsRequestId })]));
}

describe('the middleware for middy', () => {
  it('has the values ready in the context, typed, and reads once for many invocations', async () => {
    const source = scriptedSource();
    const secrets = createSecrets({ source });
    const handler = middy<{ order: number }>()
      .use(createSecretsMiddleware({ db: secrets.secret('db'), api: secrets.secret('api') }))
      .handler(async (event, context) => {
        expectTypeOf(context.secrets.db).toEqualTypeOf<SecretValue>();
        expectTypeOf(context.secrets).toEqualTypeOf<Readonly<Record<'db' | 'api', SecretValue>>>();
        expectTypeOf(context.awsRequestId).toBeString();
        return [event.order, context.secrets.db.fields.password, context.secrets.api.secretId];
      });
    for (const order of [1, 2, 3]) {
      expect(await invoke(handler, { order }, String(order))).toEqual([order, 'password of v1', 'api']);
    }
    expect(source.reads).toHaveLength(2);
  });

  it('gives each of several invocations at once its own values, even if a rotation comes between', async () => {
    const source = scriptedSource();
    const secret = createSecrets({ source }).secret('db');
    const gates = new Map<string, PromiseWithResolvers<void>>();
    const handler = middy()
      .use(createSecretsMiddleware({ db: secret }))
      .handler(async (_event, context) => {
        const before = context.secrets.db.versionId;
        await gates.get(context.awsRequestId)?.promise;
        return [before, context.secrets.db.versionId];
      });
    const begin = (id: string): Promise<unknown> => {
      gates.set(id, Promise.withResolvers());
      return invoke(handler, {}, id);
    };
    const first = begin('a');
    await expect.poll(() => source.reads.length).toBe(1);
    source.labels.AWSCURRENT = 'v2';
    await secret.refresh();
    const second = begin('b');
    gates.get('b')?.resolve();
    expect(await second).toEqual(['v2', 'v2']);
    gates.get('a')?.resolve();
    expect(await first).toEqual(['v1', 'v1']);
  });

  it('fails the invocation where a secret can not be read, by its typed error, and the next one reads again', async () => {
    const source = scriptedSource();
    source.failWith = () => awsError('AccessDeniedException');
    const handler = middy()
      .use(createSecretsMiddleware({ db: createSecrets({ source }).secret('db') }))
      .handler(async (_event, context) => context.secrets.db.versionId);
    await expect(invoke(handler, {}, 'a')).rejects.toMatchObject({ code: 'AccessDenied' });
    source.failWith = undefined;
    expect(await invoke(handler, {}, 'b')).toBe('v1');
  });

  it('lets a read that is under way end before Lambda freezes the process', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const source = scriptedSource();
    const secret = createSecrets({ source, maxAge: '1m', jitter: 0 }).secret('db');
    const handler = middy()
      .use(createSecretsMiddleware({ db: secret }))
      .handler(async (_event, context) => context.secrets.db.versionId);
    await invoke(handler, {}, 'a');
    source.labels.AWSCURRENT = 'v2';
    source.latencyMs = 40;
    vi.advanceTimersByTime(70_000);
    expect(await invoke(handler, {}, 'b')).toBe('v1');
    expect(source.reads).toHaveLength(2);
    expect((await secret.get()).versionId).toBe('v2');
  });
});

describe("Powertools' calls", () => {
  async function start(value: unknown) {
    const fixture = await startFixture({ rotators: [] });
    onTestFinished(() => fixture.close());
    const arn = await fixture.createSecret(value);
    const secrets = createSecrets({ client: fixture.client });
    // The expected results.
    const theirs = new SecretsProvider({ awsSdkV3Client: fixture.client });
    return { fixture, arn, ours: createParameters(secrets), theirs };
  }

  it('answer what Powertools answers', async () => {
    const { arn, ours, theirs } = await start({ username: 'app', list: [1] });
    const text = await ours.getSecret(arn);
    expectTypeOf(text).toBeString();
    expect(text).toBe(await theirs.get(arn));
    expect(await ours.getSecret(arn, { transform: 'json' })).toEqual(
      await theirs.get(arn, { transform: 'json' }),
    );
    const typed = await ours.get<{ username: string }>(arn, { transform: 'json' });
    expectTypeOf(typed).toEqualTypeOf<{ username: string }>();
    expect(typed.username).toBe('app');
  });

  it('decode base64 where they are told to, and null is null', async () => {
    const { arn, ours, theirs, fixture } = await start(Buffer.from('пароль').toString('base64'));
    const options = { transform: 'binary' } as const;
    expect(await ours.getSecret(arn, options)).toBe(await theirs.get(arn, options));
    await fixture.put(arn, 'null');
    expect(await ours.getSecret(arn, { transform: 'json', forceFetch: true })).toBeNull();
  });

  it('take the options of Powertools: age, force, version and label', async () => {
    const { arn, ours, theirs, fixture } = await start('one');
    expect(await ours.getSecret(arn)).toBe('one');
    await fixture.put(arn, 'two');
    expect(await ours.getSecret(arn)).toBe('one');
    expect(await ours.getSecret(arn, { maxAge: 60 })).toBe('one');
    const previous = { sdkOptions: { VersionStage: 'AWSPREVIOUS' } };
    expect(await ours.getSecret(arn, previous)).toBe(await theirs.get(arn, previous));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await ours.getSecret(arn, { maxAge: 0.01 })).toBe('two');
    await fixture.put(arn, 'three');
    expect(await ours.getSecret(arn, { forceFetch: true })).toBe('three');
    await fixture.put(arn, 'four');
    expect(await ours.getSecret(arn, { maxAge: 0 })).toBe('four');
    await fixture.put(arn, 'five');
    ours.clearCache();
    expect(await ours.getSecret(arn)).toBe('five');
  });

  it('have with `use` what Powertools has no call for', async () => {
    const { arn, ours, fixture } = await start('one');
    await ours.getSecret(arn);
    await fixture.put(arn, 'two');
    const open = ({ text }: SecretValue) => {
      if (text !== 'two') throw new Error('refused');
      return 'in';
    };
    const isRefused = (error: unknown) => error instanceof Error && error.message === 'refused';
    expect(await ours.use(arn, open, { isRefused })).toBe('in');
    expect(await ours.getSecret(arn)).toBe('two');
  });

  it('say by typed errors what is wrong, and quote no value', async () => {
    const { arn, ours } = await start('geheim');
    const transforming = ours.getSecret(arn, { transform: 'json' });
    await expect(transforming).rejects.toMatchObject({ code: 'MalformedSecret' });
    await expect(transforming).rejects.not.toThrow('geheim');
    await expect(ours.getSecret('nowhere')).rejects.toMatchObject({ code: 'SecretNotFound' });
    await expect(ours.getSecret(arn, { maxAge: -1 })).rejects.toMatchObject({ code: 'InvalidConfiguration' });
  });
});

describe("Powertools' metrics", () => {
  it('tell that a rotation was survived', async () => {
    const written: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((line) => {
      written.push(String(line));
      return true;
    });
    const metrics = new Metrics({ namespace: 'Orders', serviceName: 'orders' });
    const source = scriptedSource();
    const secret = createSecrets({ source, onEvent: metricsListener(metrics) }).secret('db');
    await secret.get();
    source.labels.AWSPENDING = 'v2';
    const open = ({ versionId }: SecretValue) =>
      versionId === 'v2' ? 1 : Promise.reject(new Error('refused'));
    await secret.use(open, { isRefused: () => true });
    source.failWith = () => awsError('InternalServiceError');
    await secret.refresh().catch(() => undefined);
    metrics.publishStoredMetrics();
    const { _aws, ...values } = JSON.parse(written.find((line) => line.startsWith('{')) ?? '{}');
    expect(_aws.CloudWatchMetrics[0].Namespace).toBe('Orders');
    expect(values).toEqual({
      service: 'orders',
      SecretRead: [1, 1, 1],
      SecretReadDuration: expect.any(Array),
      SecretReadFailed: 1,
      SecretRefreshed: 1,
      CredentialRefused: 1,
      RotationBridged: 1,
      RotationBridgeDuration: expect.any(Number),
    });
    expect(written.join()).not.toContain('password');
  });
});
