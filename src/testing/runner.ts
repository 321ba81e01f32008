import { missing } from '../optional-package.ts';

/** A test runner, as {@link describeRotator} uses it. */
export interface Runner {
  /** Makes a group of tests, which `body` registers. */
  describe(name: string, body: () => void): void;
  /** Registers a test. `skip` skips it, with the reason. */
  test(name: string, body: (skip: (reason: string) => void) => Promise<void>): void;
}

/** In ms. A real target can take long. */
const timeoutMs = 120_000;

/** Vitest sets VITEST in its workers. Everywhere else node:test is available, and harmless if it isn't used. */
async function detectRunner(): Promise<Runner> {
  if (process.env.VITEST !== undefined) {
    const { describe, test } = await loadVitest();
    return { describe, test: (name, body) => test(name, ({ skip }) => body(skip), timeoutMs) };
  }
  const { describe, test } = await import('node:test');
  return {
    describe: (name, body) => void describe(name, body),
    test: (name, body) =>
      void test(name, { timeout: timeoutMs }, (context) => body((reason) => context.skip(reason))),
  };
}

async function loadVitest() {
  try {
    return await import('vitest');
  } catch (error) {
    return missing('vitest')(error);
  }
}

/** The test runner of this process. */
export const detectedRunner: Runner = await detectRunner();
