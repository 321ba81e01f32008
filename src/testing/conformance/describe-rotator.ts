import { AssertionError } from 'node:assert/strict';
import { createRedactor, type Redactor } from '../../redact.ts';
import { hostilePasswords, type RotatorHarness, type TestAccount } from '../harness.ts';
import { detectedRunner, type Runner } from '../runner.ts';
import { checkedHarness } from '../valid-harness.ts';
import { aborting } from './aborting.ts';
import { changing, takingPasswords } from './changing.ts';
import { generating } from './generating.ts';
import { leavingNothing } from './leaving-nothing.ts';
import { logins } from './logins.ts';
import { reading } from './reading.ts';
import { revoking } from './revoking.ts';
import { rotating } from './rotating.ts';
import { secrecy } from './secrecy.ts';
import { createSubject, Skipped } from './subject.ts';
import type { TestGroup } from './test-group.ts';

/**
 * Registers the tests that every rotator must pass at a real target. They test the promises of the contract ({@link Rotator}),
 * and rotations through the whole handler and a local Secrets Manager. Each test makes a new account. Tests that don't apply are
 * skipped and say why.
 *
 * @param name the name of the group of tests
 * @param given the harness: the rotator, and what makes accounts at its target
 * @param runner the test runner. Default: vitest in its workers, else node:test
 * @throws InvalidConfiguration if the harness or its rotator lacks a member, or has one of a wrong type or of the other
 * kind. A test throws it if a member of the harness returns what its type excludes
 */
export function describeRotator(name: string, given: RotatorHarness, runner: Runner = detectedRunner): void {
  const harness = checkedHarness(given);
  const themes: Readonly<Record<string, TestGroup>> = {
    parse: reading,
    open: logins,
    generate: generating,
    change: { ...changing, ...takingPasswords(harness.passwords ?? hostilePasswords) },
    abort: aborting,
    resources: leavingNothing,
    revoke: revoking,
    secrecy,
    rotation: rotating,
  };
  runner.describe(name, () => {
    for (const [theme, tests] of Object.entries(themes))
      runner.describe(theme, () => {
        for (const [title, test] of Object.entries(tests))
          runner.test(title, (skip) => runTest(harness, test, skip));
      });
  });
}

async function runTest(
  harness: RotatorHarness,
  test: TestGroup[string],
  skip: (reason: string) => void,
): Promise<void> {
  const account = await harness.account();
  const redactor = createRedactor();
  const reason = await reasonToSkip(() => test(createSubject(harness, account, redactor)), account, redactor);
  if (reason !== undefined) skip(reason);
}

/** A runner says little about what is no Error, and has no stack of it. */
function notAnError(told: string): Error {
  return new Error(`Something that is no Error was thrown: ${told}. Throw an Error.`);
}

/** Masks errors: a runner prints a driver's error with all its properties, and the target may be a shared one. */
async function reasonToSkip(
  test: () => Promise<void>,
  account: TestAccount,
  redactor: Redactor,
): Promise<string | undefined> {
  try {
    await test();
    return undefined;
  } catch (error) {
    if (error instanceof Skipped) return error.message;
    if (error instanceof AssertionError) throw error;
    const masked = redactor.error(error);
    throw masked instanceof Error ? masked : notAnError(redactor.describe(error));
  } finally {
    await account.remove?.();
  }
}
