import { causeOf } from '../core/cause.ts';
import type { Clock, Log } from '../core/clock.ts';
import type { LastSweeps } from '../core/health.ts';
import type { SweepReport } from './sweep.ts';

/** Milliseconds: the next sweep must not begin later because tables do not answer. */
const patience = 2000;

/** Makes what keeps the report of the newest sweep, for whoever asks how it goes. Never rejects: nothing depends on it. */
export function createNoteSweep({
  lastSweeps,
  clock,
  log,
}: {
  lastSweeps: Pick<LastSweeps, 'note'>;
  clock: Clock;
  log: Log;
}): (began: Date, report: SweepReport) => Promise<void> {
  return async (began, { complete, ...counts }) => {
    const ended = clock.now().toISOString();
    try {
      await Promise.race([
        lastSweeps.note({ began: began.toISOString(), ended, complete, counts }),
        clock.sleep(patience).then(() => Promise.reject(new Error('It was not written in time.'))),
      ]);
    } catch (error) {
      log.error('sweep-not-noted', { cause: causeOf(error) });
    }
  };
}
