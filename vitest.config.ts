import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Tests of libraries that remember something for the whole process, each file in a process of its own: the Durable SDK one
 * worker, MSAL the endpoint of the managed identity.
 */
const alone = ['test/dev/host/durable/**/*.test.ts', 'test/adapters/arm/credential.test.ts'];

/** What takes half a minute or more: begun last, one of them would run while the other workers have nothing left to do. */
const longest = [
  ...['e2e/grant', 'e2e/workerDeath', 'prove/quick', 'workflow/crash', 'dev/environment', 'e2e/hostDeath'],
  ...[
    'dev/host/cli',
    'workflow/reconcile',
    'e2e/requestLife',
    'e2e/networkChanged',
    'e2e/upgrade',
    'e2e/rights',
    'e2e/health',
    'workflow/approvalCrash',
  ],
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification) => {
      const place = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return place === -1 ? longest.length : place;
    };
    return (await super.sort(files)).sort((one, other) => placeOf(one) - placeOf(other));
  }
}

export default defineConfig({
  test: {
    pool: 'forks',
    // Twice as many as there are cores in CI: many tests wait for other processes.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
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
