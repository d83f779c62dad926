import { causeOf } from '../core/cause.ts';
import { isDriftDue } from '../core/foreignDrift.ts';
import { judgeNsg } from '../core/judgeNsg.ts';
import type { NsgDocument } from '../core/network.ts';
import type { NsgRecord } from '../core/nsgRecord.ts';
import { readRules } from '../core/nsgBody.ts';
import type { WithoutRows } from '../core/planWithoutRows.ts';
import { canonicalId, subscriptionOf } from '../core/resourceId.ts';
import { documented } from '../core/writeBudget.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { inParallel } from './inParallel.ts';
import { listNsgs } from './listNsgs.ts';
import { removeBaselineRows } from './noteBaselines.ts';
import type { Reconcile, ReconcileCall } from './reconcileResult.ts';

/** What one sweep of the NSGs begins with. */
export interface NsgSweepCall {
  began: Date;
  correlationId: string;
  /** Ids of the NSGs that have live rows or are remembered. */
  known: readonly string[];
  /** Subscriptions whose NSGs are listed besides. */
  subscriptionIds?: readonly string[];
  /** What is told of NSGs, or not audited yet. */
  records?: readonly NsgRecord[];
  /** Lists every NSG that can be seen, not only those of the subscriptions that are known. */
  all: boolean;
  /** Set while the tables are lost: there are no rows to go by. */
  withoutRows?: WithoutRows;
}

/** What it found and did. */
export interface NsgSweep {
  /** Pages of lists that were asked for: one read of ARM each. */
  pages: number;
  /** NSGs on them. */
  nsgs: readonly NsgDocument[];
  /** Of these, the ones that are known or hold an owned rule. */
  judged: number;
  /** NSGs that were read singly, and written where that was due. */
  reconciled: number;
  /** Reconciled NSGs that came to no end: keys of their ids. Nothing else waits for them. */
  unsettled: Set<string>;
  /** Not tried again yet, after several sweeps in which they came to no end. */
  resting: Set<string>;
  /** Not reached within the time limit or the read budget. */
  left: number;
  /** NSGs that hold any owned rule. */
  owning: number;
  /** Every page of the list was read. */
  isWhole: boolean;
  /** The rows of an NSG could not be read. */
  isBlind: boolean;
}

interface Candidate {
  nsgId: string;
  revisit?: boolean;
  closesSince?: Date;
}

/** One NSG has this long, in seconds; it may go on behind the sweep's back, and the next call finds it going. */
const patience = 30;
/** Seconds after which no further NSG is begun. */
const timeLimit = 120;
/** NSGs at a time: more than can hang at once without holding up the others. */
const workers = 32;
/** After so many NSGs whose rows could not be read no others are asked for: each may take ten seconds, and closes wait. */
const mostUnreadable = 8;
/** Reads of a reconcile that writes: before and after. */
const readsPerReconcile = 2;
/** Share of the reads that Azure gives back, for the sweep. */
const share = 1 / 2;
/**
 * Most periods between attempts on an NSG that comes to no end: what could not be closed is closed soon after it can be. A
 * little less, for no sweep begins on the dot.
 */
const longestRest = 1.9;

/**
 * Makes the sweep's look at NSGs: those that are known are judged from lists, by the page, and only what differs from
 * what is desired is read singly and reconciled, what has to be closed first and the most overdue of it before all else.
 *
 * `periodSeconds` is how often the sweep runs: what it may read follows from it. It remembers, as long as the process
 * lives, which NSGs came to no end, and lets them rest between attempts.
 */
export function createNsgSweep(
  dependencies: Pick<Dependencies, 'inventory' | 'live' | 'nsgs' | 'clock' | 'log' | 'installation'>,
  reconcileNsg: Reconcile,
  periodSeconds: number,
): (call: NsgSweepCall) => Promise<NsgSweep> {
  const { inventory, live, nsgs: records, clock, log, installation } = dependencies;
  const failures = new Map<string, { count: number; restsUntil: Date }>();

  return async function sweepNsgs(call) {
    const { began, known } = call;
    const found = await listNsgs(dependencies, call);
    const keysOfKnown = new Set(known.map(canonicalId));
    const relevant = found.nsgs.filter(
      (nsg) => keysOfKnown.has(canonicalId(nsg.id)) || ownsAny(nsg) !== 'no',
    );
    const sweep: NsgSweep = {
      pages: found.pages,
      nsgs: found.nsgs,
      judged: relevant.length,
      reconciled: 0,
      unsettled: new Set(),
      resting: new Set(),
      left: 0,
      isWhole: found.isWhole,
      isBlind: false,
      owning: relevant.filter((nsg) => ownsAny(nsg) !== 'no').length,
    };
    const candidates = await judgeAll(relevant, call, sweep);
    // Not on any page: it is gone, or its subscription could not be listed. Only a read of its own can tell.
    const listed = new Set(found.nsgs.map(({ id }) => canonicalId(id)));
    const unlisted = known
      .filter((id) => !listed.has(canonicalId(id)))
      .map((nsgId): Candidate => ({ nsgId }));
    const due = [...candidates, ...unlisted].sort(byUrgency);
    const mayRead = readBudget();
    await inParallel(
      due,
      async ({ nsgId, closesSince, revisit = false }) => {
        const key = canonicalId(nsgId);
        if (clock.now() < (failures.get(key)?.restsUntil ?? began)) sweep.resting.add(key);
        else if (clock.now() > secondsAfter(began, timeLimit)) sweep.left += 1;
        // What has to be closed does not wait for reads: a fifth of them is kept for it.
        else if (!mayRead(nsgId) && closesSince === undefined) sweep.left += 1;
        else await reconcileOne({ nsgId, revisit, closesSince }, call, sweep);
      },
      workers,
    );
    return sweep;
  };

  async function judgeAll(
    nsgs: readonly NsgDocument[],
    { withoutRows, records: unsettled = [] }: NsgSweepCall,
    sweep: NsgSweep,
  ): Promise<Candidate[]> {
    const due: Candidate[] = [];
    let unreadable = 0;
    const recordOf = new Map(unsettled.map((record) => [canonicalId(record.nsgId), record]));
    await inParallel(nsgs, async (nsg) => {
      const rows = withoutRows ?? (unreadable < mostUnreadable ? await rowsOf(nsg.id) : 'unreadable');
      if (rows === 'unreadable') {
        sweep.isBlind = true;
        unreadable += 1;
      }
      try {
        const now = clock.now();
        const record = recordOf.get(canonicalId(nsg.id));
        const candidate = { nsgId: nsg.id, revisit: record !== undefined };
        const { due: isDue, ...urgency } = judgeNsg({ nsg, rows, now, installation });
        if (isDue) due.push({ ...candidate, ...urgency });
        else if (typeof rows !== 'string' && nsg.provisioningState === 'Succeeded') {
          const [grants, baselines] = [
            rows.grants.map(({ row }) => row),
            rows.baselines.map(({ row }) => row),
          ];
          if (isDriftDue({ body: nsg.body, rows: grants, baselines, now, installation }, record))
            due.push(candidate);
        }
      } catch {
        // Whatever cannot be planned: the reconcile says what it is.
        due.push({ nsgId: nsg.id });
      }
    });
    return due;
  }

  async function rowsOf(nsgId: string) {
    try {
      return await live.allOfNsg(nsgId);
    } catch (error) {
      log.error('rows-unreadable', { nsgId, cause: causeOf(error) });
      return 'unreadable';
    }
  }

  async function reconcileOne(
    { nsgId, revisit, closesSince }: { nsgId: string; revisit: boolean; closesSince: Date | undefined },
    { began, correlationId, withoutRows }: NsgSweepCall,
    sweep: NsgSweep,
  ): Promise<void> {
    sweep.reconciled += 1;
    const areTablesDoubted = withoutRows === 'lost';
    const call = { purpose: 'close', revisit, areTablesDoubted } as const;
    const outcome = await Promise.race([
      attempt(nsgId, { ...call, correlationId }, closesSince !== undefined),
      clock.sleep(patience * 1000).then(() => 'timed-out'),
    ]);
    const key = canonicalId(nsgId);
    if (outcome === 'settled') {
      failures.delete(key);
      return;
    }
    const count = (failures.get(key)?.count ?? 0) + 1;
    // The second attempt is the next sweep's.
    const rest = count === 1 ? 0 : periodSeconds * longestRest;
    failures.set(key, { count, restsUntil: secondsAfter(began, rest) });
    sweep.unsettled.add(key);
    log.error('nsg-unsettled', { nsgId, correlationId, why: outcome, times: count });
  }

  async function attempt(nsgId: string, call: ReconcileCall, isOpen: boolean): Promise<string> {
    try {
      const result = await reconcileNsg(nsgId, call);
      // A list has just shown a rule there that must go: what cannot be found is not known to be shut.
      if (result.kind === 'gone' && isOpen) return result.reason.code;
      if (result.kind === 'gone') await forget(nsgId);
      // Without rows it has done all that can be done, and does so again next time.
      return result.kind === 'again' || result.kind === 'refused' ? result.reason.code : 'settled';
    } catch (error) {
      return causeOf(error);
    }
  }

  /** An NSG that is no more, and was nobody's way, is not looked for again. Its audit stays. */
  async function forget(nsgId: string): Promise<void> {
    const stored = await records.get(nsgId);
    if (stored === undefined || stored.row.journal.length > 0 || stored.row.isGone === true) return;
    const { grants, baselines } = await live.allOfNsg(nsgId);
    const ending = baselines.filter(({ row }) => row.state === 'ending');
    if (grants.length > 0 || ending.length < baselines.length) return;
    // With the NSG went what they kept shut.
    if (await removeBaselineRows(dependencies, nsgId, ending)) return;
    // Whoever changes the record meanwhile has seen the NSG, or the next sweep forgets it.
    const next: NsgRecord = { ...stored.row, told: {}, isGone: true };
    delete next.flush;
    await records.replace(next, stored.etag);
  }

  /** Says of each further reconcile whether the reads of its subscription suffice for it. */
  function readBudget(): (nsgId: string) => boolean {
    const left = new Map<string, number>();
    const inPeriod = Math.floor(documented.read.perSecond * periodSeconds * share);
    return (nsgId) => {
      const subscriptionId = subscriptionOf(nsgId);
      const reads = left.get(subscriptionId) ?? Math.min(inventory.readsLeft(subscriptionId), inPeriod);
      left.set(subscriptionId, Math.max(0, reads - readsPerReconcile));
      return reads >= readsPerReconcile;
    };
  }

  /** What cannot be read may own something. */
  function ownsAny({ body }: NsgDocument): 'yes' | 'no' | 'unknown' {
    try {
      return readRules(body, installation.id).owned.length > 0 ? 'yes' : 'no';
    } catch {
      return 'unknown';
    }
  }
}

/** What must be closed first, the longest overdue of it before all else. */
function byUrgency(a: Candidate, b: Candidate): number {
  return (a.closesSince?.getTime() ?? Infinity) - (b.closesSince?.getTime() ?? Infinity) || 0;
}
