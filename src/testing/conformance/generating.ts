import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { contextOf, owner } from './subject.ts';
import type { TestGroup } from './test-group.ts';

/** The promises of `generate`. The core writes its fields into the secret and reads that again. */
export const generating: TestGroup = {
  'generates for the same target': async ({ rotator, first, generate }) => {
    const pending = await generate();
    const [before, after] = [first, pending].map(({ fields }) => rotator.target(rotator.parse(fields)));
    assert.deepEqual(after, before);
  },

  'generates without ending the current credential': async ({ first, generate, prove }) => {
    await generate();
    await prove(first.fields);
  },

  'never generates the same twice': async ({ rotator, first, generate }) => {
    const [one, other] = [await generate(), await generate()];
    // assert.notDeepEqual would print the values.
    assert.ok(!isDeepStrictEqual(one.fields, first.fields), 'It generates the current credential again.');
    assert.ok(!isDeepStrictEqual(one.fields, other.fields), 'It generates the same twice.');
    if (rotator.kind !== 'issues' || rotator.identity === undefined) return;
    const [current, pending] = [first, one].map(({ fields }) => rotator.identity?.(rotator.parse(fields)));
    // The core would revoke neither of them.
    assert.ok(!isDeepStrictEqual(current, pending), 'A new credential has the identity of the current one.');
  },

  'issues anew when it is repeated, and revokes the orphans and nothing that is needed': async (subject) => {
    const { rotator, account, first, admin, generate, opens, skip } = subject;
    if (account.countOrphans === undefined)
      return skip('the account can not tell orphans, so nothing is issued');
    if (rotator.kind !== 'issues' || rotator.revokeOrphans === undefined)
      return skip('the rotator has no revokeOrphans');
    const requestToken = randomUUID();
    const lost = await generate(first, { requestToken });
    const pending = await generate(first, { requestToken });
    assert.ok(!isDeepStrictEqual(lost.fields, pending.fields), 'It issues the same twice.');
    const needed = [first, pending].map(({ fields }) => rotator.parse(fields));
    const context = { ...contextOf(), admin, owner, needed };
    await rotator.revokeOrphans(rotator.parse(first.fields), context);
    await rotator.revokeOrphans(rotator.parse(first.fields), context);
    const orphans = await account.countOrphans([first.fields, pending.fields]);
    assert.equal(orphans, 0, `revokeOrphans has left ${orphans}: label what issue makes with the owner.`);
    assert.deepEqual([await opens(first.fields), await opens(pending.fields)], [true, true]);
  },
};
