import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSecrets, type SecretEvent, type SecretsOptions } from '../../src/client/index.ts';
import './support/loaded.ts';
import { inTime } from './support/in-time.ts';
import { answerOf, awsError, scriptedSource } from './support/scripted-source.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function start(options: SecretsOptions = {}, source = scriptedSource()) {
  const events: SecretEvent[] = [];
  const onEvent = (event: SecretEvent) => void events.push(event);
  const secrets = createSecrets({ source, jitter: 0, onEvent, ...options });
  return { source, secrets, events, secret: secrets.secret('db') };
}

const serviceFails = () => awsError('InternalServiceError');
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('the cache', () => {
  it('reads once for all who ask at once, and not again while the value is young', async () => {
    const { source, secret } = start();
    const values = await inTime(Promise.all(Array.from({ length: 50 }, () => secret.get())));
    await pass(299_000);
    values.push(await secret.get());
    expect(new Set(values).size).toBe(1);
    expect(source.reads).toEqual(['AWSCURRENT']);
  });

  it('gives the fields as the rotators read them, and the text as it is stored', async () => {
    const value = await inTime(start().secret.get());
    expect(value.fields).toEqual({ host: 'db.example', username: 'app', password: 'password of v1' });
    expect([value.versionId, value.form, value.text]).toEqual(['v1', 'json', answerOf('db', 'v1').text]);
  });

  it('hands an old value out while it reads a new one', async () => {
    const { source, secret, events } = start({ maxAge: '1m' });
    await inTime(secret.get());
    source.labels.AWSCURRENT = 'v2';
    await pass(61_000);
    expect((await secret.get()).versionId).toBe('v1');
    expect((await secret.get()).versionId).toBe('v1');
    await pass(10);
    expect((await secret.get()).versionId).toBe('v2');
    expect(source.reads).toHaveLength(2);
    expect(events).toContainEqual({
      type: 'refreshed',
      secretId: 'db',
      versionId: 'v2',
      previousVersionId: 'v1',
    });
  });

  it('waits for a read if the value is twice as old as maxAge', async () => {
    const { source, secret } = start({ maxAge: '1m' });
    await inTime(secret.get());
    source.labels.AWSCURRENT = 'v2';
    await pass(121_000);
    expect((await inTime(secret.get())).versionId).toBe('v2');
  });

  it('reads at a random earlier time, so that processes do not read at once, and never later', async () => {
    const ages: number[] = [];
    for (const chance of [0, 0.5, 0.999]) {
      vi.spyOn(Math, 'random').mockReturnValue(chance);
      const { source, secret } = start({ maxAge: '100s', jitter: 0.2 });
      await inTime(secret.get());
      const [readAt = 0] = source.readAt;
      while (source.reads.length < 2) {
        await secret.get();
        await pass(100);
      }
      ages.push(Math.round(((source.readAt[1] ?? 0) - readAt) / 1_000));
    }
    expect(ages).toEqual([100, 90, 80]);
  });

  it('notices by the wall clock that time has passed while the process was frozen', async () => {
    const { source, secret } = start({ maxAge: '1m' });
    await inTime(secret.get());
    source.labels.AWSCURRENT = 'v2';
    vi.setSystemTime(Date.now() + 3_600_000);
    expect((await inTime(secret.get())).versionId).toBe('v2');
  });

  it('does not keep a value for longer where the clock is set back', async () => {
    const { source, secret } = start({ maxAge: '1m' });
    await inTime(secret.get());
    source.labels.AWSCURRENT = 'v2';
    vi.setSystemTime(Date.now() - 86_400_000);
    await pass(121_000);
    expect((await inTime(secret.get())).versionId).toBe('v2');
  });

  it('reads anew by refresh, even if an earlier read is under way', async () => {
    const { source, secret } = start();
    await inTime(secret.get());
    const slow = secret.refresh();
    await pass(1);
    source.labels.AWSCURRENT = 'v2';
    const [earlier, later, shared] = await inTime(Promise.all([slow, secret.refresh(), secret.refresh()]));
    expect([earlier.versionId, later.versionId, shared.versionId]).toEqual(['v1', 'v2', 'v2']);
    expect(source.reads).toHaveLength(3);
  });

  it('keeps the newest answer if answers arrive out of order', async () => {
    const source = scriptedSource();
    source.readMany = async (ids) => {
      const answers = ids.map((id) => [id, answerOf(id, source.labels.AWSCURRENT ?? '')] as const);
      await new Promise((resolve) => setTimeout(resolve, 500));
      return new Map(answers);
    };
    const { secret, secrets } = start({}, source);
    const slow = secrets.preload(['db', 'other']);
    source.labels.AWSCURRENT = 'v2';
    expect((await inTime(secret.get())).versionId).toBe('v2');
    await inTime(slow);
    expect((await secret.get()).versionId).toBe('v2');
  });

  it('ends the wait of a caller by its signal, and the read goes on for the others', async () => {
    const { secret, source } = start();
    const leaving = new AbortController();
    const [left, stays] = [secret.get({ signal: leaving.signal }), secret.get()];
    leaving.abort(new Error('enough'));
    await expect(inTime(left)).rejects.toThrow('enough');
    expect((await inTime(stays)).versionId).toBe('v1');
    await expect(secret.get({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
    expect(source.reads).toHaveLength(1);
  });

  it('keeps a limited number of secrets: the least recently used one goes', async () => {
    const { source, secrets } = start({ maxSecrets: 2 });
    for (const id of ['a', 'b', 'a', 'c', 'a', 'b']) await inTime(secrets.secret(id).get());
    expect(source.requests.map(({ secretId }) => secretId)).toEqual(['a', 'b', 'c', 'b']);
  });

  it('reads a secret that was dropped again, through the same handle', async () => {
    const { secrets, source } = start({ maxSecrets: 1 });
    const first = secrets.secret('a');
    await inTime(first.get());
    await inTime(secrets.secret('b').get());
    source.labels.AWSCURRENT = 'v2';
    expect((await inTime(first.get())).versionId).toBe('v2');
    expect((await inTime(secrets.secret('a').get())).versionId).toBe('v2');
    expect(source.reads).toHaveLength(3);
  });

  it('reads a secret by each way of reading its text', async () => {
    const { secrets } = start();
    const renamed = secrets.secret('db', { fields: 'username=host' });
    expect((await inTime(renamed.get())).fields.username).toBe('db.example');
    const text = secrets.secret('db', { form: 'text' });
    expect((await inTime(text.get())).fields).toEqual({ password: answerOf('db', 'v1').text });
  });
});

describe('the cache where Secrets Manager fails', () => {
  it('uses a value until maxAge and maxStale are over, tells it, and then throws', async () => {
    const { source, secret, events } = start({ maxAge: '1m', maxStale: '10m' });
    await inTime(secret.get());
    source.failWith = serviceFails;
    for (let minute = 1; minute < 11; minute += 1) {
      await pass(60_000);
      expect((await inTime(secret.get())).versionId).toBe('v1');
    }
    await pass(60_000);
    await expect(inTime(secret.get())).rejects.toMatchObject({ code: 'SecretsManagerFailed' });
    const told = events.filter((event) => event.type === 'read-failed').map(({ staleForMs }) => staleForMs);
    expect(told[0]).toBeGreaterThan(500_000);
    expect(told.at(-1)).toBe(0);
  });

  it('uses it also where the failing read is the first after a long time', async () => {
    const { source, secret } = start({ maxAge: '1m' });
    await inTime(secret.get());
    source.failWith = serviceFails;
    await pass(1_800_000);
    expect((await inTime(secret.get())).versionId).toBe('v1');
    expect(source.reads).toHaveLength(2);
  });

  it('reads less and less often meanwhile, and is back with the first answer', async () => {
    const { source, secret } = start({ maxAge: '1s', maxStale: '1h' });
    await inTime(secret.get());
    source.failWith = serviceFails;
    for (let second = 0; second < 600; second += 1) {
      await pass(1_000);
      await inTime(secret.get());
    }
    expect(source.reads.length).toBeLessThan(50);
    source.failWith = undefined;
    source.labels.AWSCURRENT = 'v2';
    await pass(30_000);
    await secret.get();
    await pass(10);
    expect((await secret.get()).versionId).toBe('v2');
  });

  it('counts a read without an answer as failed', async () => {
    const { source, secret } = start({ readTimeout: '2s' });
    source.latencyMs = 3_600_000;
    const waiting = secret.get();
    waiting.catch(() => undefined);
    await pass(2_001);
    await expect(waiting).rejects.toThrow('db could not be read: Error: no answer within 2000 ms.');
    expect(source.requests[0]?.signal.aborted).toBe(true);
  });

  it.each([
    ['AccessDeniedException', 'no', 'AccessDenied'],
    ['ResourceNotFoundException', "Secrets Manager can't find the specified secret.", 'SecretNotFound'],
    [
      'InvalidRequestException',
      "You can't perform this operation on the secret because it was marked for deletion.",
      'SecretMarkedForDeletion',
    ],
  ])('uses no value beyond its age where the answer is %s', async (name, message, code) => {
    const { source, secret } = start({ maxAge: '1m' });
    await inTime(secret.get());
    source.failWith = () => awsError(name, message);
    await pass(61_000);
    await secret.get();
    await pass(10);
    await expect(inTime(secret.get())).rejects.toMatchObject({ code });
    source.failWith = undefined;
    expect((await inTime(secret.get())).versionId).toBe('v1');
  });

  it('never reads one secret more often in a second than it may', async () => {
    const { source, secret } = start({ readsPerSecond: 3 });
    source.failWith = serviceFails;
    const asking = Array.from({ length: 40 }, async () => {
      for (let time = 0; time < 5; time += 1) await secret.get().catch(() => undefined);
    });
    await inTime(Promise.all(asking));
    expect(mostInASecond(source.readAt)).toBeLessThanOrEqual(3);
    expect(source.reads.length).toBeGreaterThanOrEqual(5);
  });
});

function mostInASecond(times: readonly number[]): number {
  return Math.max(
    0,
    ...times.map((time) => times.filter((other) => other >= time && other < time + 1_000).length),
  );
}

describe('whatever happens in whatever order', () => {
  const maxAgeMs = 10_000;
  const maxStaleMs = 60_000;
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.integer({ min: 1, max: 15_000 }) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('get'), callers: fc.integer({ min: 1, max: 5 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('rotate') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('recover') }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('set back'), ms: fc.integer({ min: 1, max: 86_400_000 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('freeze'), ms: fc.integer({ min: 1, max: 120_000 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('slow'), ms: fc.integer({ min: 1, max: 4_000 }) }),
    },
  );

  it('hands out nothing older than it may, reads no more than it may, and one at a time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const { source, secret } = start({
          maxAge: maxAgeMs,
          maxStale: maxStaleMs,
          readsPerSecond: 2,
          jitter: 0.3,
        });
        // The time that the application experiences. Only the wall clock tells that a process was frozen. Once that clock
        // was set back, it tells nothing of freezes, not even of earlier ones.
        let frozenMs = 0;
        let isSetBack = false;
        const lived = () => performance.now() + frozenMs;
        const currentUntil = new Map<string, number>();
        let version = 1;
        let hasFailed = false;
        let atOnce = 0;
        let mostAtOnce = 0;
        const { read } = source;
        source.read = async (request) => {
          atOnce += 1;
          mostAtOnce = Math.max(mostAtOnce, atOnce);
          try {
            return await read(request);
          } finally {
            atOnce -= 1;
          }
        };
        const waiting: Promise<unknown>[] = [];
        for (const { kind, ms = 0, callers = 1 } of steps as {
          kind: string;
          ms?: number;
          callers?: number;
        }[]) {
          if (kind === 'pass') await pass(ms);
          if (kind === 'fail') {
            source.failWith = serviceFails;
            hasFailed = true;
          }
          if (kind === 'recover') source.failWith = undefined;
          if (kind === 'slow') source.latencyMs = ms;
          if (kind === 'set back') {
            vi.setSystemTime(Date.now() - ms);
            isSetBack = true;
            frozenMs = 0;
          }
          if (kind === 'freeze') {
            vi.setSystemTime(Date.now() + ms);
            if (!isSetBack) frozenMs += ms;
          }
          if (kind === 'rotate') {
            currentUntil.set(`v${version}`, lived());
            version += 1;
            source.labels.AWSCURRENT = `v${version}`;
          }
          if (kind !== 'get') continue;
          for (let caller = 0; caller < callers; caller += 1) {
            const askedAt = lived();
            const got = secret.get().then(
              ({ versionId }) => {
                const wasCurrentUntil = currentUntil.get(versionId) ?? askedAt;
                const oldest = hasFailed ? maxAgeMs + maxStaleMs : 2 * maxAgeMs;
                // A read may wait a second for its turn, and its answer takes up to four.
                expect(askedAt - wasCurrentUntil).toBeLessThanOrEqual(oldest + 5_000);
              },
              (error: unknown) => expect(error).toMatchObject({ code: 'SecretsManagerFailed' }),
            );
            waiting.push(got);
          }
        }
        source.failWith = undefined;
        await inTime(Promise.all(waiting));
        expect(mostAtOnce).toBeLessThanOrEqual(1);
        expect(mostInASecond(source.readAt)).toBeLessThanOrEqual(2);
      }),
      { numRuns: 100 },
    );
  });
});

describe('what is shown', () => {
  it('is never a value, by inspection, JSON, texts or errors', async () => {
    const source = scriptedSource();
    source.read = async () => ({
      ...answerOf('db', 'v1'),
      text: JSON.stringify({ password: 'geheim', nested: { list: ['geheim'], toJSON: 'geheim' } }),
    });
    const { secrets, secret, events } = start({}, source);
    const value = await secret.get();
    const { fields } = value;
    expect(fields.nested).toMatchObject({ list: ['geheim'] });
    const nested = Object(fields.nested);
    const everything = [
      value,
      secret,
      secrets,
      events,
      fields,
      nested,
      nested.list,
      { ...value, fields, value },
    ];
    for (const shown of everything) {
      const ways = [
        inspect(shown, { depth: null }),
        inspect(shown, { depth: null, showHidden: true, getters: true }),
        JSON.stringify(shown),
        Array.isArray(shown) ? '' : `${shown}`,
      ];
      expect(ways.join()).not.toContain('geheim');
    }
    expect(inspect(value)).toBe('SecretValue { db, version v1, AWSCURRENT }');
    expect(JSON.parse(JSON.stringify(value))).toEqual({
      secretId: 'db',
      arn: 'arn:of:db',
      versionId: 'v1',
      stage: 'AWSCURRENT',
    });
  });

  it('can not be changed by one who reads it', async () => {
    const { fields } = await inTime(start().secret.get());
    expect(() => Object.assign(fields, { host: 'elsewhere' })).toThrow(TypeError);
  });

  it('says by a typed error that a text is in no form, and gives the text', async () => {
    const source = scriptedSource();
    source.read = async () => ({ ...answerOf('db', 'v1'), text: 'geheim und kurz' });
    const value = await start({}, source).secret.get();
    expect(value.text).toBe('geheim und kurz');
    expect(() => value.fields).toThrow(expect.objectContaining({ code: 'MalformedSecret' }));
    expect(() => value.fields).not.toThrow('geheim');
  });

  it('breaks nothing where a listener throws', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const source = scriptedSource();
    const onEvent = () => {
      throw new Error('of the listener');
    };
    const { secret } = start({ onEvent }, source);
    expect((await inTime(secret.get())).versionId).toBe('v1');
    expect(warned).toHaveBeenCalledOnce();
  });
});

describe('options that make no sense', () => {
  it.each([
    { maxAge: 0 },
    { maxAge: -1 },
    { maxAge: Number.NaN },
    { maxAge: Number.POSITIVE_INFINITY },
    { maxStale: 0 },
    { deadline: 0 },
    { deadline: '0s' as const },
    { readTimeout: 0 },
    { readsPerSecond: 0 },
    { readsPerSecond: 1.5 },
    { maxSecrets: 0 },
    { jitter: 2 },
    { jitter: Number.NaN },
  ])('are refused: %o', (options) => {
    expect(() => createSecrets(options)).toThrow(
      expect.objectContaining({ code: 'InvalidConfiguration', field: Object.keys(options)[0] }),
    );
  });

  it('are refused for a secret: no name', () => {
    expect(() => start().secrets.secret('')).toThrow(
      expect.objectContaining({ code: 'InvalidConfiguration' }),
    );
  });
});
