import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSuite } from './collecting-runner.ts';
import { issuingMutants } from './issuing-mutants.ts';
import { type MemoryTokenRotator, memoryHarness, passwordRotator, tokenRotator } from './memory-rotators.ts';
import { type MemoryTarget, startMemoryTarget } from './memory-target.ts';
import { mutants } from './mutants.ts';

let target: MemoryTarget;
beforeAll(async () => {
  target = await startMemoryTarget();
});
afterAll(() => target.stop());

const givenUpAt = (...messages: number[]): string[] =>
  messages.map((at) => `leaves a credential that works when a change is given up at its message ${at}`);

const ending = 'ends what a change has replaced, before the next change does, and twice as once';

describe('the conformance kit', () => {
  it('passes a sound rotator of passwords, and skips what it does not do', async () => {
    const { failed, skipped } = await runSuite(memoryHarness(target, passwordRotator));
    expect(failed).toEqual([]);
    const revoking = ['ends the old credential, and no other', 'revokes twice as it revokes once'];
    const issuing = 'issues anew when it is repeated, and revokes the orphans and nothing that is needed';
    expect(skipped.sort()).toEqual([...givenUpAt(2, 3, 5, 8, 13), ...revoking, issuing, ending].sort());
  });

  it('passes a sound rotator of tokens, and skips what it does not do', async () => {
    const { failed, skipped } = await runSuite(memoryHarness(target, tokenRotator));
    expect(failed).toEqual([]);
    const unanswered = 'gives up a change that gets no answer when the signal fires';
    const broken = 'shows no secret value when the connection breaks during a change';
    const twice = 'changes once for two invocations at a time';
    expect(skipped.sort()).toEqual(
      [...givenUpAt(1, 2, 3, 5, 8, 13), unanswered, broken, twice, ending].sort(),
    );
  });

  it('names the secret to a rotator in the form that the contract promises', async () => {
    const check = ({ owner }: { readonly owner: string }): void => {
      if (!/^[0-9a-f]{12}$/.test(owner)) throw new Error(`${owner} is no owner of the contract.`);
    };
    const strict: MemoryTokenRotator = {
      ...tokenRotator,
      issue: (current, context) => {
        check(context);
        return tokenRotator.issue(current, context);
      },
      revokeOrphans: async (current, context) => {
        check(context);
        await tokenRotator.revokeOrphans?.(current, context);
      },
    };
    const { failed } = await runSuite(memoryHarness(target, strict));
    expect(failed).toEqual([]);
  });

  it('says what is missing from a rotator in JavaScript, before any test', async () => {
    const { change: _change, ...rotator } = passwordRotator;
    const harness = { ...memoryHarness(target, passwordRotator), rotator: Object(rotator) };
    await expect(runSuite(harness)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('change is missing'),
    });
  });

  it.each([...mutants, ...issuingMutants])(
    'fails a rotator that $fault',
    async ({ rotator, failing, mayFail = [] }) => {
      const { failed } = await runSuite(memoryHarness(target, rotator));
      expect(failed.filter((name) => !mayFail.includes(name)).sort()).toEqual([...failing].sort());
    },
  );
});
