import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Theme } from './theme.ts';

/** What `generate` promises. Core writes what it returns into the secret, and reads that again. */
export const generating: Theme = {
  'generates for the same target': async ({ rotator, first, generate }) => {
    const pending = await generate();
    const [before, after] = [first, pending].map(({ fields }) => rotator.target(rotator.parse(fields)));
    assert.deepEqual(after, before);
  },

  'generates without ending the current credential': async ({ first, generate, prove }) => {
    await generate();
    await prove(first.fields);
  },

  'never generates the same twice': async ({ first, generate }) => {
    const [one, other] = [await generate(), await generate()];
    assert.notDeepEqual(one.fields, first.fields);
    assert.notDeepEqual(one.fields, other.fields);
  },

  'leaves nothing alive that no version holds when it is repeated': async (subject) => {
    const { account, first, generate, skip } = subject;
    if (account.strays === undefined) return skip('the account can not tell strays, so nothing is minted');
    const requestToken = randomUUID();
    await generate(first, { requestToken });
    const pending = await generate(first, { requestToken });
    assert.equal(await account.strays([first.fields, pending.fields]), 0);
  },
};
