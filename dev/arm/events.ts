import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, Resource } from './resource.ts';
import { idKey } from './resource.ts';

export interface EventOptions {
  /** The webhook of the subscription, its key included. */
  url: string;
  schema: 'EventGridSchema' | 'CloudEventSchemaV1_0';
  /** Which deliveries come twice, and how late each is, follows from it. */
  seed: number;
  /** Of the fastest delivery; others take up to eight times as long. */
  delayMs: number;
}

/** Something that was written or deleted. */
export interface ResourceChange {
  id: string;
  operation: 'write' | 'delete';
  /** Milliseconds until it is done, and the event about it is made. */
  afterMs: number;
}

/** A system topic of each subscription, with one subscriber. */
export interface SystemTopic {
  tell(changes: readonly ResourceChange[]): void;
  /** Forgets what has not been delivered yet. */
  close(): void;
}

/** Event Grid tries again after 10 s, 30 s, 1 min and so on; here everything is quicker. */
const retryAfterMs = [1000, 2000, 4000, 8000, 16_000];
const oneInSoManyTwice = 4;

/**
 * Delivers an event for each change as Event Grid does: at least once, late, in any order. What is refused is tried again a
 * few times and then dropped.
 */
export function createSystemTopic(options: EventOptions, log?: (line: string) => void): SystemTopic {
  const { url, seed, delayMs } = options;
  const timers = new Set<NodeJS.Timeout>();
  const random = seededRandom(seed);

  function later(milliseconds: number, work: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, milliseconds);
    timers.add(timer);
  }

  async function deliver(event: JsonObject, attempt: number): Promise<void> {
    const status = await post(url, event).catch(() => 0);
    log?.(`event ${String(event['subject'])} ${status === 0 ? 'not delivered' : status}`);
    const again = retryAfterMs[attempt];
    if ((status < 200 || status > 204) && again !== undefined) {
      later(again, () => void deliver(event, attempt + 1));
    }
  }

  return {
    tell(changes) {
      for (const { id, operation, afterMs } of changes) {
        later(afterMs, () => {
          const event = eventOf(options.schema, id, operation);
          const copies = Math.floor(random() * oneInSoManyTwice) === 0 ? 2 : 1;
          for (let copy = 0; copy < copies; copy += 1) {
            later(delayMs * (1 + 7 * random()), () => void deliver(event, 0));
          }
        });
      }
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}

/** What differs between two states of the world: their resources by id. */
export function changesBetween(
  before: ReadonlyMap<string, Resource>,
  after: ReadonlyMap<string, Resource>,
): ResourceChange[] {
  const written = [...after].filter(([key, resource]) => !isDeepStrictEqual(before.get(key), resource));
  const deleted = [...before].filter(([key]) => !after.has(key));
  return [
    ...written.map(([, { id }]): ResourceChange => ({ id, operation: 'write', afterMs: 0 })),
    ...deleted.map(([, { id }]): ResourceChange => ({ id, operation: 'delete', afterMs: 0 })),
  ];
}

/** By the published schema; no event about an NSG was recorded by us. */
function eventOf(
  schema: EventOptions['schema'],
  id: string,
  operation: ResourceChange['operation'],
): JsonObject {
  // Azure's own sample of a write has the group's keyword in lower case, that of a delete has not.
  const resourceUri = operation === 'write' ? id.replace('/resourceGroups/', '/resourcegroups/') : id;
  const topic = id.split('/').slice(0, 3).join('/');
  const [, provider = ''] = id.split('/providers/');
  const type = provider.split('/').filter((_, index) => index === 0 || index % 2 === 1);
  const operationName = `${type.join('/')}/${operation}`;
  const eventType = `Microsoft.Resources.Resource${operation === 'write' ? 'Write' : 'Delete'}Success`;
  const time = new Date().toISOString();
  const data = {
    ...{ resourceUri, operationName, status: 'Succeeded', resourceProvider: type[0] },
    ...{ subscriptionId: topic.split('/')[2], correlationId: randomUUID() },
  };
  const common = { id: randomUUID(), subject: resourceUri, data };
  return schema === 'EventGridSchema'
    ? { ...common, topic, eventType, eventTime: time, dataVersion: '2', metadataVersion: '1' }
    : { ...common, specversion: '1.0', source: topic, type: eventType, time };
}

async function post(url: string, event: JsonObject): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'aeg-event-type': 'Notification' },
    body: JSON.stringify([event]),
  });
  await response.arrayBuffer();
  return response.status;
}

/** Mulberry32: the same sequence for the same seed. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The id in a path to an NSG or a rule of one that was written or deleted; undefined for every other call. */
export function writtenNsg(method: string, path: string): string | undefined {
  if (!['PUT', 'PATCH', 'DELETE'].includes(method)) return undefined;
  return /\/providers\/microsoft\.network\/networksecuritygroups\/[^/]+(?:\/securityrules\/[^/]+)?$/.test(
    idKey(path),
  )
    ? path
    : undefined;
}
