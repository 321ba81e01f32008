import assert from 'node:assert/strict';
import { contextOf, owner, type Subject, type Version } from './subject.ts';
import type { Theme } from './theme.ts';

/** The promises of `revoke`. */
export const revoking: Theme = {
  'ends the old credential, and no other': async (subject) => {
    const { revoke, pending } = await readyToRevoke(subject);
    await revoke();
    assert.equal(await subject.opens(subject.first.fields), false, 'The old credential still works.');
    await subject.prove(pending.fields);
  },

  'revokes twice as it revokes once': async (subject) => {
    const { revoke, pending } = await readyToRevoke(subject);
    await revoke();
    await revoke();
    await subject.prove(pending.fields);
  },
};

async function readyToRevoke({ rotator, first, admin, generate, change, skip }: Subject): Promise<{
  revoke(): Promise<void>;
  pending: Version;
}> {
  if (rotator.kind !== 'issues' || rotator.revoke === undefined) return skip('the rotator has no revoke');
  const pending = await generate();
  await change(pending.fields);
  return {
    pending,
    revoke: async () => {
      const current = rotator.parse(pending.fields);
      await rotator.revoke?.(rotator.parse(first.fields), { ...contextOf(), admin, owner, current });
    },
  };
}
