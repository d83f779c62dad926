import { isDeepStrictEqual } from 'node:util';
import { isDesired, type LiveRow, type SeenGrant } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import {
  decideFlush,
  flushValueOf,
  isFlushing,
  isOurFlush,
  isSettledRecord,
  presenceIn,
  withFlows,
  type Flows,
  type FlushChange,
  type FlushRecord,
  type FlushStep,
  type FlushValue,
} from '../core/flushConnection.ts';
import type { JsonObject, WriteNsgResult } from '../core/network.ts';
import type { FlushEvent, NsgRecord } from '../core/nsgRecord.ts';
import type { Stored } from '../core/stores.ts';
import { subscriptionOf } from '../core/resourceId.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import {
  completeDrift,
  storeRecord,
  withEntries,
  within,
  type RecordDependencies,
  type UnnumberedEntry,
} from './recordDrift.ts';

/** One round of a reconcile: an NSG as it was read, and its rows read after it. */
export interface FlushRound {
  body: JsonObject;
  provisioningState: string;
  rows: readonly Stored<LiveRow>[];
  now: Date;
}

/**
 * What one reconcile does about `flushConnection` of its NSG. Nothing of it rejects and no close waits for it: where it
 * fails, flows are not cut, or it stays switched on until the sweep, and both are told.
 */
export interface FlushWatch {
  /** Comes after each reading of NSG and rows. Reads the record only where somebody opted in, or it is known of. */
  look(round: FlushRound): Promise<void>;
  /**
   * What a write that has something else to do does about it; what it rests on is recorded by then. `look-again` where
   * somebody else has changed the record meanwhile.
   */
  prepare(): Promise<'look-again' | FlushChange | undefined>;
  /** That body is sent now. */
  sends(body: JsonObject): void;
  /** How that went. */
  written(kind: WriteNsgResult['kind']): void;
  /** Azure refuses a write that switches it on: true if the same is to be tried once without. */
  withdraw(): boolean;
  /** What was read back, with what became of established flows. */
  tell(seen: ReadonlyMap<string, SeenGrant>): Map<string, SeenGrant>;
  /**
   * Puts back what it was where nothing else is to be written, and drops the record where that is done. True if the NSG
   * must be read again.
   */
  putBack(send: (change: FlushChange) => Promise<WriteNsgResult['kind'] | 'not-proven'>): Promise<boolean>;
  /** Completes the audit of what was noted. */
  leave(): Promise<void>;
}

export interface FlushCall {
  correlationId: string;
  /** Something of this NSG is not settled: the record is looked for. */
  revisit?: boolean;
}

/** Times that anything is tried in one reconcile, and seconds after which putting back is left to the sweep: closes wait. */
const mostTries = 3;
const longest = 10;

/** What came of changing the record: it may be somebody else's by then, or tables fail. */
type Noted = 'journaled' | 'changed' | 'failed';

/** Begins to watch for the length of one reconcile. Without anybody who opted in it reads and writes nothing. */
export function watchFlush(
  dependencies: RecordDependencies & Pick<Dependencies, 'budget' | 'installation'>,
  nsgId: string,
  { correlationId, revisit = false }: FlushCall,
): FlushWatch {
  const { nsgs, audit, budget, clock, log } = dependencies;
  const installation = dependencies.installation.id;
  const facts = { nsgId, correlationId };
  const began = clock.now();
  let round: FlushRound | undefined;
  let step: FlushStep = { kind: 'nothing' };
  /** As it was after the NSG of this round was read. */
  let stored: Stored<NsgRecord> | undefined;
  let isReadable = true;
  /** The record as this reconcile has made it, and whether no write of ours that relies on it can still arrive. */
  let own: FlushRecord | undefined;
  let isOwnSettled = false;
  /** Grants whose rules the last write took away, and whether it was on then. */
  let sent: { requestIds: readonly string[]; on: boolean } | undefined;
  const flows = new Map<string, Flows>();
  let isWithdrawn = false;
  let changes = 0;
  let tries = 0;
  let hasGivenUp = false;
  let hasPutBack = false;
  let hasJournaled = false;

  return {
    async look(now) {
      round = now;
      step = { kind: 'nothing' };
      if (matters(now)) {
        await readRecord();
        step = decideFlush(inputOf(now));
        note(now);
      }
    },

    async prepare() {
      if (round === undefined) return undefined;
      const { provisioningState } = round;
      if (step.kind === 'stands' && record() !== undefined) {
        return (await forget(step)) === 'changed' ? 'look-again' : undefined;
      }
      if (step.kind === 'set') return isWithdrawn ? undefined : claim(step);
      // A write that failed may not have been carried out: what it was to cut is cut by the same again.
      if (step.kind !== 'put-back' || provisioningState !== 'Succeeded') return undefined;
      return relyOn(step.former);
    },

    sends(body) {
      const requestIds = step.kind === 'set' || step.kind === 'stands' ? step.requestIds : [];
      sent = { requestIds, on: isFlushing(body) };
    },

    written(kind) {
      if (kind !== 'settled') return;
      isOwnSettled = true;
      hasPutBack ||= step.kind === 'put-back' && sent?.on === false;
    },

    withdraw() {
      if (isWithdrawn || step.kind !== 'set' || sent?.on !== true) return false;
      isWithdrawn = true;
      log.error('flush-connection-refused', facts);
      return true;
    },

    tell(seen) {
      return withFlows(seen, round?.rows ?? [], (requestId) => flows.get(requestId));
    },

    async putBack(send) {
      if (step.kind === 'forget') await forget(step);
      if (step.kind !== 'put-back' || hasGivenUp || round === undefined) return false;
      // What opens waits while calls are short, and so does this.
      if (budget.standing(subscriptionOf(nsgId)).opens === 'later') return false;
      if (tries >= mostTries || clock.now() > secondsAfter(began, longest)) return giveUp('not-settled');
      tries += 1;
      const kind = await send(relyOn(step.former));
      if (kind === 'settled') hasPutBack = isOwnSettled = true;
      else if (kind === 'unknown' || kind === 'locked') await clock.sleep(1000);
      else if (kind !== 'changed-meanwhile' && kind !== 'too-late') giveUp(kind);
      return true;
    },

    async leave() {
      await complete();
    },
  };

  function matters({ body, rows, now }: FlushRound): boolean {
    if (revisit || own !== undefined) return true;
    return rows.some(
      ({ row }) =>
        row.flushConnection === true &&
        (isFlushing(body) || (!isDesired(row, now) && row.seen?.state !== 'shut')),
    );
  }

  function inputOf({ body, rows, now }: FlushRound) {
    return { body, rows: rows.map(({ row }) => row), now, installation, record: record() };
  }

  function record(): FlushRecord | undefined {
    return stored?.row.flush;
  }

  async function readRecord(): Promise<void> {
    const read = await attempt(() => nsgs.get(nsgId).then((found) => ({ found })));
    isReadable = read !== undefined;
    stored = read?.found;
  }

  /** Only what is read back is called cut: on, and the rules gone, by a write of ours or of whoever made the record. */
  function note({ body }: FlushRound): void {
    const isPresent = presenceIn(body, installation);
    const known = isOurFlush(body, record(), installation) ? (record()?.requestIds ?? []) : [];
    for (const requestId of [...(sent?.requestIds ?? []), ...known].filter((id) => !isPresent(id))) {
      if (isFlushing(body) && (sent?.on === true || known.includes(requestId))) flows.set(requestId, 'cut');
      else if (sent?.on === false) flows.set(requestId, 'not-cut');
    }
  }

  /** What puts it back. Whoever else relies on the same record has read the NSG before this is written, and fails. */
  function relyOn(former: FlushValue): FlushChange {
    own = record();
    isOwnSettled = false;
    return { former, to: former };
  }

  /** Records what it was, with who causes the change, before anything is written that relies on it. */
  async function claim({
    record: next,
  }: Extract<FlushStep, { kind: 'set' }>): ReturnType<FlushWatch['prepare']> {
    const { former, requestIds } = next;
    const isNew = record()?.requestIds.join() !== requestIds.join();
    const message = `flushConnection is switched on with the end of ${requestIds.length} grants: Azure evaluates the established flows of the whole network security group anew. Before that it was ${textOf(former)}.`;
    const entries = isNew ? [entryOf('flush-connection-set', requestIds, message)] : [];
    isOwnSettled = false;
    own = undefined;
    const done = await store(entries, (row) => ({ ...row, flush: next }));
    if (done === 'changed') return 'look-again';
    if (done === 'failed') return undefined;
    own = next;
    return { former, to: { value: true } };
  }

  /**
   * Drops a record that does not speak of the NSG any more: at once where it is ours and no write can still arrive that
   * relies on it, or where somebody else has it on; else later.
   */
  async function forget({ kind }: FlushStep): Promise<Noted | undefined> {
    const known = record();
    if (known === undefined || round === undefined) return undefined;
    const isDone = isOwnSettled && isDeepStrictEqual(known, own);
    if (kind !== 'stands' && !isDone && !isSettledRecord(known, clock.now())) return undefined;
    const value = textOf(flushValueOf(round.body));
    const [event, message] = hasPutBack
      ? (['flush-connection-put-back', `flushConnection was put back: it is ${value}, as before.`] as const)
      : ([
          'flush-connection-left',
          `flushConnection is ${value}, and not by a write of this call: it stays so. Before Sallyport it was ${textOf(known.former)}.`,
        ] as const);
    const done = await store([entryOf(event, known.requestIds, message)], (row) => {
      const next = { ...row };
      delete next.flush;
      return next;
    });
    if (done === 'journaled') own = undefined;
    return done;
  }

  function entryOf(event: FlushEvent, requestIds: string[], message: string): UnnumberedEntry {
    const at = clock.now().toISOString();
    return { event, at, requestIds, correlationId, reasons: [{ code: 'flush-connection', message }] };
  }

  /** Stores the record of the NSG with these entries if it is still as it was read. */
  async function store(
    entries: readonly UnnumberedEntry[],
    change: (row: NsgRecord) => NsgRecord,
  ): Promise<Noted> {
    if (!isReadable) return 'failed';
    const done = await attempt(async () => {
      const next = change(await withEntries(audit, nsgId, stored?.row, entries));
      return storeRecord(nsgs, next, stored?.etag);
    });
    hasJournaled ||= done === 'journaled' && entries.length > 0;
    if (done === 'changed') changes += 1;
    return done === 'changed' && changes > mostTries ? 'failed' : (done ?? 'failed');
  }

  function giveUp(why: string): false {
    hasGivenUp = true;
    log.error('flush-connection-not-put-back', { ...facts, why });
    return false;
  }

  async function complete(): Promise<void> {
    if (!hasJournaled) return;
    hasJournaled = false;
    await attempt(() => completeDrift(dependencies, nsgId));
  }

  /** Undefined where tables fail or take too long. */
  async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      const done = await within(clock, work);
      if (done === undefined)
        log.error('flush-connection-not-recorded', { ...facts, cause: 'It took too long.' });
      return done;
    } catch (error) {
      log.error('flush-connection-not-recorded', { ...facts, cause: causeOf(error) });
      return undefined;
    }
  }
}

function textOf({ value }: FlushValue): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}
