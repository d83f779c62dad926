import type { LastSweep, LastSweeps } from '../../src/core/health.ts';

/** The newest sweep, in memory; what goes in and out is a copy, as it is with a real table. */
export function createMemoryLastSweeps(): LastSweeps {
  let newest: string | undefined;
  return {
    newest: () => Promise.resolve(newest === undefined ? undefined : (JSON.parse(newest) as LastSweep)),
    note(sweep) {
      newest = JSON.stringify(sweep);
      return Promise.resolve();
    },
  };
}
