import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/containers/**', 'test/sam/**'],
    globalSetup: ['test/support/property-seed.ts', 'test/support/global-postgres.ts'],
    setupFiles: ['test/support/property-seed.ts'],
    // Much of the time goes to servers and processes that tests wait for, and not to the tests themselves.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
