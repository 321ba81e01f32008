import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createSecrets,
  type SecretEvent,
  type SecretsOptions,
  type SecretValue,
} from '../../src/client/index.ts';
import './support/loaded.ts';
import { inTime, timed } from './support/in-time.ts';
import { answerOf, awsError, scriptedSource } from './support/scripted-source.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

class Refusal extends Error {}
const isRefused = (error: unknown): boolean => error instanceof Refusal;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A target that lets some versions in, and counts. */
function target(...accepted: string[]) {
  const logins: string[] = [];
  const server = {
    accepted: new Set(accepted),
    logins,
    latencyMs: 2,
    refused: () => logins.filter((login) => login.endsWith(' refused')).length,
    open: async ({ versionId }: SecretValue): Promise<string> => {
      await new Promise((resolve) => setTimeout(resolve, server.latencyMs));
      const isIn = server.accepted.has(versionId);
      logins.push(`${versionId} ${isIn ? 'in' : 'refused'}`);
      if (!isIn) throw new Refusal(`refused ${versionId}`);
      return versionId;
    },
  };
  return server;
}

async function start(options: SecretsOptions = {}, source = scriptedSource()) {
  const events: SecretEvent[] = [];
  const onEvent = (event: SecretEvent) => void events.push(event);
  const secrets = createSecrets({ source, jitter: 0, onEvent, ...options });
  const secret = secrets.secret('db');
  await inTime(secret.get());
  source.reads.length = 0;
  source.readAt.length = 0;
  events.length = 0;
  return { source, secret, secrets, events };
}

const typesOf = (events: readonly SecretEvent[]) => events.map(({ type }) => type);

describe('a credential that is refused', () => {
  it('is replaced by the version that a fresh read finds: one read for 50 callers', async () => {
    const { source, secret, events } = await start();
    const server = target('v2');
    source.labels.AWSCURRENT = 'v2';
    const opened = await inTime(
      Promise.all(Array.from({ length: 50 }, () => secret.use(server.open, { isRefused }))),
    );
    expect(new Set(opened)).toEqual(new Set(['v2']));
    expect(source.reads).toEqual(['AWSCURRENT']);
    expect(server.refused()).toBe(50);
    expect(typesOf(events).filter((type) => type === 'bridged')).toHaveLength(50);
  });

  it('costs no read if a newer version is known already', async () => {
    const { source, secret } = await start();
    const server = target('v1', 'v2');
    server.latencyMs = 100;
    const slow = secret.use(server.open, { isRefused });
    await pass(10);
    source.labels.AWSCURRENT = 'v2';
    server.accepted.delete('v1');
    await inTime(secret.refresh());
    source.reads.length = 0;
    expect(await inTime(slow)).toBe('v2');
    expect(source.reads).toEqual([]);
  });

  it('is replaced by AWSPENDING between the change and the move, and the move costs no further read', async () => {
    const { source, secret, events } = await start();
    const server = target('v2');
    source.labels.AWSPENDING = 'v2';
    const opened = await inTime(
      Promise.all(Array.from({ length: 20 }, () => secret.use(server.open, { isRefused }))),
    );
    expect(new Set(opened)).toEqual(new Set(['v2']));
    expect(source.reads).toEqual(['AWSCURRENT', 'AWSPENDING']);
    expect(events.find((event) => event.type === 'bridged')).toMatchObject({
      versionId: 'v2',
      stage: 'AWSPENDING',
    });
    source.labels.AWSCURRENT = 'v2';
    delete source.labels.AWSPENDING;
    expect(await inTime(secret.use(server.open, { isRefused }))).toBe('v2');
    expect((await secret.get()).versionId).toBe('v2');
    expect([source.reads.length, server.refused()]).toEqual([2, 20]);
  });

  it('costs one read for each rotation if every refusal comes between the change and the move', async () => {
    const { source, secret } = await start();
    const server = target('v1');
    const rotateTo = async (version: string, isMoved: boolean) => {
      source.reads.length = 0;
      server.accepted = new Set([version]);
      if (isMoved) {
        source.labels.AWSCURRENT = version;
        delete source.labels.AWSPENDING;
      } else source.labels.AWSPENDING = version;
      expect(await inTime(secret.use(server.open, { isRefused }))).toBe(version);
      source.labels.AWSCURRENT = version;
      delete source.labels.AWSPENDING;
      return source.reads.map((stage) => stage.replace('AWS', '')).join(' ');
    };
    expect(await rotateTo('v2', false)).toBe('CURRENT PENDING');
    expect(await rotateTo('v3', false)).toBe('PENDING');
    expect(await rotateTo('v4', false)).toBe('PENDING');
    // The rotation has ended already. The client learns once that there is no AWSPENDING.
    expect(await rotateTo('v5', true)).toBe('PENDING CURRENT');
    expect(await rotateTo('v6', true)).toBe('CURRENT');
    expect(server.refused()).toBe(5);
  });

  it('is not led astray by a pending version that was left behind', async () => {
    const { source, secret } = await start();
    const server = target('v2');
    source.labels.AWSPENDING = 'v2';
    await inTime(secret.use(server.open, { isRefused }));
    // The rotation ended, another failed before it changed anything, and somebody has set a password by hand.
    source.labels.AWSPENDING = 'stuck';
    source.labels.AWSCURRENT = 'v3';
    server.accepted = new Set(['v3']);
    server.logins.length = 0;
    expect(await inTime(secret.use(server.open, { isRefused }))).toBe('v3');
    expect(server.logins).toEqual(['v2 refused', 'stuck refused', 'v3 in']);
    source.labels.AWSCURRENT = 'v4';
    server.accepted = new Set(['v4']);
    server.logins.length = 0;
    expect(await inTime(secret.use(server.open, { isRefused }))).toBe('v4');
    expect(server.logins).toEqual(['v3 refused', 'v4 in']);
  });

  it('is waited for if AWSPENDING may not be read, which is tried only once', async () => {
    const { source, secret } = await start();
    source.failWith = ({ stage }) => (stage === 'AWSPENDING' ? awsError('AccessDeniedException') : undefined);
    source.labels.AWSPENDING = 'v2';
    const server = target('v2');
    const using = secret.use(server.open, { isRefused });
    setTimeout(() => {
      source.labels.AWSCURRENT = 'v2';
    }, 400);
    const { value, tookMs } = await timed(() => using);
    expect(value).toBe('v2');
    expect(tookMs).toBeLessThan(1_500);
    expect(server.logins).toEqual(['v1 refused', 'v2 in']);
    server.accepted = new Set(['v3']);
    source.labels.AWSCURRENT = 'v2';
    source.labels.AWSPENDING = 'v3';
    setTimeout(() => {
      source.labels.AWSCURRENT = 'v3';
    }, 3_000);
    expect(await inTime(secret.use(server.open, { isRefused }))).toBe('v3');
    expect(source.reads.filter((stage) => stage === 'AWSPENDING')).toHaveLength(1);
  });

  it('is waited for if AWSPENDING is configured not to be read', async () => {
    const { source, secret } = await start({ pending: false });
    source.labels.AWSPENDING = 'v2';
    const server = target('v2');
    setTimeout(() => {
      source.labels.AWSCURRENT = 'v2';
    }, 250);
    expect(await inTime(secret.use(server.open, { isRefused }))).toBe('v2');
    expect(source.reads).not.toContain('AWSPENDING');
  });

  it('leads to a pending version that does not work yet, and on to AWSCURRENT', async () => {
    const { source, secret } = await start();
    source.labels.AWSPENDING = 'stuck';
    const server = target('v2');
    setTimeout(() => {
      source.labels.AWSCURRENT = 'v2';
    }, 300);
    expect(await inTime(secret.use(server.open, { isRefused }))).toBe('v2');
    expect(server.logins).toEqual(['v1 refused', 'stuck refused', 'v2 in']);
  });

  it('tries the pending version again once it is AWSCURRENT', async () => {
    const { source, secret } = await start();
    source.labels.AWSPENDING = 'v2';
    const server = target();
    setTimeout(() => {
      source.labels.AWSCURRENT = 'v2';
      server.accepted.add('v2');
    }, 300);
    expect(await inTime(secret.use(server.open, { isRefused }))).toBe('v2');
    expect(server.logins).toEqual(['v1 refused', 'v2 refused', 'v2 in']);
  });

  it('does not send a pending password to another host', async () => {
    const source = scriptedSource();
    const { read } = source;
    source.read = async (request) => {
      const answer = await read(request);
      return request.stage === 'AWSPENDING'
        ? { ...answer, text: answer.text.replace('db.example', 'elsewhere.example') }
        : answer;
    };
    const { secret } = await start({ deadline: '1s' }, source);
    source.labels.AWSPENDING = 'v2';
    const server = target('v2');
    await expect(inTime(secret.use(server.open, { isRefused }))).rejects.toThrow('refused v1');
    expect(server.logins).not.toContain('v2 in');
  });

  it('keeps the pending version that was let in, until AWSCURRENT has moved on to it', async () => {
    const { source, secret } = await start({ maxAge: '1m' });
    const server = target('v2');
    source.labels.AWSPENDING = 'v2';
    await inTime(secret.use(server.open, { isRefused }));
    for (let minute = 0; minute < 5; minute += 1) {
      await pass(61_000);
      expect(await inTime(secret.use(server.open, { isRefused }))).toBe('v2');
    }
    expect(source.reads.length).toBeGreaterThan(5);
    expect(server.refused()).toBe(1);
    // Moved back by an operator, who has set the old password again.
    server.accepted = new Set(['v1']);
    delete source.labels.AWSPENDING;
    expect(await inTime(secret.use(server.open, { isRefused }))).toBe('v1');
  });

  it('is tried once, whatever label it was read by', async () => {
    const { source, secret } = await start();
    const server = target('v2');
    source.labels.AWSPENDING = 'v2';
    await inTime(secret.use(server.open, { isRefused }));
    source.labels.AWSCURRENT = 'v2';
    source.labels.AWSPENDING = 'v3';
    server.accepted = new Set(['v3']);
    server.logins.length = 0;
    expect(await inTime(secret.use(server.open, { isRefused }))).toBe('v3');
    expect(server.logins).toEqual(['v2 refused', 'v3 in']);
  });

  it('stays refused although a login succeeds that began before the refusal', async () => {
    const { source, secret } = await start({ pending: false });
    const server = target('v2');
    const slowLogin = secret.use(() => new Promise((resolve) => setTimeout(resolve, 200)), { isRefused });
    await pass(10);
    const refused = secret.use(server.open, { isRefused });
    setTimeout(() => {
      source.labels.AWSCURRENT = 'v2';
    }, 300);
    await inTime(slowLogin);
    expect(await inTime(refused)).toBe('v2');
    expect(server.logins).toEqual(['v1 refused', 'v2 in']);
  });

  it('stays refused although a call succeeds that proves nothing, such as one on an old connection', async () => {
    const { source, secret } = await start({ pending: false });
    const server = target('v2');
    const refused = secret.use(server.open, { isRefused });
    await pass(50);
    await secret.use(() => 'an open connection', { isRefused, proves: () => false });
    setTimeout(() => {
      source.labels.AWSCURRENT = 'v2';
    }, 300);
    expect(await inTime(refused)).toBe('v2');
    expect(server.logins).toEqual(['v1 refused', 'v2 in']);
  });

  it('is not tried by a second caller right after it was refused to the first', async () => {
    const { source, secret } = await start({ pending: false });
    const server = target('v3');
    server.latencyMs = 100;
    const slow = secret.use(server.open, { isRefused });
    await pass(50);
    source.labels.AWSCURRENT = 'v2';
    await inTime(secret.refresh());
    server.latencyMs = 10;
    const quick = secret.use(server.open, { isRefused });
    setTimeout(() => {
      source.labels.AWSCURRENT = 'v3';
    }, 300);
    expect(await inTime(Promise.all([slow, quick]))).toEqual(['v3', 'v3']);
    expect(server.logins).toEqual(['v2 refused', 'v1 refused', 'v3 in', 'v3 in']);
  });

  it('looks for AWSPENDING again with each second look, since a rotation may begin meanwhile', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const { source, secret } = await start({ readsPerSecond: 50 });
    const server = target('v2');
    // Looks come after 0, 100, 300, 700 and 1500 ms.
    setTimeout(() => {
      source.labels.AWSPENDING = 'v2';
    }, 500);
    expect(await inTime(secret.use(server.open, { isRefused }))).toBe('v2');
    const [current, pending] = ['AWSCURRENT', 'AWSPENDING'];
    expect(source.reads).toEqual([current, pending, current, current, pending, current, current, pending]);
  });

  it('ends the wait of all callers as soon as one of them reads a newer version', async () => {
    const { source, secret } = await start({ pending: false });
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const server = target('v2');
    const waiting = Promise.all([1, 2, 3].map(() => secret.use(server.open, { isRefused })));
    // Their next look comes 1.6 s after this.
    await pass(1_550);
    source.labels.AWSCURRENT = 'v2';
    const { tookMs } = await timed(async () => {
      await secret.refresh();
      await waiting;
    });
    expect(tookMs).toBeLessThan(50);
  });

  it('survives a rotation that moves twice while somebody waits', async () => {
    const { source, secret } = await start({ pending: false });
    const server = target();
    setTimeout(() => {
      source.labels.AWSCURRENT = 'v2';
    }, 200);
    setTimeout(() => {
      source.labels.AWSCURRENT = 'v3';
      server.accepted.add('v3');
    }, 700);
    expect(await inTime(secret.use(server.open, { isRefused }))).toBe('v3');
    expect(server.logins).toEqual(['v1 refused', 'v2 refused', 'v3 in']);
  });

  it('shares the read that is under way when it is refused', async () => {
    const { source, secret } = await start({ maxAge: '1m' });
    const server = target('v2');
    source.labels.AWSCURRENT = 'v2';
    source.latencyMs = 300;
    await pass(61_000);
    const opened = await inTime(
      Promise.all(Array.from({ length: 20 }, () => secret.use(server.open, { isRefused }))),
    );
    expect(new Set(opened)).toEqual(new Set(['v2']));
    expect(source.reads).toEqual(['AWSCURRENT']);
  });

  it('is not stuck with the answer of a read that began before the move', async () => {
    const { source, secret } = await start({ maxAge: '1m' });
    const server = target('v2');
    source.latencyMs = 300;
    await pass(61_000);
    await secret.get();
    source.labels.AWSCURRENT = 'v2';
    source.latencyMs = 5;
    expect(await inTime(secret.use(server.open, { isRefused }))).toBe('v2');
    expect(server.logins).toEqual(['v1 refused', 'v2 in']);
  });

  it('bypasses the cache of a source that has one', async () => {
    const source = Object.assign(scriptedSource(), { caches: true });
    const { secret } = await start({}, source);
    source.labels.AWSCURRENT = 'v2';
    expect(await inTime(secret.use(target('v2').open, { isRefused }))).toBe('v2');
    expect(source.requests.map(({ fresh, refused }) => [fresh, refused])).toEqual([
      [false, undefined],
      [true, 'v1'],
    ]);
  });

  it('does not take an answer that comes from a cache for a fresh one', async () => {
    const source = Object.assign(scriptedSource(), { caches: true });
    const { secret } = await start({ maxAge: '1m' }, source);
    source.labels.AWSCURRENT = 'v2';
    const { read } = source;
    source.read = async (request) => {
      const answer = await read(request);
      return request.fresh ? answer : answerOf('db', 'v1');
    };
    source.latencyMs = 100;
    await pass(61_000);
    await secret.get();
    expect(await inTime(secret.use(target('v2').open, { isRefused }))).toBe('v2');
    expect(source.reads).toEqual(['AWSCURRENT', 'AWSCURRENT']);
  });
});

describe('a refusal that stays', () => {
  it("is the caller's own error, at the deadline, with few tries and reads for many callers", async () => {
    const { source, secret, events } = await start({ deadline: '5s' });
    const server = target();
    const errors: unknown[] = [];
    const { tookMs } = await timed(() =>
      Promise.all(
        Array.from({ length: 20 }, () =>
          secret.use(server.open, { isRefused }).catch((error) => errors.push(error)),
        ),
      ),
    );
    expect(errors).toHaveLength(20);
    expect(errors.every((error) => error instanceof Refusal && error.message === 'refused v1')).toBe(true);
    expect(tookMs).toBeGreaterThanOrEqual(5_000);
    expect(tookMs).toBeLessThan(5_500);
    expect(server.logins.length).toBeLessThanOrEqual(24);
    expect(source.reads.length).toBeLessThanOrEqual(16);
    expect(events.filter(({ type }) => type === 'refusal-stayed')).toHaveLength(20);
  });

  it('is told at once to those who come later, whatever the jitter, with one read in a second at most', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 8, maxLength: 8 }),
        fc.integer({ min: 1, max: 5 }),
        async (randoms, readsPerSecond) => {
          let count = 0;
          vi.spyOn(Math, 'random').mockImplementation(() => randoms[count++ % randoms.length] ?? 0);
          const { source, secret } = await start({ deadline: '2s', readsPerSecond });
          const server = target();
          const attempt = () => secret.use(server.open, { isRefused }).catch((error: Error) => error.message);
          await inTime(attempt());
          source.reads.length = 0;
          for (let time = 0; time < 40; time += 1) {
            const { value, tookMs } = await timed(attempt);
            expect(value).toBe('refused v1');
            expect(tookMs).toBeLessThan(50);
            await pass(100);
          }
          expect(source.reads.length).toBeLessThanOrEqual(10);
          source.labels.AWSCURRENT = 'v2';
          server.accepted.add('v2');
          await pass(1_000);
          expect(await inTime(attempt())).toBe('v2');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is waited for anew when it comes back after a while', async () => {
    const { source, secret } = await start({ deadline: '2s', pending: false });
    const server = target();
    const attempt = () => secret.use(server.open, { isRefused }).catch((error: Error) => error.message);
    await inTime(attempt());
    await pass(60_000);
    setTimeout(() => {
      source.labels.AWSCURRENT = 'v2';
      server.accepted.add('v2');
    }, 1_000);
    expect(await inTime(attempt())).toBe('v2');
  });

  it('ends when the target is late itself: the same version is tried again, now and then', async () => {
    const { secret } = await start();
    const server = target();
    setTimeout(() => server.accepted.add('v1'), 600);
    const opened = await inTime(
      Promise.all(
        Array.from({ length: 10 }, async () => {
          await secret.use(server.open, { isRefused });
          return performance.now();
        }),
      ),
    );
    // One caller tries, and the others follow its result.
    expect(Math.max(...opened) - Math.min(...opened)).toBeLessThan(20);
    expect(server.refused()).toBeLessThanOrEqual(12);
  });

  it('is no refusal where Secrets Manager fails meanwhile: it stays their own error', async () => {
    const { source, secret } = await start({ deadline: '1s' });
    source.failWith = () => awsError('InternalServiceError');
    await expect(inTime(secret.use(target().open, { isRefused }))).rejects.toThrow('refused v1');
  });

  it('is over as soon as Secrets Manager answers again', async () => {
    const { source, secret } = await start();
    source.failWith = () => awsError('InternalServiceError');
    source.labels.AWSCURRENT = 'v2';
    setTimeout(() => {
      source.failWith = undefined;
    }, 2_000);
    expect(await inTime(secret.use(target('v2').open, { isRefused }))).toBe('v2');
  });

  it('waits for as long as the caller says', async () => {
    const { secret } = await start();
    const { tookMs } = await timed(() =>
      secret.use(target().open, { isRefused, deadline: '300ms' }).catch(() => undefined),
    );
    expect(tookMs).toBeGreaterThanOrEqual(300);
    expect(tookMs).toBeLessThan(400);
  });
});

describe('what is the application’s own', () => {
  it('comes through unchanged: an error that is no refusal, also if it is not an Error', async () => {
    const { secret, source } = await start();
    for (const thrown of [new Error('ECONNREFUSED'), 'a text', undefined, null, { code: 1 }]) {
      const using = secret.use(() => Promise.reject(thrown), { isRefused });
      await expect(using).rejects.toBe(thrown);
    }
    const synchronous = new TypeError('thrown at once');
    const using = secret.use(
      () => {
        throw synchronous;
      },
      { isRefused },
    );
    await expect(using).rejects.toBe(synchronous);
    expect(source.reads).toEqual([]);
  });

  it('comes through unchanged: what isRefused throws', async () => {
    const { secret } = await start();
    const own = new Error('of isRefused');
    const using = secret.use(target().open, {
      isRefused: () => {
        throw own;
      },
    });
    await expect(inTime(using)).rejects.toBe(own);
  });

  it('comes through unchanged: what another try throws', async () => {
    const { secret, source } = await start();
    source.labels.AWSCURRENT = 'v2';
    const own = new Error('the network is gone');
    const using = secret.use(
      ({ versionId }) => Promise.reject(versionId === 'v1' ? new Refusal('v1') : own),
      { isRefused },
    );
    await expect(inTime(using)).rejects.toBe(own);
  });

  it('may return without a promise, and any value', async () => {
    const { secret } = await start();
    await expect(secret.use(({ versionId }) => versionId, { isRefused })).resolves.toBe('v1');
    await expect(secret.use(() => undefined, { isRefused })).resolves.toBeUndefined();
  });

  it('ends a wait by its signal, with its reason, and others go on', async () => {
    const { secret, source } = await start();
    const server = target('v2');
    const leaving = new AbortController();
    const left = secret.use(server.open, { isRefused, signal: leaving.signal });
    const stays = secret.use(server.open, { isRefused });
    await pass(50);
    leaving.abort(new Error('enough'));
    await expect(inTime(left)).rejects.toThrow('enough');
    source.labels.AWSCURRENT = 'v2';
    expect(await inTime(stays)).toBe('v2');
    await expect(
      secret.use(server.open, { isRefused, signal: AbortSignal.abort(new Error('before')) }),
    ).rejects.toThrow('before');
  });

  it.each([
    [{ isRefused, deadline: 0 }],
    [{ isRefused, deadline: '0ms' as const }],
    [{ isRefused, deadline: -5 }],
  ])('gets a typed error for a deadline that makes no sense: %o', async (options) => {
    const { secret } = await start();
    const server = target('v1');
    await expect(secret.use(server.open, options)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      field: 'deadline',
    });
    expect(server.logins).toEqual([]);
  });

  it('gets a typed error if isRefused is missing', async () => {
    const { secret } = await start();
    const options: Record<string, never> = {};
    await expect(Reflect.apply(secret.use, secret, [() => 1, options])).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    });
    await expect(Reflect.apply(secret.use, secret, [() => 1])).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    });
  });
});

describe('whatever becomes of rotations', () => {
  /** A rotation: when it begins after the one before, its gap, whether its pending version can be read; all in ms. */
  const rotation = fc.record({
    after: fc.integer({ min: 1, max: 20_000 }),
    gap: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3_000 })),
    pendingEarly: fc.integer({ min: 0, max: 500 }),
    keepsLabel: fc.boolean(),
  });

  it('no application notices, whatever their gap, and reads stay within their limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(rotation, { minLength: 1, maxLength: 6 }),
        fc.record({
          mayReadPending: fc.boolean(),
          readMs: fc.integer({ min: 1, max: 200 }),
          loginMs: fc.integer({ min: 1, max: 300 }),
          callers: fc.integer({ min: 1, max: 6 }),
          pauseMs: fc.integer({ min: 1, max: 2_000 }),
          maxAge: fc.integer({ min: 500, max: 60_000 }),
        }),
        async (rotations, { mayReadPending, readMs, loginMs, callers, pauseMs, maxAge }) => {
          const { source, secret } = await start({ maxAge, readsPerSecond: 5, deadline: '20s' });
          const server = target('v1');
          source.latencyMs = readMs;
          server.latencyMs = loginMs;
          if (!mayReadPending) {
            source.failWith = ({ stage }) =>
              stage === 'AWSPENDING' ? awsError('AccessDeniedException') : undefined;
          }
          let isOver = false;
          const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
          const rotating = async () => {
            for (const [index, { after, gap, pendingEarly, keepsLabel }] of rotations.entries()) {
              const version = `v${index + 2}`;
              await wait(after);
              source.labels.AWSPENDING = version;
              await wait(pendingEarly);
              server.accepted = new Set([version]);
              await wait(gap);
              source.labels.AWSCURRENT = version;
              if (!keepsLabel) delete source.labels.AWSPENDING;
            }
            isOver = true;
          };
          const applications = Array.from({ length: callers }, async () => {
            while (!isOver) {
              await secret.use(server.open, { isRefused });
              await wait(pauseMs);
            }
          });
          await inTime(Promise.all([rotating(), ...applications]));
          const { readAt } = source;
          const most = readAt.map((time) => readAt.filter((at) => at >= time && at < time + 1_000).length);
          expect(Math.max(0, ...most)).toBeLessThanOrEqual(5);
        },
      ),
      { numRuns: 60 },
    );
  });
});
