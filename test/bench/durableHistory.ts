/** One event of a Durable history, in the fields that its transactions are counted from and that a replay needs. */
export interface DurableEvent extends Record<string, unknown> {
  EventType: number;
}

export const eventTypes = {
  executionStarted: 0,
  executionCompleted: 1,
  taskScheduled: 4,
  taskCompleted: 5,
  taskFailed: 6,
  timerCreated: 10,
  timerFired: 11,
  orchestratorStarted: 12,
  orchestratorCompleted: 13,
  eventRaised: 15,
} as const;

export interface DurableCost {
  episodes: number;
  activities: number;
  tables: number;
  queues: number;
  /** Storage transactions in all. */
  total: number;
}

/**
 * What a finished orchestration cost in transactions of the Azure Storage backend, polls of empty queues apart.
 * Starting it: two table reads, one write, one message. Each episode: history read and written, instance merged, one
 * message got and deleted. Each activity: its message put, got and deleted, its result put. Each event: two reads and a
 * message. A timer: one message; one that comes after the end is got, deleted, and costs two reads.
 */
export function durableCost(history: readonly DurableEvent[]): DurableCost {
  const count = (type: number) => history.filter(({ EventType }) => EventType === type).length;
  const episodes = count(eventTypes.orchestratorStarted);
  const activities = count(eventTypes.taskScheduled);
  const timers = count(eventTypes.timerCreated);
  const lateTimers = timers - count(eventTypes.timerFired);
  const events = count(eventTypes.eventRaised);
  const tables = 3 + 3 * episodes + 2 * events + 2 * lateTimers;
  const queues = 1 + 2 * episodes + 4 * activities + events + timers + 2 * lateTimers;
  return { episodes, activities, tables, queues, total: tables + queues };
}
