import type { InvocationOutcome, Invoker, TypedData } from '../invocation.ts';
import { findFunction } from './episode.ts';
import { taskCompleted, taskFailed } from './history.ts';
import type { HistoryEvent } from './history.ts';
import { activityFailure, maxValueLength, parse, resultText } from './payload.ts';
import type { Message } from './store.ts';

type Log = (level: 'warn' | 'error', message: string) => void;

/** Runs an activity and returns the event with its result. */
export async function runActivity(
  invoker: Invoker,
  { instanceId, event, work }: Message,
  log: Log,
): Promise<HistoryEvent> {
  const name = event.Name ?? '';
  const outcome = await invokeActivity(invoker, name, instanceId, work?.input);
  if (outcome.kind !== 'success') {
    log('warn', `Activity '${name}' of '${instanceId}' failed: ${failureText(outcome)}`);
    const { reason, details } = activityFailure(name, outcome);
    return taskFailed(event.EventId, reason.slice(0, maxValueLength), details.slice(0, maxValueLength));
  }
  const result = resultText(outcome.returnValue);
  if (result.length <= maxValueLength) return taskCompleted(event.EventId, result);
  const message = `The result has ${result.length} characters; the local engine stores ${maxValueLength}, the real one moves it to a blob.`;
  log('error', `Activity '${name}' of '${instanceId}': ${message}`);
  const { reason, details } = activityFailure(name, { kind: 'failure', message, stackTrace: '' });
  return taskFailed(event.EventId, reason, details);
}

async function invokeActivity(
  invoker: Invoker,
  name: string,
  instanceId: string,
  input: string | undefined,
): Promise<InvocationOutcome> {
  const found = findFunction(invoker, 'activityTrigger', name);
  if (found === undefined) {
    const message = `The function '${name}' doesn't exist, is disabled, or is not an activity function.`;
    return { kind: 'failure', message, stackTrace: '' };
  }
  const data: TypedData = input === undefined ? {} : { string: input };
  const isObject = input !== undefined && typeof parse(input) === 'object';
  return invoker.invoke({
    functionName: found.definition.name,
    inputs: { [found.binding]: data },
    triggerMetadata: { instanceId: { string: instanceId }, data: isObject ? { json: input } : data },
  });
}

function failureText(outcome: Exclude<InvocationOutcome, { kind: 'success' }>): string {
  return outcome.kind === 'failure' ? outcome.message : outcome.reason;
}
