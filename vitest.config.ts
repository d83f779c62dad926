import { defineConfig } from 'vitest/config';

/** Tests that start processes or change their own: each file in a process of its own. */
const alone = ['test/dev/**/*.test.ts', 'test/e2e/**/*.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    // End-to-end tests wait for real timers, real processes and real storage, and the machine may have other work.
    testTimeout: 300_000,
    hookTimeout: 180_000,
    projects: [
      { extends: true, test: { name: 'alone', include: alone } },
      {
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: alone,
          // What they import is loaded once in each worker, and not by each of almost two hundred files.
          isolate: false,
        },
      },
    ],
  },
});
