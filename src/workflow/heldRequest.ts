import { isRunning, type AccessRequest } from '../core/accessRequest.ts';
import type { Stored } from '../core/stores.ts';
import { changeRequest } from './changeRequest.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { settle, type AlreadyRead, type SeenOnPath } from './settle.ts';
import type { StepResult } from './stepResult.ts';

/** A request's row, and what its live rows say was last read back of it. */
export interface Held extends Stored<AccessRequest> {
  seen: SeenOnPath;
}

/** One call of the step. */
export interface Run {
  actor: 'sallyport' | 'sweep';
  began: Date;
  known: AlreadyRead;
}

/** What opening and closing a held request have in common. */
export interface Hold {
  /** The row with its records and live rows brought up to it, unless it is over. */
  resettle: (stored: Stored<AccessRequest>, run: Run, readBack?: SeenOnPath) => Promise<Held>;
  /** The row of an active grant that is settled: nothing is due before its end. */
  awaitEnd: (stored: Stored<AccessRequest>, run: Run) => Promise<Held>;
  /** What was due could not be finished: says so in the row, where the sweep sees it, and to the caller. */
  again: (
    stored: Stored<AccessRequest>,
    afterSeconds: number,
    phase: 'opening' | 'closing',
  ) => Promise<StepResult>;
}

export function createHold(dependencies: Dependencies): Hold {
  const { requests, clock } = dependencies;
  return { resettle, awaitEnd, again };

  /** What is over goes straight to `closing`, in which nothing waits for an audit that is down. */
  async function resettle(
    stored: Stored<AccessRequest>,
    { began, known }: Run,
    readBack?: SeenOnPath,
  ): Promise<Held> {
    if (isOver(stored.row, clock.now())) return { ...stored, seen: new Map() };
    const { request, seen } = await settle(dependencies, stored.row, began, readBack, known);
    return { ...stored, row: request, seen };
  }

  async function awaitEnd(stored: Stored<AccessRequest>, run: Run): Promise<Held> {
    const { recorded, version } = stored.row;
    const { stored: now } = await changeRequest(
      requests,
      stored.row.id,
      (current) =>
        // Whoever has changed it since has live rows to bring up to it first.
        current.state === 'active' && current.version === version
          ? { ...current, recorded: Math.max(current.recorded, recorded), nextDue: current.end }
          : undefined,
      stored,
    );
    return resettle(now, run);
  }

  async function again(
    stored: Stored<AccessRequest>,
    afterSeconds: number,
    phase: 'opening' | 'closing',
  ): Promise<StepResult> {
    await setNextDue(stored, secondsAfter(clock.now(), afterSeconds));
    return { kind: 'again', afterSeconds, phase };
  }

  async function setNextDue(stored: Stored<AccessRequest>, due: Date): Promise<void> {
    await changeRequest(requests, stored.row.id, ({ waiting, ...current }) => ({
      ...current,
      ...(waiting === undefined ? {} : { waiting: { at: waiting.at } }),
      nextDue: due.toISOString(),
    }));
  }
}

/** Whether a grant that may be open is past its end. */
export function isOver(row: AccessRequest, now: Date): boolean {
  return isRunning(row) && now.getTime() >= Date.parse(row.end);
}
