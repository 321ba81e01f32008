/** What the suites need of a test runner. Tests are given a way to say why they don't apply. */
export interface Runner {
  /** A group of tests; `body` registers them. */
  describe(name: string, body: () => void): void;
  test(name: string, body: (skip: (reason: string) => void) => Promise<void>): void;
}

/** A real target can take long, in ms. */
const timeoutMs = 120_000;

/** Vitest sets VITEST in its workers; everywhere else node:test is there, and does no harm where it isn't used. */
async function detectRunner(): Promise<Runner> {
  if (process.env.VITEST !== undefined) {
    const { describe, test } = await import('vitest');
    return { describe, test: (name, body) => test(name, ({ skip }) => body(skip), timeoutMs) };
  }
  const { describe, test } = await import('node:test');
  return {
    describe: (name, body) => void describe(name, body),
    test: (name, body) =>
      void test(name, { timeout: timeoutMs }, (context) => body((reason) => context.skip(reason))),
  };
}

/** The test runner that this process belongs to. */
export const detectedRunner: Runner = await detectRunner();
