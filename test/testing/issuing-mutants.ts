import { randomUUID } from 'node:crypto';
import { tokenRotator } from './memory-rotators.ts';
import type { Mutant } from './mutants.ts';

/** Faults that rotators of tokens are known to have. */
export const issuingMutants: readonly Mutant[] = [
  {
    fault: 'labels what it issues with nothing that could be found again',
    rotator: {
      ...tokenRotator,
      issue: (current, context) =>
        tokenRotator.issue(current, { ...context, owner: 'somebody', requestToken: randomUUID() }),
    },
    failing: ['issues anew when it is repeated, and revokes the orphans and nothing that is needed'],
  },
  {
    fault: 'revokes as orphans what is needed',
    rotator: {
      ...tokenRotator,
      revokeOrphans: async (current, context) =>
        tokenRotator.revokeOrphans?.(current, { ...context, needed: [] }),
    },
    failing: [
      'issues anew when it is repeated, and revokes the orphans and nothing that is needed',
      'ends well when each event is delivered again',
      'ends well when each event is delivered twice at once',
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
    // Only if both invocations revoke.
    mayFail: ['ends well when each event is delivered twice at once'],
  },
];
