import { defineConfig } from 'vitest/config';

/** Tests that load the Durable SDK, which remembers one worker for each process: each file in a process of its own. */
const alone = ['test/dev/host/durable/**/*.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    // One more than there are cores in CI: many tests wait for other processes.
    maxWorkers: 3,
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
