import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** These take longest, most of it in waiting: begun last, one of them would be what everybody waits for at the end. */
const longest = [
  'test/e2e/grant.test.ts',
  'test/e2e/workerDeath.test.ts',
  'test/workflow/crash.test.ts',
  'test/prove/quick.test.ts',
  'test/e2e/hostDeath.test.ts',
  'test/dev/environment.test.ts',
  'test/workflow/approvalCrash.test.ts',
  'test/dev/host/cli.test.ts',
  'test/workflow/reconcile.test.ts',
  'test/e2e/networkChanged.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = longest.findIndex((name) => moduleId.endsWith(name));
      return place < 0 ? longest.length : place;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // More than the two cores that it is measured on: the end-to-end tests mostly wait.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // End-to-end tests wait for real timers, real processes and real storage.
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
