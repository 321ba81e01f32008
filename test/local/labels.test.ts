import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CURRENT,
  type Labels,
  labelsByVersion,
  labelsOf,
  moveLabel,
  PENDING,
  PREVIOUS,
  removeLabel,
  unfinishedRotation,
} from '../../src/local/labels.ts';

const version = fc.constantFrom('one', 'two', 'three', 'four');
const label = fc.constantFrom(CURRENT, PENDING, PREVIOUS, 'own');
const moves = fc.array(fc.tuple(label, version));

function applyAll(steps: readonly (readonly [string, string])[]): Labels {
  return steps.reduce<Labels>((labels, [name, id]) => moveLabel(labels, name, id), { [CURRENT]: 'one' });
}

describe('labels', () => {
  it('have one holder each, and AWSCURRENT always has one', () => {
    fc.assert(
      fc.property(moves, (steps) => {
        const holders = Object.values(labelsByVersion(applyAll(steps))).flat();
        expect(new Set(holders).size).toBe(holders.length);
        expect(holders).toContain(CURRENT);
      }),
    );
  });

  it('leave AWSPREVIOUS on the version that lost AWSCURRENT', () => {
    fc.assert(
      fc.property(moves, version, (steps, next) => {
        const before = applyAll(steps);
        const after = moveLabel(before, CURRENT, next);
        expect(after[CURRENT]).toBe(next);
        expect(after[PREVIOUS]).toBe(before[CURRENT] === next ? before[PREVIOUS] : before[CURRENT]);
      }),
    );
  });

  it('stay where they are when another one moves', () => {
    fc.assert(
      fc.property(moves, label, version, (steps, moved, next) => {
        const before = applyAll(steps);
        const after = moveLabel(before, moved, next);
        for (const name of [PENDING, 'own']) if (name !== moved) expect(after[name]).toBe(before[name]);
        expect(moveLabel(after, moved, next)).toEqual(after);
      }),
    );
  });

  it('are off every version once removed', () => {
    const labels = applyAll([
      [PENDING, 'two'],
      ['own', 'two'],
    ]);
    expect(labelsOf(removeLabel(labels, PENDING), 'two')).toEqual(['own']);
  });

  it('tell an unfinished rotation by AWSPENDING away from AWSCURRENT', () => {
    expect(unfinishedRotation({ [CURRENT]: 'one' })).toBeUndefined();
    expect(unfinishedRotation({ [CURRENT]: 'one', [PENDING]: 'one' })).toBeUndefined();
    expect(unfinishedRotation({ [CURRENT]: 'one', [PENDING]: 'two' })).toBe('two');
  });
});
