import { causeOf } from '../core/cause.ts';
import type { HealthCheck, HealthStatus, LastSweeps, Verdict } from '../core/health.ts';
import type { CheckedHealth, Health, HealthCall, HealthReport } from './contracts.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';
import { heartbeatBound } from './heartbeat.ts';
import { findOverdueCloses } from './overdueCloses.ts';
import { once } from './once.ts';

export interface HealthParts extends Pick<
  Dependencies,
  'requests' | 'live' | 'sweepState' | 'clock' | 'log' | 'installation'
> {
  lastSweeps: Pick<LastSweeps, 'newest'>;
  /** What else is looked at, by the name under which it is told: the systems that the app depends on. */
  checks: Readonly<Record<string, HealthCheck>>;
  /** How often the sweep runs. */
  periodSeconds: number;
  /** What runs here; read once. */
  program: () => Promise<HealthReport['program']>;
}

/** Milliseconds that each look may take; all of them begin at once. */
const patience = 5000;
/** Seconds in which rows of requests are begun to be read; what is left is for the list of them, and for those under way. */
const rowsWithin = 2.5;
/** For so many seconds an answer is given again: whoever asks all the time costs no more than that. */
export const keptSeconds = 10;
/** Clocks of workers differ; what is further in the future than this was not said by a clock that is right. */
const tolerance = 60;
/** Of no orchestration: that it is missing takes the extension and its storage to say. */
const nobodysInstance = 'health';

/** A verdict, and what is shown besides. */
type Look<Shown> = Verdict & { shown?: Shown };

/**
 * Makes what tells auditors and administrators how it goes. One report serves everybody who asks while it is made and for
 * ten seconds after; since when something is as it is, is known from when this worker first looked.
 */
export function createHealth(parts: HealthParts): Health {
  const { clock, log } = parts;
  const standings = new Map<string, { status: HealthStatus; since: string }>();
  const program = once(parts.program);
  let kept: { report: Promise<HealthReport>; until?: Date } | undefined;

  return (call) => {
    if (kept !== undefined && (kept.until === undefined || clock.now() < kept.until)) return kept.report;
    const made: NonNullable<typeof kept> = { report: look(call) };
    kept = made;
    made.report.then(
      () => (made.until = secondsAfter(clock.now(), keptSeconds)),
      () => (kept = undefined),
    );
    return made.report;
  };

  async function look(call: HealthCall): Promise<HealthReport> {
    const checkedAt = clock.now();
    const looks = Object.entries(parts.checks).map(([name, check]) => judge(name, 'failing', check(call)));
    const taskHub = judge('taskHub', 'failing', lookAtTaskHub(call));
    const [others, hub, sweep, closes, running] = await Promise.all([
      Promise.all(looks),
      taskHub,
      judge('sweep', 'unknown', lookAtSweep(parts, checkedAt)),
      judge('closes', 'unknown', lookAtCloses(parts, checkedAt)),
      program(),
    ]);
    const checks = [...others, hub, sweep, closes].map(({ told }) => told);
    return {
      status: worstOf(checks),
      checkedAt: checkedAt.toISOString(),
      checks,
      sweep: sweep.shown ?? {},
      overdueCloses: closes.shown ?? {},
      installation: parts.installation.id,
      program: running,
    };
  }

  async function judge<Shown>(
    name: string,
    ifSlow: 'failing' | 'unknown',
    work: Promise<Look<Shown>>,
  ): Promise<{ told: CheckedHealth; shown?: Shown }> {
    const slow = { status: ifSlow, reason: `There was no answer within ${patience / 1000} s.` } as const;
    const look: Look<Shown> = await Promise.race([work, clock.sleep(patience).then(() => slow)]).catch(
      (error: unknown) => ({
        status: 'unknown' as const,
        reason: 'It could not be looked at; the log says why.',
        cause: causeOf(error),
      }),
    );
    return {
      told: tell(name, look),
      ...(look.shown !== undefined && { shown: look.shown }),
    };
  }

  /** Logged when it begins, not each time that somebody asks. */
  function tell(name: string, verdict: Verdict): CheckedHealth {
    const { status } = verdict;
    const before = standings.get(name);
    const known = status === 'ok' ? undefined : verdict.since;
    const isNew = before?.status !== status;
    const since = known ?? (isNew ? clock.now().toISOString() : before.since);
    standings.set(name, { status, since });
    if (status === 'ok') return { name, status, since };
    const { reason, cause } = verdict;
    if (isNew) log.warn('health-failing', { name, status, reason, cause });
    return { name, status, since, reason };
  }
}

async function lookAtTaskHub({ orchestrations }: HealthCall): Promise<Verdict> {
  try {
    await orchestrations.status(nobodysInstance);
    return { status: 'ok' };
  } catch (error) {
    const reason = 'The Durable extension does not answer, or cannot read its storage.';
    return { status: 'failing', reason, cause: causeOf(error) };
  }
}

async function lookAtSweep(
  { sweepState, lastSweeps, periodSeconds }: HealthParts,
  now: Date,
): Promise<Look<HealthReport['sweep']>> {
  const [lastComplete, listedAt, newest] = await Promise.all([
    sweepState.heartbeat(),
    sweepState.listedAt(),
    lastSweeps.newest(),
  ]);
  const shown = {
    ...(lastComplete !== undefined && { lastComplete }),
    ...(listedAt !== undefined && { listedAt }),
    ...(newest !== undefined && { newest }),
  };
  const bound = heartbeatBound(periodSeconds);
  const staleSince = lastComplete === undefined ? undefined : secondsAfter(new Date(lastComplete), bound);
  if (staleSince !== undefined && now < staleSince) {
    if (new Date(lastComplete ?? '') < secondsAfter(now, tolerance)) return { status: 'ok', shown };
    const reason = 'The last complete sweep is said to have begun in the future: a clock is wrong.';
    return { status: 'failing', reason, shown };
  }
  const [marker, lostSince] = await Promise.all([sweepState.marker(), sweepState.lostSince()]);
  const isLost = marker === undefined && lostSince !== undefined;
  const late =
    staleSince === undefined
      ? 'No sweep has been complete yet'
      : `The last complete sweep began more than ${bound} s ago`;
  return {
    status: 'failing',
    reason: isLost
      ? 'The tables of this installation are lost: run installation:adopt. Nothing is opened until then.'
      : `${late}. Nothing is opened until one is; closing goes on.`,
    ...(staleSince !== undefined && { since: staleSince.toISOString() }),
    ...(isLost && { since: lostSince }),
    shown,
  };
}

async function lookAtCloses(parts: HealthParts, now: Date): Promise<Look<HealthReport['overdueCloses']>> {
  const { count, oldest, unread } = await findOverdueCloses(parts, secondsAfter(now, rowsWithin));
  const shown = {
    count,
    ...(unread > 0 && { unread }),
    ...(oldest !== undefined && {
      oldest: { ...oldest, seconds: Math.floor((now.getTime() - Date.parse(oldest.since)) / 1000) },
    }),
  };
  const bound = limits.overdue + 2 * parts.periodSeconds;
  if (oldest !== undefined) {
    const lateSince = secondsAfter(new Date(oldest.since), bound);
    if (now > lateSince) {
      const reason = `Access that should have been shut for more than ${bound} s is not known to be shut.`;
      return { status: 'failing', reason, since: lateSince.toISOString(), shown };
    }
  }
  if (unread === 0) return { status: 'ok', shown };
  const reason = `Rows of requests that were not read in time, or are damaged: ${unread}.`;
  return { status: 'unknown', reason, shown };
}

function worstOf(checks: readonly CheckedHealth[]): HealthStatus {
  return (['failing', 'unknown'] as const).find((bad) => checks.some(({ status }) => status === bad)) ?? 'ok';
}
