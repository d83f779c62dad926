import { EventType, timestamp, wholeSeconds } from './history.ts';
import type { HistoryEvent } from './history.ts';
import { parse } from './payload.ts';
import type { Instance } from './store.ts';

/** An instance as the status API shows it. */
export function statusDocument(instance: Instance, showInput: boolean): Record<string, unknown> {
  return {
    name: instance.name,
    instanceId: instance.instanceId,
    runtimeStatus: instance.status,
    input: showInput ? value(instance.input) : null,
    customStatus: value(instance.customStatus),
    output: value(instance.output),
    createdTime: wholeSeconds(instance.createdAt),
    lastUpdatedTime: wholeSeconds(instance.updatedAt),
  };
}

/**
 * The history as the status API shows it: names for types, the scheduling merged into the completion, episodes left out.
 * @throws Error in the real extension's words when one id was scheduled twice, as after a detected non-determinism
 */
export function historyDocument(
  history: readonly HistoryEvent[],
  showOutput: boolean,
): Record<string, unknown>[] {
  const scheduled = new Map<number, HistoryEvent>();
  const shown: Record<string, unknown>[] = [];
  for (const event of history) {
    if (event.EventType === EventType.TaskScheduled) {
      if (scheduled.has(event.EventId)) {
        throw new Error(
          `An item with the same key has already been added. Key: TaskScheduled_${event.EventId}`,
        );
      }
      scheduled.set(event.EventId, event);
    } else {
      const document = eventDocument(event, scheduled, showOutput);
      if (document !== undefined) shown.push(document);
    }
  }
  return shown;
}

function eventDocument(
  event: HistoryEvent,
  scheduled: ReadonlyMap<number, HistoryEvent>,
  showOutput: boolean,
): Record<string, unknown> | undefined {
  const { Timestamp } = event;
  switch (event.EventType) {
    case EventType.ExecutionStarted:
      return {
        ...{ EventType: 'ExecutionStarted', Input: event.Input, Correlation: null, ParentTraceContext: null },
        ...{ ScheduledStartTime: null, Generation: event.Generation, GenerateNewTrace: false, Timestamp },
        FunctionName: event.Name,
      };
    case EventType.TaskCompleted:
      return { EventType: 'TaskCompleted', ...result(event, showOutput), ...task(event, scheduled) };
    case EventType.TaskFailed: {
      const { Reason, Details } = event;
      return {
        EventType: 'TaskFailed',
        ...{ Reason, Details, FailureDetails: null },
        ...task(event, scheduled),
      };
    }
    case EventType.TimerCreated:
      return { EventType: 'TimerCreated', FireAt: event.FireAt, Timestamp };
    case EventType.TimerFired:
      return { EventType: 'TimerFired', FireAt: event.FireAt, Timestamp };
    case EventType.EventRaised:
      return {
        ...{ EventType: 'EventRaised', Name: event.Name, Input: event.Input },
        ...{ ParentTraceContext: null, Timestamp },
      };
    case EventType.ExecutionTerminated:
      return { EventType: 'ExecutionTerminated', Input: event.Input, Timestamp };
    case EventType.ExecutionSuspended:
      return { EventType: 'ExecutionSuspended', Reason: event.Reason, Timestamp };
    case EventType.ExecutionResumed:
      return { EventType: 'ExecutionResumed', Reason: event.Reason, Timestamp };
    case EventType.ExecutionCompleted:
      return {
        ...{ EventType: 'ExecutionCompleted', OrchestrationStatus: event.OrchestrationStatus },
        ...result(event, showOutput),
        ...{ FailureDetails: null, Timestamp },
      };
    default:
      return undefined;
  }
}

function task(
  { TaskScheduledId, Timestamp }: HistoryEvent,
  scheduled: ReadonlyMap<number, HistoryEvent>,
): Record<string, unknown> {
  const origin = scheduled.get(TaskScheduledId ?? -1);
  const ScheduledTime = (origin?.Timestamp ?? timestamp(0)).replace('Z', '+00:00');
  return { Timestamp, ScheduledTime, FunctionName: origin?.Name, Input: null };
}

function result({ Result }: HistoryEvent, show: boolean): Record<string, unknown> {
  return show ? { Result: value(Result ?? null) } : {};
}

function value(text: string | null): unknown {
  if (text === null) return null;
  const parsed = parse(text);
  return parsed === undefined ? text : parsed;
}
