import { describeRotator, type RotatorHarness, type Runner } from '../../src/testing/index.ts';

/** What became of a suite's tests, by their titles. */
export interface Outcomes {
  readonly passed: string[];
  readonly failed: string[];
  readonly skipped: string[];
}

interface CollectedTest {
  readonly path: string;
  readonly title: string;
  readonly body: (skip: (reason: string) => void) => Promise<void>;
}

function collect(harness: RotatorHarness): CollectedTest[] {
  const tests: CollectedTest[] = [];
  const path: string[] = [];
  const runner: Runner = {
    describe: (name, body) => {
      path.push(name);
      body();
      path.pop();
    },
    test: (title, body) => tests.push({ path: path.join(' > '), title, body }),
  };
  describeRotator('collected', harness, runner);
  return tests;
}

/** Runs one test of the suite. @returns the message of what it throws; undefined if it passes; why it is skipped */
export async function runOne(harness: RotatorHarness, title: string): Promise<string | undefined> {
  const test = collect(harness).find((one) => one.title === title);
  if (test === undefined) throw new Error(`There is no test called ${title}.`);
  let skipped: string | undefined;
  try {
    await test.body((reason) => {
      skipped = `skipped: ${reason}`;
    });
    return skipped;
  } catch (error) {
    return error instanceof Error ? error.message : `no Error: ${String(error)}`;
  }
}

/** Runs the whole suite for a rotator, outside of the current test runner. */
export async function runSuite(harness: RotatorHarness): Promise<Outcomes> {
  const outcomes: Outcomes = { passed: [], failed: [], skipped: [] };
  const run = async ({ title, body }: CollectedTest): Promise<void> => {
    let skipped = false;
    try {
      await body(() => {
        skipped = true;
      });
      outcomes[skipped ? 'skipped' : 'passed'].push(title);
    } catch {
      outcomes.failed.push(title);
    }
  };
  const tests = collect(harness);
  const isAlone = ({ path }: CollectedTest): boolean => path.endsWith('resources');
  await Promise.all(tests.filter((test) => !isAlone(test)).map(run));
  // These count what is open in the process, so nothing else may run beside them.
  for (const test of tests.filter(isAlone)) await run(test);
  return outcomes;
}
