import { randomUUID } from 'node:crypto';
import { tokenRotator } from './memory-rotators.ts';
import type { Mutant } from './mutants.ts';

/** Faults that rotators of tokens are known to have. */
export const mintingMutants: readonly Mutant[] = [
  {
    fault: 'labels what it mints with nothing that a sweep could find',
    rotator: {
      ...tokenRotator,
      generate: (current, context) =>
        tokenRotator.generate(current, { ...context, owner: 'somebody', requestToken: randomUUID() }),
    },
    failing: ['mints anew when it is repeated, and a sweep leaves what is needed and nothing else'],
  },
  {
    fault: 'sweeps away what is needed',
    rotator: {
      ...tokenRotator,
      sweep: async (current, context) => tokenRotator.sweep?.(current, { ...context, needed: [] }),
    },
    failing: [
      'mints anew when it is repeated, and a sweep leaves what is needed and nothing else',
      'rotates three times, with no login refused',
    ],
  },
  {
    fault: 'revokes nothing',
    rotator: { ...tokenRotator, revoke: async () => undefined },
    failing: ['ends the old credential, and no other'],
  },
  {
    fault: 'can not revoke twice',
    rotator: {
      ...tokenRotator,
      revoke: async (old, context) => {
        const session = await tokenRotator.open(old, context);
        if (session === undefined) throw new Error('There is no such token.');
        await session.ask({ op: 'revoke', password: old.password });
        await session.close();
      },
    },
    failing: ['revokes twice as it revokes once'],
  },
];
