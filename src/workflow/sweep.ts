import { finalStates, type AccessRequest } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import { note } from '../core/journal.ts';
import type { Stored, UnendedRow } from '../core/stores.ts';
import { changeRequest } from './changeRequest.ts';
import type { Orchestrations } from './contracts.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';
import { inParallel } from './inParallel.ts';
import { sealTrail } from './sealTrail.ts';
import { settle } from './settle.ts';
import type { Step } from './step.ts';

/** What one sweep did, for the log. */
export interface SweepReport {
  seen: number;
  stepped: number;
  restarted: number;
  removed: number;
  failed: number;
  /** Not reached within the time limit; the next sweep begins with all of them again. */
  left: number;
}

/** Seconds after which no further request is begun; the function's own time-out is five minutes. */
const timeLimit = 180;

/**
 * Walks every request that has not ended, trusting no orchestration and no event: closes itself what is past its end,
 * and gives a new orchestration to what has none. One request's failure does not stop the others.
 */
export async function sweep(
  dependencies: Dependencies,
  step: Step,
  orchestrations: Orchestrations,
): Promise<SweepReport> {
  const { requests, live, clock, log } = dependencies;
  const report: SweepReport = { seen: 0, stepped: 0, restarted: 0, removed: 0, failed: 0, left: 0 };
  const began = clock.now();
  await inParallel(await live.unended(), work);
  await seal();
  return report;

  /** Last, and nothing waits for it: what could not be sealed keeps its row and is sealed by a later sweep. */
  async function seal(): Promise<void> {
    try {
      await sealTrail(dependencies);
    } catch (error) {
      log.error('seal-failed', { cause: causeOf(error) });
    }
  }

  async function work(row: UnendedRow): Promise<void> {
    if (clock.now() > secondsAfter(began, timeLimit)) {
      report.left += 1;
      return;
    }
    report.seen += 1;
    try {
      await visit(row);
    } catch (error) {
      report.failed += 1;
      log.error('sweep-failed', { requestId: row.requestId, cause: causeOf(error) });
    }
  }

  async function visit(row: UnendedRow): Promise<void> {
    const seenAt = clock.now();
    const stored = await requests.get(row.requestId);
    if (stored === undefined) {
      // Its POST died between the two rows, or has not got to the second: nothing was granted yet.
      if (isOld(row.createdAt, limits.keepOrphan)) await removeRows(row.requestId, []);
      return;
    }
    if (finalStates.has(stored.row.state)) {
      if (row.endedAt === undefined) {
        await step(row.requestId, 'sweep');
        report.stepped += 1;
      } else if (row.sealed === true && isOld(row.endedAt, limits.keepEnded)) {
        await removeRows(
          row.requestId,
          stored.row.targets.map(({ nsgId }) => nsgId),
        );
      }
      return;
    }
    const { row: request } = stored;
    const givenUp = request.state === 'opening' && isOld(request.start, limits.openWithin);
    if (isOverdue(request.end) || givenUp || (request.state === 'closing' && isOverdue(request.nextDue))) {
      await step(request.id, 'sweep');
      report.stepped += 1;
    } else if (isOverdue(request.nextDue)) {
      await wake(stored, seenAt);
    }
  }

  /** Rings the orchestration of an overdue request, or starts a successor where it is gone. */
  async function wake(stored: Stored<AccessRequest>, seenAt: Date): Promise<void> {
    const { row } = stored;
    if ((await orchestrations.status(row.instance)) === 'running') {
      await orchestrations.ring(row.instance);
      return;
    }
    const previous = row.instance;
    const { stored: now } = await changeRequest(
      requests,
      row.id,
      (current) =>
        current.instance === previous && !finalStates.has(current.state)
          ? note(
              current,
              'orchestration-restarted',
              {
                at: clock.now(),
                actor: 'sweep',
                reasons: [
                  {
                    code: 'orchestration-missing',
                    message: 'The orchestration of this request was not running; a new one was started.',
                  },
                ],
              },
              { instance: nextInstance(current), nextDue: clock.now().toISOString() },
            )
          : undefined,
      stored,
    );
    if (now.row.instance === previous) return;
    await settle(dependencies, now.row, seenAt);
    await orchestrations.start(now.row.instance, now.row.id);
    report.restarted += 1;
  }

  async function removeRows(requestId: string, nsgIds: string[]): Promise<void> {
    for (const nsgId of nsgIds) await live.remove(nsgId, requestId);
    await live.removeUnended(requestId);
    report.removed += 1;
  }

  function isOverdue(instant: string): boolean {
    return clock.now() > secondsAfter(new Date(instant), limits.overdue);
  }

  function isOld(instant: string, seconds: number): boolean {
    return clock.now() > secondsAfter(new Date(instant), seconds);
  }
}

/** `<id>`, then `<id>-2`, `<id>-3` …: a finished instance is never started again under its own name. */
function nextInstance(request: AccessRequest): string {
  const [, number] = request.instance.split('-');
  return `${request.id}-${Number(number ?? 1) + 1}`;
}
