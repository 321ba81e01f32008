import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { axisOf, positionOf, type SeenMove, timelineOf } from '../../src/console/timeline.ts';
import type { VersionDetails } from '../../src/secrets-manager/port.ts';

const now = 1_000_000;

function version(id: string, createdAt: number, ...labels: string[]): VersionDetails {
  return { id, labels, createdAt: new Date(createdAt), accessedAt: undefined, keys: [] };
}

describe('versions in time', () => {
  it('has AWSCURRENT go from version to version as they were made', () => {
    const versions = [version('c', 300, 'AWSCURRENT'), version('b', 200, 'AWSPREVIOUS'), version('a', 100)];
    const { rows, moves } = timelineOf(versions, [], now);
    expect(rows.map(({ current }) => current)).toEqual([
      { from: 300, to: undefined, isSeen: false },
      { from: 200, to: 300, isSeen: false },
      { from: 100, to: 200, isSeen: false },
    ]);
    expect(moves).toEqual([
      { at: 300, from: 1, to: 0 },
      { at: 200, from: 2, to: 1 },
    ]);
  });

  it('never has a pending version, nor one that was given up, as AWSCURRENT', () => {
    const stuck = [version('b', 200, 'AWSPENDING'), version('a', 100, 'AWSCURRENT')];
    expect(
      timelineOf(stuck, [], now).rows.map(({ current, isPending }) => [current?.from, isPending]),
    ).toEqual([
      [undefined, true],
      [100, false],
    ]);
    const givenUp = [version('b', 200), version('a', 100, 'AWSCURRENT')];
    expect(timelineOf(givenUp, [], now).rows[0]?.current).toBeUndefined();
  });

  it('takes what was seen over what is concluded', () => {
    const versions = [version('b', 200, 'AWSCURRENT'), version('a', 100, 'AWSPREVIOUS')];
    const seen: SeenMove[] = [
      { at: 210, before: { a: ['AWSCURRENT'] }, after: { a: ['AWSCURRENT'], b: ['AWSPENDING'] } },
      {
        at: 250,
        before: { a: ['AWSCURRENT'], b: ['AWSPENDING'] },
        after: { a: ['AWSPREVIOUS'], b: ['AWSCURRENT'] },
      },
    ];
    const { rows, moves } = timelineOf(versions, seen, now);
    expect(rows.map(({ current }) => current)).toEqual([
      { from: 250, to: undefined, isSeen: true },
      { from: 100, to: 250, isSeen: true },
    ]);
    expect(moves).toEqual([{ at: 250, from: 1, to: 0 }]);
  });

  it('leaves out old versions, and says how many', () => {
    const versions = Array.from({ length: 100 }, (_, index) =>
      version(String(index), 1_000 - index, ...(index === 0 ? ['AWSCURRENT'] : [])),
    );
    const { rows, leftOut } = timelineOf(versions, [], now);
    expect([rows.length, leftOut]).toEqual([12, 88]);
  });

  it('leaves room for the words at the start of the axis', () => {
    for (const ms of [61_000, 75_000, 600_001, 700_000, 90_000_000]) {
      const axis = axisOf({ startsAt: 0, endsAt: ms });
      for (const { place } of axis) expect(place).toBeGreaterThan(0.3);
    }
    expect(axisOf({ startsAt: 0, endsAt: 7_200_000 }).map(({ words }) => words)).toEqual(['10 min ago']);
  });

  it('has every moment on the picture, in its order', () => {
    const moment = fc.integer({ min: -10_000, max: 2_000_000 });
    fc.assert(
      fc.property(moment, moment, fc.integer({ min: 0, max: now }), (one, other, startsAt) => {
        const span = { startsAt, endsAt: now };
        const [a, b] = [positionOf(Math.min(one, other), span), positionOf(Math.max(one, other), span)];
        expect(a).toBeGreaterThanOrEqual(0);
        expect(b).toBeLessThanOrEqual(1);
        expect(a).toBeLessThanOrEqual(b);
        const places = axisOf(span).map(({ place }) => place);
        expect(places).toEqual(places.toSorted((x, y) => x - y));
      }),
    );
  });
});
