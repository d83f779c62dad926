import { EventType } from './history.ts';
import type { HistoryEvent } from './history.ts';
import type { Instance, Message, RuntimeStatus } from './store.ts';

/** What a batch of messages is to an instance. What is neither in `batch` nor `early` is stale and thrown away. */
export interface Inbox {
  instance: Instance | undefined;
  batch: Message[];
  /** Not yet to be delivered: the history that they belong to is not committed, or not begun. */
  early: Message[];
}

export function isFinal({ status }: Instance): boolean {
  return status === 'Completed' || status === 'Failed' || status === 'Terminated';
}

/** The instance as a start message describes it. */
export function startedInstance({ id, instanceId, event }: Message): Instance {
  const status: RuntimeStatus = 'Pending';
  return {
    ...{ instanceId, name: event.Name ?? '', status, input: event.Input ?? null },
    ...{ executionId: event.OrchestrationInstance?.ExecutionId ?? '', generation: event.Generation ?? null },
    ...{ output: null, customStatus: null, createdAt: event.Timestamp, updatedAt: event.Timestamp },
    ...{ events: 0, startedBy: id, consumed: [] },
  };
}

/** Messages come once or more often, late, and for executions that have been replaced: sorts out which ones count. */
export function sortInbox(
  known: Instance | undefined,
  history: readonly HistoryEvent[],
  messages: readonly Message[],
): Inbox {
  const start = messages.find((message) => isStart(message) && starts(message, known));
  const instance =
    start === undefined ? known : start.id === known?.startedBy ? known : startedInstance(start);
  const inbox: Inbox = { instance, batch: start === undefined ? [] : [start], early: [] };
  if (instance === undefined || (start === undefined && isFinal(instance))) return inbox;
  const seen = new Set(history.map(completionKey));
  const scheduled = new Set(history.map(scheduledKey));
  for (const message of messages) {
    const { event, executionId, id } = message;
    if (isStart(message) || id < instance.startedBy) continue;
    if (executionId !== undefined && executionId !== instance.executionId) continue;
    const key = completionKey(event);
    if (key !== undefined && seen.has(key)) continue;
    const tooEarly = key === undefined ? start === undefined && instance.events === 0 : !scheduled.has(key);
    if (tooEarly) {
      inbox.early.push(message);
    } else {
      seen.add(key);
      inbox.batch.push(message);
    }
  }
  return inbox;
}

const isStart = ({ event }: Message): boolean => event.EventType === EventType.ExecutionStarted;

function starts(message: Message, known: Instance | undefined): boolean {
  if (known === undefined) return true;
  return message.id === known.startedBy ? known.events === 0 : isFinal(known);
}

function completionKey({ EventType: type, TaskScheduledId, TimerId }: HistoryEvent): string | undefined {
  if (type === EventType.TaskCompleted || type === EventType.TaskFailed)
    return `task ${TaskScheduledId ?? ''}`;
  return type === EventType.TimerFired ? `timer ${TimerId ?? ''}` : undefined;
}

function scheduledKey({ EventType: type, EventId }: HistoryEvent): string | undefined {
  if (type === EventType.TaskScheduled) return `task ${EventId}`;
  return type === EventType.TimerCreated ? `timer ${EventId}` : undefined;
}
