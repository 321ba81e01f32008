import assert from 'node:assert/strict';
import { contextOf, owner, type Subject, type Version } from './subject.ts';
import type { TestGroup } from './test-group.ts';

/** The promises of `revoke`. */
export const revoking: TestGroup = {
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

  'ends what a change has replaced, before the next change does, and twice as once': async (subject) => {
    const { rotator, overlap, first, generate, change, changer, using, withAdmin, opens, prove, skip } =
      subject;
    if (rotator.kind !== 'changes' || rotator.endReplaced === undefined)
      return skip('the rotator has no endReplaced');
    if (overlap === 'none') return skip('the change has ended it');
    const pending = await generate();
    await change(pending.fields);
    const by = changer({ using: pending.fields, current: pending.fields });
    const current = rotator.parse(pending.fields);
    const context = { ...contextOf(), using: rotator.parse(by), current };
    for (let time = 0; time < 2; time += 1) {
      await withAdmin(pending.fields, (admin) =>
        using(by, async (session) => rotator.endReplaced?.(session, current, { ...context, admin })),
      );
      assert.equal(await opens(first.fields), false, 'The old credential still works.');
      await prove(pending.fields);
    }
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
