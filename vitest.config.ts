import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, which begin first: one that began last would run alone in the end. */
const longest = [
  'test/local/terraform.test.ts',
  'test/package/package.test.ts',
  'test/demo/demo.test.ts',
  'test/doctor/doctor.test.ts',
  'test/fleet/state-machine.test.ts',
  'test/redact.test.ts',
  'test/rotators/api-token/real-servers.test.ts',
  'test/console/stories.test.ts',
  'test/create/as-code-tools.test.ts',
  'test/testing/conformance.test.ts',
  'test/testing/matrix.test.ts',
  'test/cli/list-and-get.test.ts',
  'test/rotators/postgres/clone.test.ts',
  'test/rotators/postgres/excess-rights.test.ts',
  'test/permissions/least-privilege.test.ts',
  'test/rotators/rabbitmq/rabbitmq.test.ts',
  'test/security/reader-of-logs.test.ts',
  'test/bench/client.test.ts',
  'test/cli/attach.test.ts',
  'test/cli/exec.test.ts',
  'test/cli/help-and-completion.test.ts',
  'test/local/crash.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = longest.findIndex((file) => moduleId.endsWith(file));
      return index < 0 ? longest.length : index;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/containers/**', 'test/sam/**'],
    globalSetup: ['test/support/property-seed.ts', 'test/support/global-postgres.ts'],
    setupFiles: ['test/support/property-seed.ts'],
    sequence: { sequencer: LongestFirst },
    // Much of the time goes to servers and processes that tests wait for, and not to the tests themselves.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What a test polls for has no limit of its own: this one only bounds how long a broken test takes. Its default of a
    // second is too short where the processors have other work.
    expect: { poll: { timeout: 30_000 } },
  },
});
