import type { LiveRow } from '../core/accessRequest.ts';
import type { BaselineRow } from '../core/baseline.ts';
import { decideBaselineDrift } from '../core/baselineDrift.ts';
import { causeOf } from '../core/cause.ts';
import { decideDrift } from '../core/drift.ts';
import type { Drift } from '../core/driftFinding.ts';
import { portionOf } from '../core/driftPortion.ts';
import { foreignDrift } from '../core/foreignDrift.ts';
import type { JsonObject } from '../core/network.ts';
import type { NsgRecord } from '../core/nsgRecord.ts';
import type { Stored } from '../core/stores.ts';
import type { Dependencies } from './dependencies.ts';
import { completeDrift, inTime, journalDrift, untold } from './recordDrift.ts';

export type DriftDependencies = Pick<
  Dependencies,
  'nsgs' | 'requests' | 'live' | 'audit' | 'clock' | 'log' | 'installation'
>;

/** One round of a reconcile: an NSG, and its live rows read after it. */
export interface Round {
  body: JsonObject;
  rows: readonly Stored<LiveRow>[];
  baselines: readonly BaselineRow[];
  now: Date;
}

/** What one reconcile notices of what others do to its NSG. Nothing of it rejects: no close waits for bookkeeping. */
export interface DriftWatch {
  /** Comes before each reading of the NSG. */
  begin(): Promise<void>;
  /**
   * Looks at an NSG before it is planned. Answers the rows to plan with, or that NSG and rows must be read again first:
   * what seems to be somebody's doing may be that of another worker of ours.
   */
  look(round: Round): Promise<'look-again' | readonly Stored<LiveRow>[]>;
  /** Looks at an NSG that needs no write, and completes what was noted; `look-again` if that changed a row. */
  conclude(round: Round, admitted: readonly string[]): Promise<'look-again' | 'concluded'>;
  /** Completes what was noted where nothing could be concluded. */
  leave(): Promise<void>;
  /** Requests of which something is accepted that their rows do not hold: nothing is to be noted as seen of them. */
  readonly unnoted: ReadonlySet<string>;
}

export interface DriftCall {
  correlationId: string;
  /** Something is told of this NSG, or not audited yet: whether it is still so is to be found out. */
  revisit?: boolean;
}

/** Milliseconds before what somebody else has just changed is read again. */
const pause = 50;

/** Begins to watch for the length of one reconcile. Reads nothing of its own as long as there is nothing to tell. */
export function watchDrift(
  dependencies: DriftDependencies,
  nsgId: string,
  { correlationId, revisit = false }: DriftCall,
): DriftWatch {
  const { nsgs, clock, log, installation } = dependencies;
  /** The rows of the round before, which were there before the NSG of this round was read. */
  let earlier: LiveRow[] | undefined;
  let earlierBaselines: readonly BaselineRow[] | undefined;
  let isNeeded = revisit;
  /** As it was before the NSG of this round was read; undefined also where that is not known. */
  let stored: Stored<NsgRecord> | undefined;
  let state: 'not-read' | 'read' | 'unreadable' = 'not-read';
  let hasJournaled = false;
  /** What was accepted by this call: no row that will not hold it makes it go on for ever. */
  const accepted = new Set<string>();
  const lost = new Map<string, Drift>();
  const holding = new Set<string>();
  const unnoted = new Set<string>();

  return {
    unnoted,
    async begin() {
      if (isNeeded) await readRecord();
    },

    async look({ body, rows, baselines, now }) {
      const known = rows.map(({ row }) => row);
      const decided = decideDrift({
        body,
        rows: known,
        now,
        installation: installation.id,
        allowBand: installation.allowBand,
        baselines,
        ...(earlier === undefined ? {} : { earlier }),
      });
      const removed = decideBaselineDrift({
        body,
        baselines,
        installation,
        ...(earlierBaselines === undefined ? {} : { earlier: earlierBaselines }),
      });
      const found = [...decided.found, ...removed];
      earlier = known;
      earlierBaselines = baselines;
      holding.clear();
      found.forEach(({ key }) => holding.add(key));
      // A note that took too long may have been made all the same: what its row has taken is not to be told again.
      for (const { key, accepted: form } of lost.values()) {
        if (form !== undefined && !holding.has(key)) lost.delete(key);
      }
      if (decided.unsure || found.some(({ sure }) => !sure)) {
        isNeeded = true;
        return 'look-again';
      }
      if ((await tell(found, now)) === 'look-again') return 'look-again';
      unnoted.clear();
      return rows.map((one, index) => {
        const row = decided.rows[index] ?? one.row;
        if (row === one.row) return one;
        unnoted.add(row.requestId);
        return { ...one, row };
      });
    },

    async conclude({ body, rows, baselines, now }, admitted) {
      const found = foreignDrift({
        body,
        rows: rows.map(({ row }) => row),
        baselines,
        admitted,
        now,
        installation: installation.id,
      });
      found.forEach(({ key }) => holding.add(key));
      const all = [...found.map((finding) => ({ ...finding, sure: true })), ...lost.values()];
      const isFresh = state === 'read';
      // Most of it has been told: then nothing more is to be read.
      if (all.length > 0 && state === 'not-read') await readRecord();
      if (untold(all, stored?.row).length > 0 && !isFresh && state === 'read') {
        isNeeded = true;
        return 'look-again';
      }
      if ((await tell(all, now)) === 'look-again') return 'look-again';
      const outdated = Object.entries(stored?.row.told ?? {}).filter(([key]) => !holding.has(key));
      return (await complete(isFresh ? Object.fromEntries(outdated) : {})) ? 'look-again' : 'concluded';
    },

    async leave() {
      await complete({});
    },
  };

  async function readRecord(): Promise<void> {
    const read = await inTime(dependencies, { nsgId, correlationId }, () =>
      nsgs.get(nsgId).then((found) => ({ found })),
    );
    state = read === undefined ? 'unreadable' : 'read';
    stored = read?.found;
  }

  async function tell(found: readonly Drift[], now: Date): Promise<'look-again' | 'told'> {
    const news = untold(found, stored?.row).filter(({ key }) => !accepted.has(key));
    if (news.length === 0) return 'told';
    if (state === 'not-read') {
      isNeeded = true;
      return 'look-again';
    }
    const noticed = { at: now, correlationId };
    const portion = portionOf(news);
    const done =
      state === 'unreadable'
        ? undefined
        : await inTime(dependencies, { nsgId, correlationId }, () =>
            journalDrift(dependencies, nsgId, stored, portion, noticed),
          );
    if (done === 'changed') {
      await clock.sleep(pause);
      return 'look-again';
    }
    if (done === undefined) {
      // What is to be put right is put right all the same. It is told by this line, and noted if that can still be done.
      news.forEach((finding) => lost.set(finding.key, finding));
      log.error('drift-not-recorded', {
        nsgId,
        correlationId,
        count: news.length,
        found: portion.listed.map(({ key }) => key),
      });
      return 'told';
    }
    hasJournaled = true;
    portion.counted.forEach(({ key }) => lost.delete(key));
    portion.listed.forEach((finding) => {
      lost.delete(finding.key);
      if (finding.accepted !== undefined) accepted.add(finding.key);
      report(finding);
    });
    return 'told';
  }

  function report({ event, rule, requestId, virtualMachineId, accepted }: Drift): void {
    const facts = { nsgId, event, rule, ...(requestId === undefined ? {} : { requestId }), correlationId };
    if (virtualMachineId !== undefined) {
      const ofBaseline = { nsgId, virtualMachineId, correlationId };
      if (event === 'bypassed-by-foreign-rule') log.warn('baseline-bypassed', { ...ofBaseline, by: rule });
      else log.error('baseline-put-back', { ...ofBaseline, event, rule });
    } else if (event === 'blocked-by-foreign-rule')
      log.warn('grant-blocked', { nsgId, requestId, by: rule, correlationId });
    else if (event === 'bypassed-by-foreign-rule')
      log.warn('grant-bypassed', { nsgId, requestId, by: rule, correlationId });
    else if (accepted !== undefined) log.warn('drift-accepted', facts);
    else log.error('drift-reverted', facts);
  }

  /** Returns whether a row was changed by it. */
  async function complete(outdated: NsgRecord['told']): Promise<boolean> {
    const isPending = hasJournaled || (stored?.row.journal.length ?? 0) > 0;
    if (!isPending && Object.keys(outdated).length === 0) return false;
    try {
      const hasAccepted = await completeDrift(dependencies, nsgId, outdated);
      hasJournaled = false;
      isNeeded = true;
      return hasAccepted;
    } catch (error) {
      log.error('drift-not-completed', { nsgId, correlationId, cause: causeOf(error) });
      return false;
    }
  }
}
