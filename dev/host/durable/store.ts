import { randomBytes } from 'node:crypto';

import { odata, TableClient } from '@azure/data-tables';
import type { TransactionAction } from '@azure/data-tables';

import type { HistoryEvent } from './history.ts';

export type RuntimeStatus = 'Pending' | 'Running' | 'Suspended' | 'Completed' | 'Failed' | 'Terminated';

/** An orchestration instance. Inputs and outputs are JSON texts. */
export interface Instance {
  instanceId: string;
  name: string;
  executionId: string;
  generation: number | null;
  status: RuntimeStatus;
  input: string | null;
  output: string | null;
  customStatus: string | null;
  createdAt: string;
  updatedAt: string;
  /** How many events of this execution's history are committed; rows beyond were left by a commit that died. */
  events: number;
  /** The message that started it, and those of the last commit: known again should they survive a crash. */
  startedBy: string;
  consumed: string[];
}

/** Something to be delivered, once or more often: an event for an orchestration, or an activity to run. */
export interface Message {
  id: string;
  instanceId: string;
  /** Undefined: whichever execution there is (external events, terminate …). */
  executionId?: string;
  /** Not before this time (ms since 1970); while it is worked on, when it would be delivered again. */
  visibleAt: number;
  event: HistoryEvent;
  /** An activity's input text; its event is then the TaskScheduled. */
  work?: { input?: string };
}

const separator = '|';
const instanceRow = 'instance';
const messagePartition = 'messages';
type Row = { partitionKey: string; rowKey: string } & Record<string, string>;

/**
 * The task hub's state in two tables: `<hub>LocalInstances` (one partition per instance: its row and its history) and
 * `<hub>LocalMessages`. Everything is written through; nothing is polled. After `halt` no operation begins any more, as
 * if the process had been killed.
 */
export class Store {
  readonly #instances: TableClient;
  readonly #messages: TableClient;
  #halted = false;

  constructor(connectionString: string, hubName: string) {
    const options = { allowInsecureConnection: true };
    this.#instances = TableClient.fromConnectionString(connectionString, `${hubName}LocalInstances`, options);
    this.#messages = TableClient.fromConnectionString(connectionString, `${hubName}LocalMessages`, options);
  }

  halt(): void {
    this.#halted = true;
  }

  /** Creates the tables when they are missing and reads everything that has to be known to go on. */
  async open(): Promise<{ instances: Instance[]; messages: Message[] }> {
    await Promise.all([this.#instances.createTable(), this.#messages.createTable()]);
    const instances: Instance[] = [];
    const filter = odata`RowKey eq ${instanceRow}`;
    for await (const row of this.#instances.listEntities<Row>({ queryOptions: { filter } })) {
      instances.push(fromRow(row) as Instance);
    }
    const messages: Message[] = [];
    for await (const row of this.#messages.listEntities<Row>()) {
      const message = fromRow(row) as Message;
      messages.push({ ...message, visibleAt: Date.parse(row['visibleAt'] as string) });
    }
    return { instances, messages };
  }

  async putInstance(instance: Instance): Promise<void> {
    this.#check();
    await this.#instances.upsertEntity(toRow(partition(instance), instanceRow, instance), 'Replace');
  }

  /**
   * Writes an episode: its history events (from `from` on) and the instance, which is the commit point. Up to about
   * a hundred events that is one transaction.
   */
  async commit(instance: Instance, events: readonly HistoryEvent[], from: number): Promise<void> {
    const rows = events.map((event, index) =>
      toRow(partition(instance), historyRow(instance.executionId, from + index), event),
    );
    rows.push(toRow(partition(instance), instanceRow, instance));
    await this.#submit(
      this.#instances,
      rows.map((row): TransactionAction => ['upsert', row, 'Replace']),
    );
  }

  /** Reads an instance's row again, after a write whose answer was lost. */
  async instance(instanceId: string): Promise<Instance | undefined> {
    this.#check();
    const filter = odata`PartitionKey eq ${partition({ instanceId })} and RowKey eq ${instanceRow}`;
    for await (const row of this.#instances.listEntities<Row>({ queryOptions: { filter } })) {
      return fromRow(row) as Instance;
    }
    return undefined;
  }

  async history(instance: Instance): Promise<HistoryEvent[]> {
    this.#check();
    const filter = odata`PartitionKey eq ${partition(instance)} and RowKey ge ${historyRow(instance.executionId, 0)} and RowKey lt ${historyRow(instance.executionId, instance.events)}`;
    const events: HistoryEvent[] = [];
    for await (const row of this.#instances.listEntities<Row>({ queryOptions: { filter } })) {
      events.push(fromRow(row) as HistoryEvent);
    }
    return events;
  }

  /** Deletes an instance and its history; with `except`, only the history of its other executions. */
  async purge(instanceId: string, except?: string): Promise<void> {
    this.#check();
    const key = partition({ instanceId });
    const deletions: TransactionAction[] = [];
    const queryOptions = {
      filter: odata`PartitionKey eq ${key}`,
      select: ['PartitionKey', 'RowKey'],
    };
    for await (const row of this.#instances.listEntities<Row>({ queryOptions })) {
      const { rowKey } = row;
      if (except !== undefined && (rowKey === instanceRow || rowKey.startsWith(except + separator))) continue;
      deletions.push(['delete', { partitionKey: key, rowKey }]);
    }
    await this.#submit(this.#instances, deletions);
  }

  async addMessages(messages: readonly Message[]): Promise<void> {
    const rows = messages.map(({ visibleAt, ...message }) => ({
      ...toRow(messagePartition, message.id, message),
      visibleAt: new Date(visibleAt).toISOString(),
    }));
    await this.#submit(
      this.#messages,
      rows.map((row) => ['create', row]),
    );
  }

  /** Hides messages until `until`: stored before anything is done about them, so that a killed host delays them. */
  async hide(messages: readonly Message[], until: number): Promise<void> {
    const visibleAt = new Date(until).toISOString();
    await this.#submit(
      this.#messages,
      messages.map(({ id }) => [
        'update',
        { partitionKey: messagePartition, rowKey: id, visibleAt },
        'Merge',
      ]),
    );
  }

  async removeMessages(messages: readonly Message[]): Promise<void> {
    await this.#submit(
      this.#messages,
      messages.map(({ id }) => ['delete', { partitionKey: messagePartition, rowKey: id }]),
    );
  }

  /** A transaction holds 100 operations and 4 MiB. */
  async #submit(table: TableClient, actions: readonly TransactionAction[]): Promise<void> {
    let batch: TransactionAction[] = [];
    let size = 0;
    const flush = async () => {
      this.#check();
      if (batch.length > 0) await table.submitTransaction(batch);
      batch = [];
      size = 0;
    };
    for (const action of actions) {
      const length = JSON.stringify(action[1]).length;
      if (batch.length === 100 || size + length > 1_000_000) await flush();
      batch.push(action);
      size += length;
    }
    await flush();
  }

  #check(): void {
    if (this.#halted) throw new Halted();
  }
}

/** The engine has been stopped: what is under way is abandoned, as by a kill. */
export class Halted extends Error {
  override message = 'The Durable engine has been stopped.';
}

let lastMessage = 0;

/** Sorts in the order of creation, also across restarts as long as the clock does not go back. */
export function messageId(): string {
  lastMessage = Math.max(Date.now() * 1000, lastMessage + 1);
  return `${String(lastMessage).padStart(17, '0')}-${randomBytes(6).toString('hex')}`;
}

/** Instance ids may hold what a key may not (`/ \ # ?` and control characters; `%` confuses URLs). */
function partition({ instanceId }: { instanceId: string }): string {
  return instanceId.replace(/[^\w.@:-]|_/gu, (character) => `_${Buffer.from(character).toString('hex')}_`);
}

function historyRow(executionId: string, index: number): string {
  return `${executionId}${separator}${String(index).padStart(8, '0')}`;
}

/** A table's string property holds 32 Ki UTF-16 units: 15,000 characters fit, whatever they are. */
function toRow(partitionKey: string, rowKey: string, value: object): Row {
  const row: Row = { partitionKey, rowKey };
  const chunks = JSON.stringify(value).match(/.{1,15000}/gsu) ?? [];
  for (const [at, chunk] of chunks.entries()) row[`json${at}`] = chunk;
  return row;
}

function fromRow(row: Partial<Record<string, unknown>>): unknown {
  let json = '';
  for (let at = 0; row[`json${at}`] !== undefined; at++) json += String(row[`json${at}`]);
  return JSON.parse(json) as unknown;
}
