import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  currentLabel,
  type Labels,
  labelsByVersion,
  labelsOf,
  moveLabel,
  pendingLabel,
  previousLabel,
  removeLabel,
  unfinishedRotation,
} from '../../src/local/labels.ts';

const version = fc.constantFrom('one', 'two', 'three', 'four');
const label = fc.constantFrom(currentLabel, pendingLabel, previousLabel, 'own');
const moves = fc.array(fc.tuple(label, version));

function applyAll(steps: readonly (readonly [string, string])[]): Labels {
  return steps.reduce<Labels>((labels, [name, id]) => moveLabel(labels, name, id), { [currentLabel]: 'one' });
}

describe('labels', () => {
  it('have one holder each, and AWSCURRENT always has one', () => {
    fc.assert(
      fc.property(moves, (steps) => {
        const holders = Object.values(labelsByVersion(applyAll(steps))).flat();
        expect(new Set(holders).size).toBe(holders.length);
        expect(holders).toContain(currentLabel);
      }),
    );
  });

  it('leave AWSPREVIOUS on the version that lost AWSCURRENT', () => {
    fc.assert(
      fc.property(moves, version, (steps, next) => {
        const before = applyAll(steps);
        const after = moveLabel(before, currentLabel, next);
        expect(after[currentLabel]).toBe(next);
        expect(after[previousLabel]).toBe(
          before[currentLabel] === next ? before[previousLabel] : before[currentLabel],
        );
      }),
    );
  });

  it('stay where they are when another one moves', () => {
    fc.assert(
      fc.property(moves, label, version, (steps, moved, next) => {
        const before = applyAll(steps);
        const after = moveLabel(before, moved, next);
        for (const name of [pendingLabel, 'own']) if (name !== moved) expect(after[name]).toBe(before[name]);
        expect(moveLabel(after, moved, next)).toEqual(after);
      }),
    );
  });

  it('are off every version once removed', () => {
    const labels = applyAll([
      [pendingLabel, 'two'],
      ['own', 'two'],
    ]);
    expect(labelsOf(removeLabel(labels, pendingLabel), 'two')).toEqual(['own']);
  });

  it('tell an unfinished rotation by AWSPENDING away from AWSCURRENT', () => {
    expect(unfinishedRotation({ [currentLabel]: 'one' })).toBeUndefined();
    expect(unfinishedRotation({ [currentLabel]: 'one', [pendingLabel]: 'one' })).toBeUndefined();
    expect(unfinishedRotation({ [currentLabel]: 'one', [pendingLabel]: 'two' })).toBe('two');
  });
});
