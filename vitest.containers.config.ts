import { defineConfig } from 'vitest/config';

/** Against servers in containers, or against those that KEYTURN_TEST_POSTGRES_URL and KEYTURN_TEST_SQLSERVER_URL name. */
export default defineConfig({
  test: {
    include: ['test/containers/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
