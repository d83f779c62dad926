import { isDesired, type AccessRequest, type LiveRow, type SeenGrant } from './accessRequest.ts';
import { clocksApart } from './acrossClocks.ts';
import type { Json, JsonObject } from './network.ts';
import { readRules } from './nsgBody.ts';
import type { Reason } from './reason.ts';
import type { Stored } from './stores.ts';

/**
 * `properties.flushConnection` of an NSG, exactly as it was read: no member where it was absent. While it is true, Azure
 * evaluates established flows anew whenever rules are updated, and when it is switched on; of the whole NSG.
 */
export interface FlushValue {
  value?: Json;
}

/** What the member was before it was switched on for the end of grants: kept from before that write until it is put back. */
export interface FlushRecord {
  former: FlushValue;
  /** The grants whose end it is switched on for. */
  requestIds: string[];
  /** Grows with everybody who is about to write and relies on it: whoever knows an earlier number must not drop it. */
  claim: number;
  /** When that was, ISO 8601. */
  at: string;
}

/** What a write does about the member, and what it rests on. */
export interface FlushChange {
  former: FlushValue;
  to: FlushValue;
}

/** What is to be done about the member of an NSG that was read. */
export type FlushStep =
  | { kind: 'nothing' }
  /** To be switched on with the write that ends these grants, or left on as we left it; the record comes first. */
  | { kind: 'set'; record: FlushRecord; requestIds: string[] }
  /** Somebody else has it on: Azure evaluates flows anew by itself, and what is recorded must go before the write. */
  | { kind: 'stands'; requestIds: string[] }
  /** It is on by our doing, and nothing ends. */
  | { kind: 'put-back'; former: FlushValue }
  /** What is recorded is not so any more: it was put back, or somebody else has changed it, which stays. */
  | { kind: 'forget' };

interface FlushInput {
  body: JsonObject;
  rows: readonly LiveRow[];
  now: Date;
  /** Installation id. */
  installation: string;
}

interface DecideInput extends FlushInput {
  record: FlushRecord | undefined;
}

/** The member of an NSG body. */
export function flushValueOf(body: JsonObject): FlushValue {
  const properties = propertiesOf(body);
  const value = Object.hasOwn(properties, 'flushConnection') ? properties['flushConnection'] : undefined;
  return value === undefined ? {} : { value };
}

/** Whether Azure evaluates established flows anew with every update of this NSG's rules. */
export function isFlushing(body: JsonObject): boolean {
  return flushValueOf(body).value === true;
}

/** The body with this as its member, or without one, and all else as it is. */
export function withFlushValue(body: JsonObject, { value }: FlushValue): JsonObject {
  const properties = { ...propertiesOf(body) };
  if (value === undefined) delete properties['flushConnection'];
  else properties['flushConnection'] = value;
  return { ...body, properties };
}

/** Grants that opted in, are over, and have a rule in the body that may admit: the next write ends them. */
export function endingWithFlush({ body, rows, now, installation }: FlushInput): string[] {
  const over = rows.filter((row) => row.flushConnection === true && !isDesired(row, now));
  if (over.length === 0) return [];
  const isPresent = presenceIn(body, installation);
  return over.map(({ requestId }) => requestId).filter(isPresent);
}

/** Whether a grant has a rule in the body that may admit. */
export function presenceIn(body: JsonObject, installation: string): (requestId: string) => boolean {
  const { byRequest } = readRules(body, installation);
  return (requestId) => byRequest.get(requestId)?.some(({ head }) => head.access !== 'deny') === true;
}

/**
 * Whether the member is on by our doing. The write that switches it on takes away the rules of the grants that are
 * recorded: where all of them still stand it was never done, and it was somebody else who switched it on.
 */
export function isOurFlush(body: JsonObject, record: FlushRecord | undefined, installation: string): boolean {
  if (record === undefined || !isFlushing(body)) return false;
  const isPresent = presenceIn(body, installation);
  return record.requestIds.some((requestId) => !isPresent(requestId));
}

/** What is to be done about the member: pure, of an NSG, of rows read after it, and of the record read after both. */
export function decideFlush(input: DecideInput): FlushStep {
  const { body, record, installation } = input;
  const requestIds = endingWithFlush(input);
  const isOurs = isOurFlush(body, record, installation);
  if (requestIds.length > 0) {
    if (isFlushing(body) && !isOurs) return { kind: 'stands', requestIds };
    return { kind: 'set', record: claimed(input, isOurs), requestIds };
  }
  if (record === undefined) return { kind: 'nothing' };
  return isOurs ? { kind: 'put-back', former: record.former } : { kind: 'forget' };
}

/** The record that the next write relies on. What it was before is in an earlier record only while it is on by our doing. */
function claimed({ body, record, now, ...input }: DecideInput, isOurs: boolean): FlushRecord {
  const ending = endingWithFlush({ body, now, ...input });
  const before = isOurs ? record : undefined;
  return {
    former: before?.former ?? flushValueOf(body),
    requestIds: [...new Set([...(before?.requestIds ?? []), ...ending])].sort(),
    claim: (record?.claim ?? 0) + 1,
    at: now.toISOString(),
  };
}

/** Milliseconds in which a write may still arrive that relies on a record: 5 s from its rows, and 20 s on its way. */
const mayArrive = 25_000 + clocksApart;

/** Whether nobody can be about to write who relies on this record. */
export function isSettledRecord({ at }: FlushRecord, now: Date): boolean {
  return now.getTime() - Date.parse(at) > mayArrive;
}

/** What became of flows that were established when a grant's rules went; left out where nobody saw it. */
export type Flows = NonNullable<SeenGrant['flows']>;

/** What was read back, with what became of the flows of grants that opted in and whose rules went; told once. */
export function withFlows(
  seen: ReadonlyMap<string, SeenGrant>,
  rows: readonly Stored<LiveRow>[],
  flowsOf: (requestId: string) => Flows | undefined,
): Map<string, SeenGrant> {
  const told = new Map(seen);
  for (const { row } of rows) {
    const now = seen.get(row.requestId);
    if (row.flushConnection !== true || now?.state !== 'shut' || now.changes.length === 0) continue;
    const flows = row.seen?.state === 'shut' ? row.seen.flows : flowsOf(row.requestId);
    if (flows !== undefined) told.set(row.requestId, { ...now, flows });
  }
  return told;
}

/** What became of established flows with the end of a grant that wanted them cut, for its journal; none for others. */
export function reasonsOfFlows(
  { flushConnection, targets, journal }: Pick<AccessRequest, 'flushConnection' | 'targets' | 'journal'>,
  seen: ReadonlyMap<string, Pick<SeenGrant, 'flows'>>,
): Reason[] {
  if (flushConnection !== true) return [];
  const wasActive = journal.some(({ event }) => event === 'active');
  const at = (flows: Flows | undefined) =>
    targets
      .filter(({ nsgId }) => seen.get(nsgId)?.flows === flows)
      .map(({ nsgId }) => nsgId.slice(nsgId.lastIndexOf('/') + 1))
      .join(', ');
  const [cut, kept, unseen] = [at('cut'), at('not-cut'), wasActive ? at(undefined) : ''];
  return [
    ...(cut === '' ? [] : [{ code: 'flows-cut' as const, message: `${wholeNsg} ${cut}.` }]),
    ...(kept === '' ? [] : [{ code: 'flows-not-cut' as const, message: `${notCut} ${kept}: ${mayStay}` }]),
    ...(unseen === ''
      ? []
      : [{ code: 'flows-not-cut' as const, message: `${notSeen} ${unseen}: ${mayStay}` }]),
  ];
}

/** What the end of a grant that wants established flows cut does to everybody else behind an NSG: a sentence. */
export function effectOfFlush(body: JsonObject): string {
  return isFlushing(body)
    ? 'flushConnection is on already, by somebody else: whenever rules change, Azure evaluates the established flows of everybody behind this network security group anew. It is left as it is.'
    : 'flushConnection is switched on with the write that ends it and put back after that: Azure evaluates the established flows of everybody behind this network security group anew, and cuts those that no rule admits, also flows that have nothing to do with this grant.';
}

const wholeNsg =
  'flushConnection was on when the rules went: Azure evaluates the established flows, of everybody, anew for the whole of';
const notCut = 'Established flows could not be cut at';
const notSeen = 'Nobody saw whether established flows were cut at';
const mayStay = 'who is connected may stay so.';

function propertiesOf(body: JsonObject): JsonObject {
  const properties = body['properties'];
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) {
    throw new Error('The NSG body has no properties');
  }
  return properties;
}
