import { causeOf } from '../core/cause.ts';
import type { Clock, Log } from '../core/clock.ts';
import type { LastSweeps } from '../core/health.ts';
import type { SweepReport } from './sweep.ts';

/** Milliseconds: the next sweep must not begin later because tables do not answer. */
const patience = 2000;

/** Makes what keeps the report of the newest sweep, for whoever asks how it goes. Never rejects: nothing depends on it. */
export function createNoteSweep({
  lastSweeps,
  unlistedSubscriptions,
  clock,
  log,
}: {
  lastSweeps: Pick<LastSweeps, 'note'>;
  /** Those that the lists of the sweep have left out. */
  unlistedSubscriptions: () => string[];
  clock: Clock;
  log: Log;
}): (began: Date, report: SweepReport) => Promise<void> {
  return async (began, { complete, ...counts }) => {
    const sweep = {
      ...{ began: began.toISOString(), ended: clock.now().toISOString(), complete, counts },
      unlistedSubscriptions: unlistedSubscriptions(),
    };
    try {
      await Promise.race([
        lastSweeps.note(sweep),
        clock.sleep(patience).then(() => Promise.reject(new Error('It was not written in time.'))),
      ]);
    } catch (error) {
      log.error('sweep-not-noted', { cause: causeOf(error) });
    }
  };
}
