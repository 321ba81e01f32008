import { defineConfig } from 'vitest/config';

/** What needs the SAM CLI and the rest of test/sam/requirements.txt on the PATH, and partly a Docker engine. */
export default defineConfig({
  test: {
    include: ['test/sam/**/*.test.ts'],
    // They share one build, and wait for the same two processors.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
