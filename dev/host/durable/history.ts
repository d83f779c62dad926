/** History events as the Durable extension writes them: the field names and their order are those of its JSON. */
export interface HistoryEvent {
  EventType: number;
  EventId: number;
  IsPlayed: boolean;
  Timestamp: string;
  OrchestrationInstance?: { InstanceId: string; ExecutionId: string };
  Name?: string;
  Input?: string | null;
  TaskScheduledId?: number;
  TimerId?: number;
  FireAt?: string;
  Result?: string | null;
  Reason?: string;
  Details?: string;
  Generation?: number | null;
  OrchestrationStatus?: string;
}

export const EventType = {
  ExecutionStarted: 0,
  ExecutionCompleted: 1,
  ExecutionTerminated: 3,
  TaskScheduled: 4,
  TaskCompleted: 5,
  TaskFailed: 6,
  TimerCreated: 10,
  TimerFired: 11,
  OrchestratorStarted: 12,
  OrchestratorCompleted: 13,
  EventRaised: 15,
  ExecutionSuspended: 19,
  ExecutionResumed: 20,
} as const;

export function executionStarted(
  instance: { InstanceId: string; ExecutionId: string },
  name: string,
  input: string | null,
  generation: number | null,
): HistoryEvent {
  return {
    OrchestrationInstance: instance,
    EventType: EventType.ExecutionStarted,
    ...{ ParentInstance: null, Name: name, Version: null, Input: input, Tags: null, Correlation: null },
    ...{
      ParentTraceContext: null,
      ScheduledStartTime: null,
      Generation: generation,
      GenerateNewTrace: false,
    },
    ...base(-1),
  };
}

export function executionCompleted(id: number, status: string, result: string | null): HistoryEvent {
  return {
    EventType: EventType.ExecutionCompleted,
    ...{ OrchestrationStatus: status, Result: result, FailureDetails: null },
    ...base(id),
  };
}

export const executionTerminated = (reason: string): HistoryEvent => ({
  ...{ EventType: EventType.ExecutionTerminated, Input: reason },
  ...base(-1),
});

export const executionSuspended = (reason: string): HistoryEvent => ({
  ...{ EventType: EventType.ExecutionSuspended, Reason: reason },
  ...base(-1),
});

export const executionResumed = (reason: string): HistoryEvent => ({
  ...{ EventType: EventType.ExecutionResumed, Reason: reason },
  ...base(-1),
});

export const orchestratorStarted = (): HistoryEvent => ({
  EventType: EventType.OrchestratorStarted,
  ...base(-1),
});

export const orchestratorCompleted = (): HistoryEvent => ({
  EventType: EventType.OrchestratorCompleted,
  ...base(-1),
});

/** Its input stays null, as with the extension's default of not storing inputs in the history. */
export const taskScheduled = (id: number, name: string): HistoryEvent => ({
  EventType: EventType.TaskScheduled,
  ...{ Name: name, Version: '', Input: null, ParentTraceContext: null, Tags: null },
  ...base(id),
});

export const taskCompleted = (id: number, result: string): HistoryEvent => ({
  ...{ EventType: EventType.TaskCompleted, TaskScheduledId: id, Result: result },
  ...base(-1),
});

export const taskFailed = (id: number, reason: string, details: string): HistoryEvent => ({
  EventType: EventType.TaskFailed,
  ...{ TaskScheduledId: id, Reason: reason, Details: details, FailureDetails: null },
  ...base(-1),
});

export const timerCreated = (id: number, fireAt: string): HistoryEvent => ({
  ...{ EventType: EventType.TimerCreated, FireAt: fireAt },
  ...base(id),
});

/** Made together with the timer: the real event's Timestamp is the timer's creation, not its firing. */
export const timerFired = (id: number, fireAt: string): HistoryEvent => ({
  ...{ EventType: EventType.TimerFired, TimerId: id, FireAt: fireAt },
  ...base(-1),
});

export const eventRaised = (name: string, input: string): HistoryEvent => ({
  ...{ EventType: EventType.EventRaised, Name: name, Input: input, ParentTraceContext: null },
  ...base(-1),
});

function base(id: number): Pick<HistoryEvent, 'EventId' | 'IsPlayed' | 'Timestamp'> {
  return { EventId: id, IsPlayed: false, Timestamp: currentTime() };
}

/** The time, with the seven decimals of .NET's clock. */
export const currentTime = (): string => timestamp(Date.now(), subMillisecond());

/** UTC with up to seven decimals, trailing zeros cut, as .NET writes it. `ticks` are units of 100 ns below a millisecond. */
export function timestamp(ms: number, ticks = 0): string {
  const iso = new Date(ms).toISOString();
  const fraction = `${iso.slice(20, 23)}${String(ticks).padStart(4, '0')}`.replace(/0+$/, '');
  return `${iso.slice(0, 19)}${fraction === '' ? '' : `.${fraction}`}Z`;
}

/** Adds milliseconds and keeps the digits below them. */
export function addMilliseconds(time: string, ms: number): string {
  const ticks = /\.\d{3}(\d{1,4})Z$/.exec(time)?.[1] ?? '0';
  return timestamp(Date.parse(time) + ms, Number(ticks.padEnd(4, '0')));
}

/** Whole seconds, as the status API writes its times. */
export const wholeSeconds = (time: string): string => `${time.slice(0, 19)}Z`;

function subMillisecond(): number {
  return Number((process.hrtime.bigint() / 100n) % 10_000n);
}
