import { describe, expect, it } from 'vitest';
import { createActivity } from '../../src/console/activity.ts';
import { createInventory, findPage, type ListQuery, pageSize, stateOf } from '../../src/console/inventory.ts';
import type { Secret } from '../../src/secrets-manager/port.ts';

const now = Date.UTC(2026, 0, 15);
const dayMs = 86_400_000;
const query: ListQuery = { search: '', state: undefined, tag: undefined, sort: 'attention', page: 1 };

function secretNamed(name: string, more: Partial<Secret> = {}): Secret {
  return {
    arn: `arn:aws:secretsmanager:us-east-1:123456789012:secret:${name}-abcdef`,
    name,
    description: undefined,
    kmsKeyId: undefined,
    tags: new Map(),
    rotationEnabled: undefined,
    functionArn: undefined,
    rules: undefined,
    created: new Date(now - 10 * dayMs),
    changed: new Date(now - 10 * dayMs),
    lastRotated: undefined,
    nextRotation: undefined,
    deletedOn: undefined,
    owningService: undefined,
    primaryRegion: undefined,
    stages: { v1: ['AWSCURRENT'] },
    ...more,
  };
}

const on = { rotationEnabled: true, nextRotation: new Date(now + 9 * dayMs) };
const pending = { v1: ['AWSCURRENT'], v2: ['AWSPENDING'] };

describe('how a secret stands', () => {
  const activity = createActivity(() => now);
  it.each([
    ['healthy', on],
    ['healthy', { ...on, stages: { v1: ['AWSPREVIOUS'], v2: ['AWSCURRENT', 'AWSPENDING'] } }],
    ['due', { ...on, nextRotation: new Date(now + 3_600_000) }],
    ['overdue', { ...on, nextRotation: new Date(now - 1) }],
    ['stuck', { ...on, stages: pending }],
    ['stuck', { ...on, stages: pending, nextRotation: new Date(now - dayMs) }],
    ['stuck', { rotationEnabled: false, stages: pending }],
    ['rotating', { ...on, stages: pending, changed: new Date(now - 1_000) }],
    ['no-value', { ...on, stages: {} }],
    ['no-value', { stages: { v1: ['AWSPENDING'] } }],
    ['off', { rotationEnabled: false }],
    ['never', {}],
    ['deleted', { ...on, deletedOn: new Date(now), stages: pending }],
  ] as const)('%s', (state, more) => {
    expect(stateOf(secretNamed('a', more), activity, now)).toBe(state);
  });

  it('follows what was seen of its rotation', () => {
    const seen = createActivity(() => now);
    const secret = secretNamed('a', { ...on, stages: pending });
    const run = seen.begin(secret.arn, 'Rotation', true);
    expect(stateOf(secret, seen, now)).toBe('rotating');
    seen.end(run, 'failed', 'it did not work');
    expect(stateOf(secret, seen, now)).toBe('failed');
    seen.end(seen.begin(secret.arn, 'Rotation', true), 'succeeded');
    expect(stateOf({ ...secret, stages: { v2: ['AWSCURRENT'] } }, seen, now)).toBe('healthy');
  });
});

describe('a list of 10,000 secrets', () => {
  const secrets = Array.from({ length: 10_000 }, (_, index) =>
    secretNamed(`team-${index % 40}/service-${index}`, {
      ...on,
      tags: new Map([['team', String(index % 40)]]),
      ...(index === 7_777 && { stages: pending }),
      ...(index === 5_555 && { nextRotation: new Date(now - dayMs) }),
    }),
  );
  const activity = createActivity(() => now);
  const find = (more: Partial<ListQuery>) =>
    findPage({ secrets, listedAt: now }, { ...query, ...more }, activity, now);

  it('begins with what needs a person', () => {
    const page = find({});
    expect(page.rows.slice(0, 2).map(({ secret, state }) => [secret.name, state])).toEqual([
      ['team-17/service-7777', 'stuck'],
      ['team-35/service-5555', 'overdue'],
    ]);
    expect([page.rows.length, page.count, page.pages]).toEqual([pageSize, 10_000, 200]);
    expect(Object.fromEntries(page.states)).toEqual({ healthy: 9_998, stuck: 1, overdue: 1 });
  });

  it('finds by words, states and tags, and has every secret on one page', () => {
    expect(find({ search: 'SERVICE-123 team-3' }).count).toBe(11);
    expect(find({ state: 'stuck' }).count).toBe(1);
    expect(find({ tag: 'team=5' }).count).toBe(250);
    const names = new Set(
      Array.from({ length: 200 }, (_, page) =>
        find({ sort: 'name', page: page + 1 }).rows.map(({ secret }) => secret.name),
      ).flat(),
    );
    expect(names.size).toBe(10_000);
  });

  it('shows the last page where a later one is asked for', () => {
    expect(find({ page: 9_999 }).page).toBe(200);
    expect(find({ page: -1 }).page).toBe(1);
  });
});

describe('the list that is kept', () => {
  it('is there at once while a new one is listed, and tells how far that is', async () => {
    let finish = (): void => undefined;
    let told: (count: number) => void = () => undefined;
    let calls = 0;
    const inventory = createInventory(
      async (onPage) => {
        calls += 1;
        told = onPage;
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        return [secretNamed(`listed-${calls}`)];
      },
      60_000,
      () => undefined,
    );
    expect(await inventory.look(1)).toBeUndefined();
    told(300);
    expect(inventory.progress).toBe(300);
    const looking = inventory.look(10_000);
    finish();
    expect((await looking)?.secrets[0]?.name).toBe('listed-1');
    inventory.forget();
    expect((await inventory.look(1))?.secrets[0]?.name).toBe('listed-1');
    finish();
    expect((await inventory.look(10_000))?.secrets[0]?.name).toBe('listed-2');
    expect(calls).toBe(2);
  });

  it('says why it could not be listed, and tries again', async () => {
    let calls = 0;
    const inventory = createInventory(
      async () => {
        calls += 1;
        if (calls === 1) throw new Error('AccessDenied');
        return [];
      },
      60_000,
      () => undefined,
    );
    await expect(inventory.look(1_000)).rejects.toThrow('AccessDenied');
    expect((await inventory.look(1_000))?.secrets).toEqual([]);
  });
});
