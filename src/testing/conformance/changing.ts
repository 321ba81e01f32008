import assert from 'node:assert/strict';
import { contextOf } from './subject.ts';
import type { TestGroup } from './test-group.ts';

/** The promises of `change`. */
export const changing: TestGroup = {
  'has the target accept the pending credential': async ({ generate, change, prove }) => {
    const pending = await generate();
    await change(pending.fields);
    await prove(pending.fields);
  },

  'ends the old credential, or not, as overlap says': async ({ overlap, first, generate, change, opens }) => {
    const pending = await generate();
    await change(pending.fields);
    const works = await opens(first.fields);
    const isSaid = overlap === 'until-next-rotation';
    assert.equal(
      works,
      isSaid,
      `The old credential ${works ? 'still' : 'no longer'} works, and overlap says otherwise.`,
    );
  },

  'changes twice as it changes once': async ({ first, generate, change, opens, prove }) => {
    const pending = await generate();
    await change(pending.fields);
    const using = (await opens(first.fields)) ? first : pending;
    await change(pending.fields, { using: using.fields });
    await prove(pending.fields);
  },

  'changes once for two invocations at a time': async ({
    changing,
    first,
    generate,
    using,
    changer,
    prove,
  }) => {
    const rotator = changing();
    const pending = await generate();
    const [by, credential] = [changer(), rotator.parse(pending.fields)];
    const context = { ...contextOf(), using: rotator.parse(by), current: rotator.parse(first.fields) };
    const outcomes = await using(by, (one) =>
      using(by, (other) =>
        Promise.allSettled([one, other].map((session) => rotator.change(session, credential, context))),
      ),
    );
    assert.ok(
      outcomes.some(({ status }) => status === 'fulfilled'),
      'Neither of the two succeeded.',
    );
    await prove(pending.fields);
  },

  'changes by way of an older version when AWSCURRENT is refused': async (subject) => {
    const { first, generate, change, refused, prove } = subject;
    const pending = await generate();
    await change(pending.fields, { using: first.fields, current: refused(first.fields) });
    await prove(pending.fields);
  },
};

/** Tests of a change to each of these passwords. */
export function takingPasswords(passwords: readonly string[]): TestGroup {
  const tests = passwords.map((password): [string, TestGroup[string]] => [
    `takes the password ${JSON.stringify(password)}`,
    async ({ generate, change, prove, first }) => {
      const pending = await generate(first, { password });
      await change(pending.fields);
      await prove(pending.fields);
    },
  ]);
  return Object.fromEntries(tests);
}
