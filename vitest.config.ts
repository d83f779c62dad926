import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // End-to-end tests wait for real timers, real processes and real storage.
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
