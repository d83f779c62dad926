import type { LiveRow, SeenGrant } from '../core/accessRequest.ts';
import { acrossClocks } from '../core/acrossClocks.ts';
import type { BaselineRow } from '../core/baseline.ts';
import { isInProgress, type JsonObject } from '../core/network.ts';
import { causeOf } from '../core/cause.ts';
import { readRules } from '../core/nsgBody.ts';
import { plan, type Plan } from '../core/plan.ts';
import type { WithoutRows } from '../core/planWithoutRows.ts';
import type { Reason } from '../core/reason.ts';
import { baselineMarks, baselineRowsToRemove } from '../core/seenBaselines.ts';
import { seenChanges } from '../core/seenChanges.ts';
import { isReadTooEarly, marksToMake, overIn } from '../core/seenGrants.ts';
import type { BaselineMark, Stored } from '../core/stores.ts';
import { subscriptionOf } from '../core/resourceId.ts';
import type { OpenStanding } from '../core/writeBudget.ts';
import { closeByRule } from './closeByRule.ts';
import { closeWithoutRows } from './closeWithoutRows.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';
import { watchDrift, type DriftDependencies, type DriftWatch } from './driftWatch.ts';
import { holdBack, waitsUnread, withoutUnwatched } from './holdBack.ts';
import { baselineStandings, removeBaselineRows } from './noteBaselines.ts';
import { prove } from './prove.ts';
import { readRows } from './readRows.ts';
import { watchFlush, type FlushWatch } from './watchFlush.ts';
import { again, endedBy, type ReconcileCall, type ReconcileResult } from './reconcileResult.ts';

export type ReconcileDependencies = Pick<Dependencies, 'network' | 'budget' | 'heartbeat' | 'sweepState'> &
  DriftDependencies;

/** Seconds before what went wrong is tried again; it grows until a write goes through. */
const firstPause = 0.2;

/** How long somebody else's running operation is waited for, in seconds: writing into it would cancel it. */
const waitForOthers = { open: 8, close: 3 } as const;

/**
 * Makes one NSG's owned rules equal the desired state, with at most one write per round: NSG first, rows second, plan,
 * one whole-NSG write guarded by the ETag, and both read back.
 *
 * The order matters: the ETag guards the NSG but not the rows, so rows that were read first could open a port after
 * its revocation.
 */
export async function reconcile(
  dependencies: ReconcileDependencies,
  nsgId: string,
  call: ReconcileCall,
  planner: typeof plan = plan,
): Promise<ReconcileResult> {
  const wait = call.purpose === 'open' ? await waitsUnread(dependencies, nsgId) : undefined;
  if (wait !== undefined) return again(wait.afterSeconds, wait.reason);
  const drift = watchDrift(dependencies, nsgId, call);
  const flush = watchFlush(dependencies, nsgId, call);
  const result = await goRounds(dependencies, nsgId, call, planner, { drift, flush });
  await flush.leave();
  if (result.kind !== 'converged') await drift.leave();
  return result;
}

/** Reads, plans, proves and writes until a reading of both says that nothing is to be done. */
async function goRounds(
  dependencies: ReconcileDependencies,
  nsgId: string,
  call: ReconcileCall,
  planner: typeof plan,
  { drift, flush }: { drift: DriftWatch; flush: FlushWatch },
): Promise<ReconcileResult> {
  const { network, live, budget, clock, log, installation } = dependencies;
  const began = clock.now();
  const options = { correlationId: call.correlationId };
  let last: Reason = { code: 'not-settled', message: 'Azure has not settled yet.' };
  let pause = firstPause;
  let over: ReadonlySet<string> = new Set();
  let first: JsonObject | undefined;
  let hasWritten = false;
  /** What the last write was planned from that settled. */
  let writtenFrom: readonly BaselineRow[] = [];
  /** What was to be written last was too old by then: its rows, or what came after them, took too long. */
  let isLate = false;
  /** What the last write changed that settled, and how often in a row. */
  let settled: string | undefined;
  let repeats = 0;

  while (clock.now() < secondsAfter(began, limits.reconcile)) {
    const wasOver = over;
    await drift.begin();
    const readAt = clock.now();
    const read = await network.readNsg(nsgId, options);
    if (read.kind === 'unknown') {
      last = { code: 'not-settled', message: read.message };
      await clock.sleep(pause * 1000);
      pause = Math.min(pause * 2, 2);
      continue;
    }
    if (read.kind !== 'read') return endedBy(read);
    const { nsg } = read;
    if (isInProgress(nsg) && clock.now() < secondsAfter(began, waitForOthers[call.purpose])) {
      last = { code: 'not-settled', message: `Another operation on ${nsgId} is under way.` };
      await clock.sleep(pause * 1000);
      pause = Math.min(pause * 1.5, 1);
      continue;
    }

    first ??= nsg.body;
    const rowsReadAt = clock.now();
    const asStored = await readRows(dependencies, nsgId, nsg.body, call.areTablesDoubted);
    if (typeof asStored === 'string') return withoutRows(asStored);
    const now = clock.now();
    const { grants, baselines: shut } = asStored;
    const baselines = shut.map(({ row }) => row);
    const found = {
      body: nsg.body,
      rows: acrossClocks(grants, nsg.body, now, installation.id),
      baselines,
      now,
    };
    over = overIn(found.rows, now);
    const every = await drift.look(found);
    if (every === 'look-again') continue;
    // Where people keep coming there would be no end, and those whose rules are there would hear of it last.
    const passesOn = hasWritten && call.isAwaited?.() === true;
    const standing: OpenStanding = passesOn
      ? { opens: 'later', retryAfterSeconds: 0 }
      : budget.standing(subscriptionOf(nsgId));
    const { rows: stored, held } = holdBack(
      {
        body: nsg.body,
        baselines,
        now,
        installation,
        standing,
        rows: await withoutUnwatched(dependencies, { body: nsg.body, rows: every, now }),
      },
      planner,
    );
    const rows = stored.map(({ row }) => row);
    const planned = planner({ body: nsg.body, rows, baselines, now, installation });
    await flush.look({ body: nsg.body, provisioningState: nsg.provisioningState, rows: stored, now });
    const readBack = { first, body: nsg.body, rows: stored, now, readAt, plan: planned, installation };
    const unproven = { before: nsg.body, rows, baselines, now, plan: planned, installation };
    const sending = { ...options, notAfter: secondsAfter(rowsReadAt, limits.freshness) };
    if (planned.securityRules === undefined) {
      if (nsg.provisioningState === 'Succeeded') {
        const round = { body: nsg.body, rows: every, baselines, now };
        if ((await drift.conclude(round, planned.admitted)) === 'look-again') continue;
        const seen = flush.tell(seenChanges(readBack));
        drift.unnoted.forEach((requestId) => seen.delete(requestId));
        if (isReadTooEarly(seen, stored, wasOver)) continue;
        const by = { installation: installation.id, now, writtenFrom };
        if (await hasChanged(seen, stored, baselineMarks(planned.baselines, shut, by))) continue;
        const ended = baselineRowsToRemove(planned.baselines, shut, now, writtenFrom);
        if (await removeBaselineRows(dependencies, nsgId, ended)) continue;
        const isOther = await flush.putBack(async (change) => {
          const { rules: securityRules } = readRules(nsg.body, installation.id);
          const proof = prove({ ...unproven, securityRules, flush: change });
          if (proof.kind !== 'proven') return 'not-proven';
          return (await network.writeNsg(nsg, proof.body, sending)).kind;
        });
        if (isOther) continue;
        const standings = baselineStandings(planned.baselines, nsg.body, baselines, installation.id);
        return {
          ...converged(planned, seen, readAt),
          baselines: standings,
          ...(held === undefined || passesOn ? {} : { held }),
        };
      }
      last = { code: 'not-settled', message: `${nsgId} is ${nsg.provisioningState}.` };
      await clock.sleep(pause * 1000);
      pause = Math.min(pause * 1.5, 1);
      continue;
    }

    const flushing = await flush.prepare();
    if (flushing === 'look-again') continue;
    const proof = prove({ ...unproven, securityRules: planned.securityRules, flush: flushing });
    if (proof.kind !== 'proven') {
      log.error('write-not-proven', {
        nsgId,
        correlationId: call.correlationId,
        violations: proof.violations,
        instead: proof.kind === 'refused' ? 'nothing' : proof.changes,
      });
    }
    if (proof.kind === 'refused') {
      const seen = { present: new Set(planned.present), grants: flush.tell(seenChanges(readBack)), readAt };
      return { kind: 'refused', reason: proof.reason, seen };
    }

    flush.sends(proof.body);
    const written = await network.writeNsg(nsg, proof.body, sending);
    flush.written(written.kind);
    log.info('nsg-write', {
      nsgId,
      result: written.kind,
      correlationId: call.correlationId,
      changes: proof.changes,
    });
    isLate = written.kind === 'too-late';
    switch (written.kind) {
      // Settled is no proof of the content, and the others may or may not have written: all are read back.
      case 'settled':
        pause = firstPause;
        hasWritten = true;
        writtenFrom = baselines;
        // Something changes what is written, or Azure does not show it: not as fast as it takes writes, all the time.
        repeats = proof.changes.join() === settled ? repeats + 1 : 0;
        settled = proof.changes.join();
        if (repeats > 0) await clock.sleep(Math.min(2 ** repeats, 8) * 500);
        // The same content that failed before may fail again at once.
        if (nsg.provisioningState === 'Failed') await clock.sleep(1000);
        break;
      case 'changed-meanwhile':
      case 'too-late':
        break;
      case 'unknown':
        last = { code: 'not-settled', message: written.message };
        await clock.sleep(pause * 1000);
        pause = Math.min(pause * 2, 2);
        break;
      case 'locked':
        // No quota: recorded traffic shows the retry after a second succeed although Retry-After said 11 to 14.
        last = { code: 'not-settled', message: written.message };
        await clock.sleep(1000);
        break;
      case 'throttled':
      case 'not-found':
        return endedBy(written);
      case 'not-permitted':
        if (flush.withdraw()) break;
        return refused({ code: 'not-permitted', message: `${written.code}: ${written.message}` });
      case 'refused':
        if (flush.withdraw()) break;
        return refused({ code: 'refused-by-azure', message: `${written.code}: ${written.message}` });
    }
  }
  if (isLate) {
    // Rows that are read too slowly to be written from are as good as unreadable, and no port waits for them.
    log.error('rows-unreadable', { nsgId, cause: 'They could not be read and written from in time.' });
    return withoutRows('unreadable');
  }
  return again(5, last);

  function withoutRows(tables: WithoutRows): Promise<ReconcileResult> {
    return closeWithoutRows(dependencies, nsgId, {
      correlationId: call.correlationId,
      tables,
      waitForOthers: waitForOthers[call.purpose],
    });
  }

  /**
   * Notes what was read back of baselines, and for every other grant, whose step then need not read the NSG again. A row
   * that has changed since it was read may want something else by now: true, and everything is read once more.
   */
  async function hasChanged(
    seen: ReadonlyMap<string, SeenGrant>,
    rows: readonly Stored<LiveRow>[],
    ofBaselines: readonly BaselineMark[],
  ): Promise<boolean> {
    // Of a grant that opted in what was seen must be there before the record of its flows goes.
    const isOptedIn = rows.some(
      ({ row }) => row.requestId === call.requestId && row.flushConnection === true,
    );
    const marks = [...marksToMake(seen, rows, isOptedIn ? undefined : call.requestId), ...ofBaselines];
    if (marks.length === 0) return false;
    try {
      return (await live.markSeen(nsgId, marks)).length > 0;
    } catch (error) {
      // No more is lost than the others' reads: nobody's port waits for it.
      log.warn('seen-not-noted', { nsgId, correlationId: call.correlationId, cause: causeOf(error) });
      return false;
    }
  }

  /** What has ended is closed by other ways; what is to be opened stays refused. */
  async function refused(reason: Reason): Promise<ReconcileResult> {
    const seen = await closeByRule(dependencies, nsgId, {
      correlationId: call.correlationId,
      waitForOthers: waitForOthers[call.purpose],
      first,
    });
    return { kind: 'refused', reason, ...(seen === undefined ? {} : { seen }) };
  }
}

function converged(
  planned: Plan,
  seen: ReadonlyMap<string, SeenGrant>,
  readAt: Date,
): Omit<Extract<ReconcileResult, { kind: 'converged' }>, 'baselines'> {
  return {
    kind: 'converged',
    seen,
    admitted: new Set(planned.admitted),
    present: new Set(planned.present),
    refused: new Map(planned.refused.map(({ requestId, reason }) => [requestId, reason])),
    readAt,
  };
}
