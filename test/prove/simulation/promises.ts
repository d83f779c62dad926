import { isDeepStrictEqual } from 'node:util';
import {
  finalStates,
  type AccessRequest,
  type LiveRow,
  type RequestState,
} from '../../../src/core/accessRequest.ts';
import type { NsgRows } from '../../../src/core/stores.ts';
import type { AuditRecord } from '../../../src/core/auditRecord.ts';
import type { JsonObject, NsgDocument } from '../../../src/core/network.ts';
import type { Policy } from '../../../src/core/policy.ts';
import { driftEventName, driftPartition } from '../../../src/core/nsgRecord.ts';
import { verifyTrail } from '../../../src/core/verifyTrail.ts';
import type { Effect, LeavingWrite, Witness } from './effects.ts';
import {
  admittedBy,
  difference,
  intersection,
  isEmpty,
  matchedBy,
  packetsOf,
  sample,
  type PacketSet,
} from './packets.ts';
import { createBaselinePromises, type BaselinePromises } from './baselinePromises.ts';
import { createPeoplePromises, type PeoplePromises } from './peoplePromises.ts';
import { createPolicyLog, type PolicyLog } from './policyLog.ts';
import { noon, type Ask, type World } from './world.ts';
import { isBaselineRule, isOwned, machines, nameOf, nsgIds, ownerOf, rulesOf } from './worldModel.ts';

/** Bounds in seconds. */
export interface Bounds {
  /** How long after its end an allow may stand: two periods of the sweep, the start of its instance and two writes. */
  open: number;
  /** How far the clocks of processes are from the true one, at the most. */
  skew: number;
  /** How old the last complete sweep may be when something is opened; not looked at if it is left out. */
  heartbeat?: number;
  /** How long a request waits for people; without end if it is left out. */
  approval?: number;
}

/** What the checks know of one request: from what was asked for, not from what the code made of it. */
export interface Known {
  id: string;
  ask: Ask;
  packets: PacketSet;
  /** When its row was first stored: milliseconds since 1970. */
  askedAt: number;
  /** When it was last judged by what Azure shows of its machine. */
  judgedAt: number;
  /** What its row says; while it waits for people, nothing is promised, and it has no time at all. */
  start: number;
  end: number;
  /** Its ends as its live rows in an NSG said them, and since when. */
  ends: Map<string, { end: number; since: number }[]>;
  state: RequestState;
  /** Since when its live row in an NSG says that it is closing. */
  closingSince: Map<string, number>;
  /** NSGs in which its rules have been seen. */
  seenOpen: Set<string>;
  /** An extension of it waits for people. */
  isWaiting?: boolean;
  /** What its row shows to people who decide: the end of what waits. */
  shownEnd?: string;
  activeSince?: number;
  finalSince?: number;
}

export interface Promises extends Witness {
  broken: string[];
  /** What is asked for, before it is. */
  asks: Map<number, Ask>;
  known: Map<string, Known>;
  /** What people say and policies want. */
  people: PeoplePromises;
  baselines: BaselinePromises;
  policies: PolicyLog;
  /** Learns what policies say at first: what is let in is held against it from then on. */
  begin: () => Promise<void>;
  /** Somebody was promised what they asked for: from when to when, in milliseconds since 1970. */
  promised: (id: string, ask: Ask, start: number, end: number) => Known;
  changed: (nsgId: string, by: 'write' | 'edit') => void;
  /** Something that excuses a delay: Azure did not do what it should in an NSG, or a process died. */
  trouble: (nsgId?: string) => void;
  /** Storage was down: what is past its end is closed all the same, and what is revoked when that can be read. */
  storageTrouble: () => void;
  /** All tables are lost: no grant is known any more, and every one that is open has to be shut. */
  lost: () => void;
  /** This machine is not what it was: its grants have to end. */
  machineGone: (machineId: string) => void;
  /** From now on nobody is let in to this machine; what is under way has a minute. */
  refused: (machineId: string) => void;
  /** A deny of ours stands in an NSG, and no row says that it may go. */
  baseline: (nsgId: string, ruleName: string) => void;
  /** An administrator has touched a rule of ours. */
  tampered: (nsgId: string, ruleName: string) => void;
  /** To be called often: looks at what should be shut by now. */
  look: () => void;
  /** What was learnt from answers to reads, and outlives whoever read. */
  knownFromReads: () => string;
  /** When everything has had its time. */
  checkEnd: () => Promise<void>;
  counted: { writes: number; changes: number; opened: number; drift: number };
}

/** Rows of an NSG as they were read, and when they were asked for. */
interface RowsRead {
  at: number;
  rows: LiveRow[];
}

/**
 * Watches every effect and every change of an NSG, and says which promise was broken. It shares no code with what it
 * watches but the types: rules are judged packet by packet, rows by what was asked for.
 */
export function createPromises(world: () => World, bounds: Bounds): Promises {
  const broken = new Set<string>();
  const asks = new Map<number, Ask>();
  const known = new Map<string, Known>();
  const counted = { writes: 0, changes: 0, opened: 0, drift: 0 };
  /** What each process has read of an NSG's rows of late: its sweep reads them too, while a reconcile goes by its own. */
  const rowsRead = new Map<string, RowsRead[]>();
  const readBegan = new Map<string, number>();
  const audited = new Set<string>();
  let lastStorageTrouble = 0;
  let lostAt = Infinity;
  /** When the row that lets the sweep walk a request was last asked for. */
  const walkedSince = new Map<string, number>();
  /** Ids under which something was asked for before all tables were lost, and again after. */
  const sentAgain = new Set<string>();
  const goneAt = new Map<string, number>();
  const refusedAt = new Map<string, number>();
  let beatAt = -Infinity;
  const planted = new Map<string, string>();
  const lastTrouble = new Map<string, number>();
  /** Rules that somebody has touched, and when. */
  const touched = new Map<string, number>();
  /** Since when an owned allow stands in an NSG: of each request the first instant. */
  const standing = new Map<string, Map<string, number>>();
  /** The rules of an NSG that were there before its last change. */
  const before = new Map<string, JsonObject[]>();

  const now = () => world().clock.now().getTime();
  const violate = (promise: string, what: string) => {
    const text = `${promise}: ${what}`;
    if ([...broken].some((other) => other.startsWith(text))) return;
    broken.add(`${text}, ${((now() - noon.getTime()) / 1000).toFixed(1)} s after noon`);
  };
  const policies = createPolicyLog();
  const people = createPeoplePromises(policies, bounds, now, violate);
  const baselines = createBaselinePromises(policies, now, violate);
  const fresh = (key: string) => (rowsRead.get(key) ?? []).filter(({ at }) => now() - at <= 5000);
  const numberOf = (id: string) => `${known.get(id)?.ask.number ?? id}`;
  const short = (nsgId: string) => nsgId.slice(nsgId.lastIndexOf('/') + 1);

  function sent({ process, name, parameters }: Effect): void {
    if (name === 'live.allOfNsg') readBegan.set(`${process} ${String(parameters[0])}`, now());
  }

  function leaves(process: string, write: LeavingWrite): void {
    if (write.kind === 'nsg') checkWrite(process, write.nsg, write.body);
    else if (!isOwned({ name: write.ruleName })) {
      violate(
        'I3',
        `${write.ruleName} in ${short(write.nsgId)} is somebody else's and is written or deleted`,
      );
    }
  }

  function done({ process, name, parameters }: Effect, result: unknown): void {
    if (name === 'live.allOfNsg') {
      const key = `${process} ${String(parameters[0])}`;
      const read = { at: readBegan.get(key) ?? 0, rows: rowsIn(result) };
      rowsRead.set(key, [...fresh(key), read]);
    }
    if (name === 'live.addUnended') {
      walkedSince.set((parameters[0] as { requestId: string }).requestId, now());
    }
    if (name === 'requests.insert' && result !== 'exists') {
      const row = parameters[0] as AccessRequest;
      // Sent again under its key after all tables were lost, it is another request.
      if (lostAt < Infinity && (known.get(row.id)?.askedAt ?? Infinity) < lostAt) {
        known.delete(row.id);
        sentAgain.add(row.id);
      }
      noteRequest(row);
    }
    if (name === 'requests.replace' && result !== 'changed') noteRequest(parameters[0] as AccessRequest);
    if (
      (name === 'live.insert' && result === 'inserted') ||
      (name === 'live.replace' && result === 'replaced')
    ) {
      noteLive(parameters[0] as LiveRow);
    }
    if (
      (name === 'policies.insert' && result !== 'exists') ||
      (name === 'policies.replace' && result !== 'changed')
    ) {
      baselines.noted(parameters[0] as Policy);
    }
    if (name === 'sweepState.beat') beatAt = now();
    if (name === 'audit.insert') audited.add((parameters[0] as { partition: string }).partition);
    if (name === 'network.readNsg') noteSeen(String(parameters[0]), result);
  }

  /** What leaves: nothing foreign is changed, and what is new is wanted by rows that were read just before. */
  function checkWrite(process: string, nsg: NsgDocument, body: JsonObject): void {
    counted.writes += 1;
    const foreign = (whole: JsonObject) => [
      rulesOf(whole).filter((rule) => !isOwned(rule)),
      { ...whole, properties: { ...(whole['properties'] as JsonObject), securityRules: [] } },
    ];
    if (!isDeepStrictEqual(foreign(nsg.body), foreign(body))) {
      violate('I3', `a write to ${short(nsg.id)} changes what is not ours`);
    }
    const reads = fresh(`${process} ${nsg.id}`);
    const old = new Set(rulesOf(nsg.body).map((rule) => JSON.stringify(rule)));
    for (const rule of rulesOf(body)) {
      const owner = ownerOf(rule);
      if (owner === undefined || !allows(rule) || old.has(JSON.stringify(rule))) continue;
      const stood = rulesOf(nsg.body).some((other) => nameOf(other) === nameOf(rule) && allows(other));
      checkNewRule(nsg.id, rule, owner, reads, stood);
    }
  }

  function checkNewRule(
    nsgId: string,
    rule: JsonObject,
    owner: string,
    reads: RowsRead[],
    stood: boolean,
  ): void {
    const what = `${numberOf(owner)} in ${short(nsgId)}`;
    if (reads.length === 0) {
      violate('I5', `${what} is written later than 5 s after its rows were read`);
      return;
    }
    const read = reads.find(({ rows }) =>
      rows.some(({ requestId, state }) => requestId === owner && (state === 'opening' || state === 'active')),
    );
    if (read === undefined) {
      violate('I5', `${what} is written although its row does not want it`);
      return;
    }
    const request = known.get(owner);
    if (request === undefined) {
      violate('I4', `${what} is written and was never asked for`);
      return;
    }
    if (
      bounds.heartbeat !== undefined &&
      request.state === 'opening' &&
      // What stands and admits is put right, whether or not somebody would close it: that opens nothing.
      !stood &&
      now() > beatAt + bounds.heartbeat * 1000
    ) {
      violate('I1', `${what} is opened although no sweep has been complete for ${bounds.heartbeat} s`);
    }
    if (!audited.has(owner)) violate('I4', `${what} is written and has no audit record`);
    if ((request.closingSince.get(nsgId) ?? Infinity) < read.at) {
      violate('I5', `${what} is written from rows read after its revocation`);
    }
    if (request.end + bounds.skew * 1000 <= read.at) violate('I5', `${what} is written after its end`);
    checkWidth(nsgId, rule, request);
  }

  function checkWidth(nsgId: string, rule: JsonObject, request: Known): void {
    if (!request.ask.machine.nsgIds.includes(nsgId)) {
      violate('I2', `${request.ask.number} has a rule in ${short(nsgId)}, which is not on its path`);
    }
    const excess = difference(matchedBy(rule), request.packets);
    if (!isEmpty(excess)) violate('I2', `${request.ask.number} in ${short(nsgId)} admits ${sample(excess)}`);
  }

  /** The moment at which Azure has it: what stands, what it admits, and what it takes from whom. */
  function changed(nsgId: string, by: 'write' | 'edit'): void {
    counted.changes += 1;
    const rules = rulesOf(world().network.nsg(nsgId) ?? {});
    const old = before.get(nsgId) ?? [];
    before.set(nsgId, rules);
    const here = standing.get(nsgId) ?? new Map<string, number>();
    const stood = new Set(here.keys());
    const owners = new Set<string>();
    for (const rule of rules) {
      const owner = ownerOf(rule);
      if (owner === undefined || !allows(rule)) continue;
      owners.add(owner);
      if (!here.has(owner)) here.set(owner, now());
      const request = known.get(owner);
      if (request === undefined || by === 'edit') continue;
      if (!stood.has(owner)) people.opened(request, nsgId);
      if (!touched.has(`${nsgId} ${nameOf(rule)}`)) checkWidth(nsgId, rule, request);
      if (request.finalSince !== undefined && !stood.has(owner)) {
        violate('I5', `${request.ask.number} is let in to ${short(nsgId)} after it was recorded as ended`);
      }
      if (!request.seenOpen.has(nsgId)) {
        counted.opened += 1;
        request.seenOpen.add(nsgId);
      }
    }
    for (const owner of [...here.keys()]) if (!owners.has(owner)) here.delete(owner);
    standing.set(nsgId, here);
    baselines.changed(nsgId, by, old, rules);
    if (by === 'write') checkTaken(nsgId, old, rules);
    const baseline = planted.get(nsgId);
    if (baseline !== undefined && by === 'write' && !rules.some((rule) => nameOf(rule) === baseline)) {
      violate('I3', `the baseline of ${short(nsgId)} is taken away, and no row says so`);
    }
  }

  /** No write of ours takes from a grant that lives what it had. */
  function checkTaken(nsgId: string, old: JsonObject[], rules: JsonObject[]): void {
    // Then every allow of ours goes, also that of a grant that came in before the loss was noticed.
    if (lostAt < Infinity) return;
    const taken = difference(admittedBy(old), admittedBy(rules));
    if (isEmpty(taken)) return;
    for (const request of known.values()) {
      if (request.state !== 'active' || request.closingSince.size > 0) continue;
      if (!request.ask.machine.nsgIds.includes(nsgId)) continue;
      if (now() >= endKnown(request, nsgId) - bounds.skew * 1000 || isTouched(nsgId, request.id)) continue;
      const lost = intersection(taken, request.packets);
      if (!isEmpty(lost)) violate('I7', `${request.ask.number} loses ${sample(lost)} in ${short(nsgId)}`);
    }
  }

  /**
   * The end that everybody has to know by now: a write that is under way may go by rows from before an extension, and who
   * cannot read rows goes by what the rules say of themselves, which Azure may not have heard of yet.
   */
  function endKnown({ ends, end }: Known, nsgId: string): number {
    const isBlind = lastStorageTrouble >= now() - bounds.open * 1000;
    const told = (ends.get(nsgId) ?? []).filter(({ since }) => !isBlind && since <= now() - underWay);
    return Math.min(end, told.at(-1)?.end ?? ends.get(nsgId)?.[0]?.end ?? end);
  }

  function isTouched(nsgId: string, id: string): boolean {
    return [...touched.keys()].some((key) => key.startsWith(`${nsgId} sallyport-contoso-${id}-`));
  }

  function promised(id: string, ask: Ask, start: number, end: number): Known {
    const request: Known = {
      ...{ id, ask, start, end, state: 'opening', askedAt: now(), judgedAt: now() },
      packets: packetsOf({
        source: `${ask.source}/32`,
        destination: `${ask.machine.address}/32`,
        port: ask.port,
        protocol: 'Tcp',
      }),
      ends: new Map(),
      closingSince: new Map(),
      seenOpen: new Set(),
    };
    known.set(id, request);
    if (now() > (refusedAt.get(ask.machine.id) ?? Infinity) + 60_000) {
      violate('I2', `${ask.number} is let in to a machine whose address is not the only one of its NSG`);
    }
    return request;
  }

  function noteRequest(row: AccessRequest): void {
    let request = known.get(row.id);
    if (request === undefined) {
      const ask = asks.get(Number(row.justification.replace('sim ', '')));
      if (ask === undefined) return;
      request = promised(row.id, ask, ...timesOf(row));
      request.state = row.state;
      request.shownEnd = shownEndOf(row);
      people.noted(request, row, undefined);
      return;
    }
    people.noted(request, row, request);
    if (row.state !== request.state && (row.state === 'scheduled' || row.state === 'opening')) {
      request.judgedAt = now();
    }
    [request.start, request.end] = timesOf(row);
    request.isWaiting = row.extension !== undefined;
    request.shownEnd = shownEndOf(row);
    if (row.state === 'active' && request.state !== 'active') noteActive(request);
    if (finalStates.has(request.state) && row.state !== request.state) {
      violate('I8', `${request.ask.number} goes from ${request.state} to ${row.state}`);
    }
    if (finalStates.has(row.state) && !finalStates.has(request.state)) noteFinal(request);
    request.state = row.state;
  }

  function noteActive(request: Known): void {
    request.activeSince = now();
    for (const nsgId of request.ask.machine.nsgIds) {
      if (!request.seenOpen.has(nsgId)) {
        violate('I5', `${request.ask.number} is called active and never was open in ${short(nsgId)}`);
      }
    }
  }

  function noteFinal(request: Known): void {
    request.finalSince = now();
    for (const nsgId of nsgIds) {
      if (standing.get(nsgId)?.has(request.id) === true && !isTouched(nsgId, request.id)) {
        violate('I5', `${request.ask.number} is recorded as ended and is open in ${short(nsgId)}`);
      }
    }
  }

  function noteLive(row: LiveRow): void {
    const request = known.get(row.requestId);
    if (request === undefined) return;
    if (row.state === 'opening' || row.state === 'active') {
      const ends = request.ends.get(row.nsgId) ?? [];
      const end = Date.parse(row.end);
      if (ends.at(-1)?.end !== end) request.ends.set(row.nsgId, [...ends, { end, since: now() }]);
      if (request.closingSince.has(row.nsgId) && lostAt === Infinity) {
        violate('I5', `${request.ask.number} is wanted again in ${short(row.nsgId)} after it was closing`);
      }
      return;
    }
    if (!request.closingSince.has(row.nsgId)) request.closingSince.set(row.nsgId, now());
  }

  function noteSeen(nsgId: string, result: unknown): void {
    const { kind, nsg } = result as { kind: string; nsg?: NsgDocument };
    if (kind !== 'read' || nsg === undefined) return;
    for (const rule of rulesOf(nsg.body)) {
      const owner = ownerOf(rule);
      if (owner !== undefined && allows(rule)) known.get(owner)?.seenOpen.add(nsgId);
    }
  }

  function look(): void {
    for (const nsgId of nsgIds) {
      const excused = Math.max(lastTrouble.get(nsgId) ?? 0, lastTrouble.get('') ?? 0, lastStorageTrouble);
      const until = now() - bounds.open * 1000;
      if (excused < until) baselines.settled(nsgId, until, rulesOf(world().network.nsg(nsgId) ?? {}));
    }
    for (const [nsgId, here] of standing) {
      for (const [owner, since] of here) {
        const request = known.get(owner);
        const excused = Math.max(since, lastTrouble.get(nsgId) ?? 0, lastTrouble.get('') ?? 0);
        // By its description, whatever the tables say; and by its row, once that can be read.
        const byEnd = Math.max(request?.end ?? since, excused);
        const byRow = Math.max(
          Math.min(
            request?.closingSince.get(nsgId) ?? Infinity,
            request?.finalSince ?? Infinity,
            endsWithMachine(request),
            lostAt,
          ),
          excused,
          lastStorageTrouble,
        );
        if (now() > Math.min(byEnd, byRow) + bounds.open * 1000) {
          violate(
            'I1',
            `${numberOf(owner)} is open in ${short(nsgId)} ${bounds.open} s after it should be shut`,
          );
        }
      }
    }
  }

  /** When its machine was gone, if it is a grant from before that. */
  function endsWithMachine(request: Known | undefined): number {
    const at = request === undefined ? undefined : goneAt.get(request.ask.machine.id);
    return request === undefined || at === undefined || request.judgedAt > at ? Infinity : at;
  }

  async function checkEnd(): Promise<void> {
    const { stores } = world();
    for (const request of known.values()) {
      const stored = await stores.requests.get(request.id);
      // Half of its rows went, and half came after; or it was sent again and has a record of what it was before, which a step
      // wrote that had read it then. Its port is shut like every other, and nobody can go on with its books.
      const first = (await stores.audit.read(request.id))[0];
      const isOfBefore = sentAgain.has(request.id) && Date.parse(first?.at ?? '') < lostAt;
      const halfLost = (walkedSince.get(request.id) ?? 0) < lostAt || isOfBefore;
      if (lostAt < Infinity && (request.askedAt < lostAt || halfLost)) continue;
      if (stored === undefined) {
        violate('I8', `${request.ask.number} has lost its row`);
        continue;
      }
      const { row } = stored;
      if (!finalStates.has(row.state)) violate('I8', `${request.ask.number} hangs in ${row.state}`);
      checkRecords(request, row, await stores.audit.read(request.id));
    }
    for (const nsgId of nsgIds) await checkDrift(nsgId);
  }

  /** What others did is told in one chain, what is accepted of a rule only once, and nothing of it is left undone. */
  async function checkDrift(nsgId: string): Promise<void> {
    const { audit, nsgs } = world().stores;
    const partition = driftPartition(nsgId);
    const records = await audit.read(partition);
    for (const { fault, sequence, message } of verifyTrail(partition, records)) {
      // What was lost with the tables is missing before a record that was under way then, and is to be told as that.
      if (lostAt < Infinity && fault === 'missing' && sequence === 1) continue;
      violate('I6', `${nsgId}: ${message}`);
    }
    const deleted = records.filter(({ event }) => event === driftEventName('rule-deleted'));
    const rules = deleted.map(({ details }) => details?.['rule']);
    if (new Set(rules).size !== rules.length) violate('I6', `${nsgId}: a rule was deleted twice`);
    const record = (await nsgs.get(nsgId))?.row;
    // Without the rows of its grants nobody can tell what has become of a rule; a person has to look first.
    if (lostAt < Infinity) return;
    for (const { event, details } of records) {
      const rule = String(details?.['rule']);
      if (accusing.has(event) && !touched.has(`${nsgId} ${rule}`)) {
        violate('I6', `${short(nsgId)}: ${event} is recorded of ${rule}, which nobody has touched`);
      }
    }
    if (record !== undefined && record.journal.length > 0) {
      violate('I10', `${nsgId}: ${record.journal.length} decisions on drift are not audited`);
    }
    counted.drift += records.length;
  }

  function checkRecords(request: Known, row: AccessRequest, records: AuditRecord[]): void {
    const events = records.map(({ event }) => event.replace('request.', ''));
    const { ask } = request;
    const journal = row.journal.map(({ event }) => event);
    people.checkRecords(
      request,
      records.map(({ actor }, index) => ({ actor, event: events[index] ?? '' })),
    );
    if (!isDeepStrictEqual(events, journal)) {
      violate('I6', `${ask.number} has the records ${events.join()} for ${journal.join()}`);
    }
    const transitions = events.filter((event) => !repeated.has(event));
    if (new Set(transitions).size !== transitions.length) {
      violate('I6', `${ask.number} has two records of one transition: ${transitions.join()}`);
    }
    records.forEach((record, index) => {
      const isNext =
        record.sequence === index + 1 && record.previousHash === (records[index - 1]?.hash ?? '');
      if (!isNext) violate('I6', `record ${index + 1} of ${ask.number} is not chained to the one before it`);
    });
    if (row.recorded !== row.journal.length)
      violate('I6', `${ask.number} knows of ${row.recorded} records only`);
  }

  return {
    get broken() {
      return [...broken];
    },
    asks,
    known,
    people,
    baselines,
    policies,
    begin: async () => {
      for (const { row } of await world().stores.policies.all()) baselines.noted(row);
    },
    promised,
    counted,
    sent,
    leaves,
    done,
    changed,
    trouble: (nsgId = '') => lastTrouble.set(nsgId, now()),
    storageTrouble: () => {
      lastStorageTrouble = now();
    },
    lost: () => {
      lostAt = now();
      baselines.lost();
    },
    machineGone: (machineId) => {
      goneAt.set(machineId, now());
    },
    refused: (machineId) => {
      refusedAt.set(machineId, now());
      for (const machine of machines.filter(({ id }) => id === machineId)) baselines.vanished(machine);
    },
    baseline: (nsgId, ruleName) => {
      planted.set(nsgId, ruleName);
    },
    tampered: (nsgId, ruleName) => {
      touched.set(`${nsgId} ${ruleName}`, now());
      if (isBaselineRule({ name: ruleName })) baselines.touched(nsgId);
    },
    look,
    knownFromReads: () => [...known.values()].map(({ seenOpen }) => [...seenOpen].join()).join(';'),
    checkEnd,
  };
}

/** What is on its way when rows change, in milliseconds: as old as rows may be, and as long as a write may take. */
const underWay = 30_000;

/** From when to when a row wants to be open; never while it waits for people. */
function shownEndOf({ end, extension }: AccessRequest): string {
  return extension?.end ?? end;
}

function timesOf({ state, start, end }: AccessRequest): [number, number] {
  return state === 'pending' ? [Infinity, 0] : [Date.parse(start), Date.parse(end)];
}

/** What may happen to one request more than once. */
const repeated: ReadonlySet<string> = new Set([
  'orchestration-restarted',
  'approved',
  'extension-requested',
  'extension-approved',
  'extension-denied',
  'extension-expired',
  'extended',
  'ending-soon',
]);

/** What is said of somebody. */
const accusing: ReadonlySet<string> = new Set(
  (['rule-deleted', 'rule-narrowed', 'rule-widened', 'rule-tampered', 'baseline-removed'] as const).map(
    driftEventName,
  ),
);

function allows(rule: JsonObject): boolean {
  return (rule['properties'] as JsonObject)['access'] === 'Allow';
}

/** Rows as they are read, with their ETags or without. */
function rowsIn(result: unknown): LiveRow[] {
  return (result as NsgRows).grants.map(({ row }) => row);
}
