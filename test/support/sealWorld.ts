import { chainRecord } from '../../src/core/auditRecord.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Seal } from '../../src/core/seal.ts';
import type { AuditTrail, LiveRows, Requests, Seals } from '../../src/core/stores.ts';
import { attestationsOf, verifySealed, verifySeals } from '../../src/core/verifySeals.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import { recordDenied, recordJournal } from '../../src/workflow/recordJournal.ts';
import { sealTrail, type SealReport } from '../../src/workflow/sealTrail.ts';
import { endedRequest, requestId, sampleRecord, sampleRequest } from '../contracts/samples.ts';
import { submission } from './grantWorld.ts';
import {
  createMemoryAuditTrail,
  createMemoryLiveRows,
  createMemoryRequests,
  createMemorySeals,
} from './memoryStores.ts';

export interface SealStores {
  requests: Requests;
  live: LiveRows;
  audit: AuditTrail;
  seals: Seals;
}

/** What is about to be called on a store; what it throws happens instead, what it returns is awaited first. */
export type BeforeEffect = (effect: string, parameters: unknown[]) => unknown;
/** As BeforeEffect, once it is done: what it throws is all that the caller sees. */
export type AfterEffect = (effect: string, parameters: unknown[]) => unknown;

export interface SealWorld {
  stores: SealStores;
  /** In the order they came. */
  logged: { level: 'info' | 'error'; message: string; facts: Record<string, unknown> }[];
  /** The instant of everything that happens next. */
  now: Date;
  seal(before?: BeforeEffect, after?: AfterEffect): Promise<SealReport>;
  /** A request that has ended, with its four records. */
  end(name: string): Promise<string>;
  /** A request that is being opened, with one record. */
  open(name: string): Promise<string>;
  deny(name: string): Promise<string>;
  /** A day's record of refused credentials. */
  refuse(day: string): Promise<string>;
  seals(): Promise<Seal[]>;
  /** Names of partitions, by seal. */
  sealed(): Promise<string[][]>;
  /** What is wrong with the seals, and with every partition that they name. */
  findings(): Promise<unknown[]>;
}

/** Tables in memory, or those given, and what the sweep would seal in them. */
export function sealWorld(at: Date, given?: SealStores): SealWorld {
  const clock: Clock = { now: () => world.now, sleep: () => Promise.resolve() };
  const stores = given ?? {
    requests: createMemoryRequests(),
    live: createMemoryLiveRows(),
    audit: createMemoryAuditTrail(() => world.now),
    seals: createMemorySeals(),
  };
  const { requests, live, audit, seals } = stores;
  const logged: SealWorld['logged'] = [];

  const world: SealWorld = {
    stores,
    logged,
    now: at,
    seal: (before, after) =>
      sealTrail({
        requests: watched('requests', requests, before, after),
        live: watched('live', live, before, after),
        audit: watched('audit', audit, before, after),
        seals: watched('seals', seals, before, after),
        clock,
        log: {
          info: (message, facts = {}) => logged.push({ level: 'info', message, facts }),
          warn: (message, facts = {}) => logged.push({ level: 'error', message, facts }),
          error: (message, facts = {}) => logged.push({ level: 'error', message, facts }),
        },
      }),
    async end(name) {
      const request = endedRequest(name);
      const { id: requestId, requester } = request;
      await live.addUnended({ requestId, requesterId: requester.objectId, createdAt: request.requestedAt });
      const recorded = await recordJournal(request, audit, clock.now());
      await requests.insert({ ...request, recorded });
      await live.markEnded(requestId, world.now.toISOString());
      return requestId;
    },
    async open(name) {
      const request = sampleRequest(name);
      const { id: requestId, requester } = request;
      await live.addUnended({ requestId, requesterId: requester.objectId, createdAt: request.requestedAt });
      await requests.insert({ ...request, recorded: await recordJournal(request, audit, clock.now()) });
      return requestId;
    },
    async deny(name) {
      const decision = { outcome: 'denied' as const, reasons: [], policies: [] };
      await recordDenied({ id: requestId(name), at: world.now.toISOString(), submission, decision }, audit);
      return requestId(name);
    },
    async refuse(day) {
      const partition = `unauthenticated-${day}`;
      const record = { ...sampleRecord(partition, `${day}T00:00:00.000Z`), event: 'unauthenticated' };
      await audit.index(record);
      await audit.insert(chainRecord(record, undefined));
      return partition;
    },
    seals: () => seals.after(0),
    sealed: async () => (await seals.after(0)).map(({ sealed }) => sealed.map(({ partition }) => partition)),
    async findings() {
      const chain = await seals.after(0);
      const ofPartitions = [...attestationsOf(chain)].map(async ([partition, attestations]) => {
        const records = await audit.read(partition);
        return [...verifyTrail(partition, records), ...verifySealed(partition, records, attestations)];
      });
      return [...verifySeals(chain, []), ...(await Promise.all(ofPartitions)).flat()];
    },
  };
  return world;
}

/** Calls of an object, announced before and after. */
function watched<T extends object>(
  name: string,
  target: T,
  before: BeforeEffect = () => undefined,
  after: AfterEffect = () => undefined,
): T {
  return new Proxy(target, {
    get(from, key, receiver) {
      const member: unknown = Reflect.get(from, key, receiver);
      if (typeof member !== 'function') return member;
      const effect = `${name}.${String(key)}`;
      return async (...parameters: unknown[]) => {
        await before(effect, parameters);
        const result: unknown = await Reflect.apply(member, from, parameters);
        await after(effect, parameters);
        return result;
      };
    },
  });
}

/** The requests whose live rows say that a seal names them. */
export async function marked(world: SealWorld): Promise<string[]> {
  const rows = await world.stores.live.unended();
  return rows.filter(({ sealed }) => sealed).map(({ requestId }) => requestId);
}
