import type { Clock, Log } from '../core/clock.ts';
import type { Problem, ProblemCode } from './problem.ts';

/** One call that asked for access, or for more of it, and got none. Of the person there is nothing. */
export interface RefusedOpen {
  /** Our own API, or Microsoft's. */
  door: 'sallyport' | 'microsoft';
  asked: 'access' | 'extension';
  correlationId: string;
}

/** Tells the log why, for queries to count. */
export type TellRefused = (problem: Pick<Problem, 'code' | 'errors'>, refused: RefusedOpen) => void;

/** Lines a minute for one code: a script that runs wild must neither fill the log nor hide what is refused for another. */
const linesAMinute = 20;
const minute = 60_000;

/**
 * Makes what tells of refused opens: a line for each, and beyond the bound only their number, in the next line of the
 * same code. Counts within one process, and as many codes as there are.
 */
export function createTellRefused({ log, clock }: { log: Log; clock: Pick<Clock, 'now'> }): TellRefused {
  const windows = new Map<ProblemCode, { began: number; told: number; untold: number }>();

  return ({ code, errors = [] }, { door, asked, correlationId }) => {
    const now = clock.now().getTime();
    const window = windows.get(code) ?? { began: now, told: 0, untold: 0 };
    windows.set(code, window);
    if (now >= window.began + minute) Object.assign(window, { began: now, told: 0 });
    if (window.told >= linesAMinute) {
      window.untold += 1;
      return;
    }
    const codes = [...new Set([code, ...errors.map((error) => error.code)])];
    const { untold } = window;
    log.info('request-refused', { door, asked, codes, correlationId, ...(untold > 0 && { untold }) });
    Object.assign(window, { told: window.told + 1, untold: 0 });
  };
}
