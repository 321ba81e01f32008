import { describe, expect, it } from 'vitest';
import { manualClock } from '../../src/local/index.ts';
import { clientOf, functionArn, plainRotation, start, temporaryFolder, token } from './harness.ts';

const hourMs = 3_600_000;
const day = 24 * hourMs;
const startMs = Date.UTC(2024, 0, 15, 10, 30);

async function startRotating(RotationRules: object, more = {}) {
  const clock = manualClock(startMs);
  const harness = await start({ clock, ...more });
  const { local, client } = harness;
  local.registerFunction('rotator', plainRotation(client));
  await client.createSecret({ Name: 'n', SecretString: 'v' });
  await client.rotateSecret({ SecretId: 'n', RotationLambdaARN: functionArn('rotator'), RotationRules });
  await local.rotationsSettled();
  const rotations = () =>
    harness.events.flatMap((event) => (event.type === 'rotation-started' ? [event.cause] : []));
  const advance = async (ms: number) => {
    await clock.advance(ms);
    await local.rotationsSettled();
  };
  const nextDate = async () =>
    (await client.describeSecret({ SecretId: 'n' })).NextRotationDate?.toISOString();
  return { ...harness, clock, rotations, advance, nextDate };
}

describe('a scheduled rotation', () => {
  it('happens when its window opens, again and again', async () => {
    const { client, rotations, advance, nextDate } = await startRotating({
      ScheduleExpression: 'rate(4 hours)',
    });
    expect(await nextDate()).toBe('2024-01-15T14:59:59.000Z');
    await advance(3.5 * hourMs - 1);
    expect(rotations()).toEqual(['request']);
    await advance(1);
    expect(rotations()).toEqual(['request', 'schedule']);
    expect(await nextDate()).toBe('2024-01-15T18:59:59.000Z');
    expect((await client.describeSecret({ SecretId: 'n' })).LastRotatedDate).toEqual(
      new Date('2024-01-15T14:00:00Z'),
    );
    for (let i = 0; i < 3; i++) await advance(4 * hourMs);
    expect(rotations()).toEqual(['request', 'schedule', 'schedule', 'schedule', 'schedule']);
  });

  it('shows the end of its window as the next date', async () => {
    const rules = { ScheduleExpression: 'cron(0 16 1,15 * ? *)', Duration: '2h' };
    const { client, nextDate } = await startRotating(rules);
    expect(await nextDate()).toBe('2024-01-15T17:59:59.000Z');
    expect((await client.describeSecret({ SecretId: 'n' })).RotationRules).toEqual({
      ...rules,
      AutomaticallyAfterDays: 1,
    });
  });

  it('in days starts anew after a value that was put by hand', async () => {
    const { client, clock, rotations, advance, nextDate } = await startRotating({
      AutomaticallyAfterDays: 10,
    });
    expect(await nextDate()).toBe('2024-01-25T23:59:59.000Z');
    await clock.advance(3 * day);
    await client.putSecretValue({ SecretId: 'n', SecretString: 'pending', VersionStages: ['mine'] });
    expect(await nextDate()).toBe('2024-01-25T23:59:59.000Z');
    await client.putSecretValue({ SecretId: 'n', SecretString: 'by hand' });
    expect(await nextDate()).toBe('2024-01-28T23:59:59.000Z');
    await advance(9 * day);
    expect(rotations()).toEqual(['request']);
    await advance(day);
    expect(rotations()).toEqual(['request', 'schedule']);
  });

  it('that failed leaves the dates of the last one that succeeded, also the next date, which is past then', async () => {
    const { local, client, advance, nextDate } = await startRotating({ AutomaticallyAfterDays: 1 });
    const before = await client.describeSecret({ SecretId: 'n' });
    local.registerFunction('rotator', () => Promise.reject(new Error('down')));
    await advance(3 * day);
    const after = await client.describeSecret({ SecretId: 'n' });
    expect(await nextDate()).toBe('2024-01-16T23:59:59.000Z');
    expect(after.LastRotatedDate).toEqual(before.LastRotatedDate);
    expect(after.LastChangedDate).toEqual(before.LastChangedDate);
    expect(after.RotationEnabled).toBe(true);
    expect(Object.values(after.VersionIdsToStages ?? {})).toContainEqual(['AWSPENDING']);
    local.registerFunction('rotator', plainRotation(client));
    await advance(day);
    expect(await nextDate()).toBe('2024-01-20T23:59:59.000Z');
  });

  it('that failed is taken up again at the next window, with its token', async () => {
    const { local, client, events, advance } = await startRotating({ AutomaticallyAfterDays: 1 });
    local.registerFunction('rotator', () => Promise.reject(new Error('down')));
    await advance(day);
    local.registerFunction('rotator', plainRotation(client));
    await advance(day);
    const scheduled = events.flatMap((e) =>
      e.type === 'rotation-started' && e.cause === 'schedule' ? [e.token] : [],
    );
    expect(scheduled).toHaveLength(2);
    expect(scheduled[0]).toBe(scheduled[1]);
    expect((await client.getSecretValue({ SecretId: 'n' })).VersionId).toBe(scheduled[0]);
  });

  it.each(['cancelRotateSecret', 'deleteSecret'] as const)('does not happen after %s', async (operation) => {
    const { local, client, rotations, advance } = await startRotating({ AutomaticallyAfterDays: 1 });
    await (operation === 'deleteSecret'
      ? client.deleteSecret({ SecretId: 'n' })
      : client.cancelRotateSecret({ SecretId: 'n' }));
    const described = await client.describeSecret({ SecretId: 'n' });
    expect(described).toMatchObject({ RotationEnabled: false, RotationRules: { AutomaticallyAfterDays: 1 } });
    expect(described).not.toHaveProperty('LastRotatedDate');
    expect(described).not.toHaveProperty('NextRotationDate');
    await advance(3 * day);
    await client.restoreSecret({ SecretId: 'n' });
    await advance(3 * day);
    expect(rotations()).toEqual(['request']);
    await client.rotateSecret({ SecretId: 'n' });
    await local.rotationsSettled();
    await advance(day);
    expect(rotations()).toEqual(['request', 'request', 'schedule']);
  });

  it('that was missed while nothing ran happens after the restart', async () => {
    const dataDirectory = await temporaryFolder();
    const { local } = await startRotating({ AutomaticallyAfterDays: 1 }, { dataDirectory });
    await local.close();
    const clock = manualClock(startMs + 30 * day);
    const again = await start({ dataDirectory, clock });
    again.local.registerFunction('rotator', plainRotation(again.client));
    await clock.advance(0);
    await again.local.rotationsSettled();
    expect(again.events.find((event) => event.type === 'rotation-started')).toMatchObject({
      cause: 'schedule',
    });
    expect((await again.client.describeSecret({ SecretId: 'n' })).LastRotatedDate).toEqual(
      new Date(startMs + 30 * day),
    );
  });

  it('that was under way when the process ended goes on after the restart', async () => {
    const dataDirectory = await temporaryFolder();
    const { local, client } = await start({ dataDirectory });
    const entered = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    local.registerFunction('rotator', () => {
      entered.resolve();
      return leave.promise;
    });
    await client.createSecret({ Name: 'n', SecretString: 'v' });
    await client.rotateSecret({
      SecretId: 'n',
      RotationLambdaARN: functionArn('rotator'),
      ClientRequestToken: token('two'),
    });
    await entered.promise;
    const closed = local.close();
    leave.resolve();
    await closed;
    const again = await start({ dataDirectory });
    again.local.registerFunction('rotator', plainRotation(clientOf(again.local)));
    await again.local.rotationsSettled('n');
    expect(again.events[0]).toMatchObject({
      type: 'rotation-started',
      cause: 'restart',
      token: token('two'),
    });
    expect((await again.client.getSecretValue({ SecretId: 'n' })).VersionId).toBe(token('two'));
  });
});
