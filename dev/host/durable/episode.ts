import { randomUUID } from 'node:crypto';

import type { FunctionDefinition, InvocationOutcome, Invoker } from '../invocation.ts';
import {
  currentTime,
  EventType,
  executionCompleted,
  executionStarted,
  orchestratorCompleted,
  orchestratorStarted,
  taskScheduled,
  timerCreated,
  timerFired,
} from './history.ts';
import type { HistoryEvent } from './history.ts';
import { maxValueLength, orchestrationText, orchestratorState } from './payload.ts';
import type { OrchestratorState } from './payload.ts';
import { refusal } from './refusal.ts';
import { replay } from './replay.ts';
import type { Completion, Decision, Replayed } from './replay.ts';
import { messageId } from './store.ts';
import type { Instance, Message } from './store.ts';

export interface EpisodeHost {
  invoker: Invoker;
  earlyTimers: boolean;
  log: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
}

/** What an episode leaves to be written: outbound messages first, then history and instance. */
export interface Episode {
  instance: Instance;
  history: HistoryEvent[];
  outbound: Message[];
}

const maxCustomStatusBytes = 16 * 1024;

/**
 * Runs the orchestrator over its history and a batch of new events, once, or again for each continue-as-new.
 * Writes nothing.
 */
export async function runEpisode(
  host: EpisodeHost,
  instance: Instance,
  history: readonly HistoryEvent[],
  batch: readonly HistoryEvent[],
): Promise<Episode> {
  const fresh = [orchestratorStarted(), ...batch];
  const outcome = await invokeOrchestrator(host, instance.name, [...history, ...fresh], history.length > 0);
  const { state, replayed } = judge(host, instance, [...history, ...fresh], outcome);
  const after: Instance = {
    ...instance,
    customStatus: customStatusText(state) ?? (history.length > 0 ? null : instance.customStatus),
    updatedAt: currentTime(),
  };
  const completion = replayed.completion;
  if (completion?.kind === 'continued') return continueAsNew(host, after, completion);

  const events: HistoryEvent[] = fresh.map((event) => ({
    ...event,
    IsPlayed: event.EventType !== EventType.OrchestratorStarted,
  }));
  const outbound: Message[] = [];
  for (const decision of replayed.decisions) {
    events.push(scheduled(decision));
    if (decision.kind === 'task' || completion === undefined)
      outbound.push(message(host, instance, decision));
  }
  if (completion === undefined) {
    after.status = replayed.suspended === undefined ? 'Running' : 'Suspended';
    after.output = replayed.suspended === undefined ? null : JSON.stringify(replayed.suspended);
  } else {
    const { status, result, output } = ending(completion);
    Object.assign(after, { status, output });
    events.push(executionCompleted(replayed.nextId, status, result));
  }
  events.push(orchestratorCompleted());
  const all = [...history, ...events];
  return { instance: { ...after, events: all.length }, history: all, outbound };
}

/** Within the same work item, so that the generation before it is never committed by itself. */
function continueAsNew(
  host: EpisodeHost,
  before: Instance,
  { input, carriedOver }: Extract<Completion, { kind: 'continued' }>,
): Promise<Episode> {
  const executionId = randomUUID().replaceAll('-', '');
  const started = executionStarted(
    { InstanceId: before.instanceId, ExecutionId: executionId },
    before.name,
    input,
    null,
  );
  const instance: Instance = {
    ...before,
    ...{ executionId, generation: null, input, status: 'Running', output: null },
    ...{ createdAt: started.Timestamp, events: 0 },
  };
  return runEpisode(host, instance, [], [started, ...carriedOver, orchestratorCompleted()]);
}

async function invokeOrchestrator(
  { invoker }: EpisodeHost,
  name: string,
  history: HistoryEvent[],
  isReplaying: boolean,
): Promise<InvocationOutcome> {
  const orchestrator = findFunction(invoker, 'orchestrationTrigger', name);
  if (orchestrator === undefined) {
    const known = functionsOf(invoker, 'orchestrationTrigger').map((definition) => `'${definition.name}'`);
    return {
      kind: 'failure',
      message:
        `The function '${name}' doesn't exist, is disabled, or is not an orchestrator function. ` +
        `Additional info: The following are the known orchestrator functions: ${known.join(', ')}.`,
      stackTrace: '',
    };
  }
  return invoker.invoke({
    functionName: orchestrator.definition.name,
    inputs: { [orchestrator.binding]: { string: orchestrationText(history, isReplaying) } },
  });
}

function judge(
  host: EpisodeHost,
  { instanceId, name }: Instance,
  history: HistoryEvent[],
  outcome: InvocationOutcome,
): { state: OrchestratorState | undefined; replayed: Replayed } {
  const said = orchestratorState(outcome);
  const prefix = `Orchestrator function '${name}' failed: `;
  const about = `Orchestration '${instanceId}' (${name}): `;
  const refused =
    said && (refusal(said.actions, (activity) => isActivity(host.invoker, activity)) ?? tooLarge(said));
  if (refused !== undefined) {
    host.log('error', about + refused);
    const completion = { kind: 'failed' as const, message: prefix + refused };
    return { state: said, replayed: { decisions: [], nextId: 0, suspended: undefined, completion } };
  }
  if (said?.hung === true) {
    host.log(
      'error',
      `${about}it threw something that is not an Error. The instance stays Running for ever, as in the real engine.`,
    );
  }
  const oversized = Buffer.byteLength(customStatusText(said) ?? '', 'utf16le') > maxCustomStatusBytes;
  if (oversized) host.log('error', `${about}a custom status of more than 16 KB (UTF-16) fails the instance.`);
  const state = oversized ? undefined : said;
  const reason =
    state !== undefined ? '' : oversized ? 'The custom status is too large.' : failureText(outcome);
  return { state, replayed: replay(history, state, prefix + reason) };
}

function failureText(outcome: InvocationOutcome): string {
  if (outcome.kind === 'worker-died') return outcome.reason;
  return outcome.kind === 'failure' ? outcome.message : 'It returned no orchestrator state.';
}

function tooLarge(state: OrchestratorState): string | undefined {
  const values = [state.output, state.error, ...state.actions.map(({ input }) => input)];
  return values.some((value) => ((JSON.stringify(value) as string | undefined) ?? '').length > maxValueLength)
    ? `A value is larger than the ${maxValueLength} characters that the local engine stores; the real one moves it to a blob.`
    : undefined;
}

function ending(completion: Exclude<Completion, { kind: 'continued' }>) {
  switch (completion.kind) {
    case 'completed': {
      const output = completion.output === undefined ? null : JSON.stringify(completion.output);
      return { status: 'Completed' as const, result: output, output };
    }
    case 'failed':
      return {
        status: 'Failed' as const,
        result: completion.message,
        output: JSON.stringify(completion.message),
      };
    case 'terminated':
      return {
        status: 'Terminated' as const,
        result: completion.reason,
        output: JSON.stringify(completion.reason),
      };
  }
}

function scheduled(decision: Decision): HistoryEvent {
  return decision.kind === 'task'
    ? taskScheduled(decision.id, decision.name)
    : timerCreated(decision.id, decision.fireAt);
}

function message({ earlyTimers }: EpisodeHost, instance: Instance, decision: Decision): Message {
  const { instanceId, executionId } = instance;
  const common = { id: messageId(), instanceId, executionId };
  if (decision.kind === 'timer') {
    const event = timerFired(decision.id, decision.fireAt);
    return { ...common, event, visibleAt: dueAt(decision.fireAt, earlyTimers) };
  }
  const work = decision.input === undefined ? {} : { input: decision.input };
  return { ...common, event: taskScheduled(decision.id, decision.name), work, visibleAt: Date.now() };
}

/** The real engine hides a timer's message for a number of whole seconds, cut: it comes up to one second early. */
function dueAt(fireAt: string, early: boolean): number {
  const now = Date.now();
  const due = Math.ceil(Date.parse(fireAt));
  return early ? now + Math.floor(Math.max(due - now, 0) / 1000) * 1000 : due;
}

function customStatusText(state: OrchestratorState | undefined): string | null {
  return state?.customStatus === undefined || state.customStatus === null
    ? null
    : JSON.stringify(state.customStatus);
}

function functionsOf(invoker: Invoker, trigger: string): FunctionDefinition[] {
  return invoker
    .functions()
    .filter(({ bindings }) => Object.values(bindings).some(({ type }) => type === trigger));
}

/** Names are compared ignoring case. */
export function findFunction(
  invoker: Invoker,
  trigger: 'orchestrationTrigger' | 'activityTrigger',
  name: string,
): { definition: FunctionDefinition; binding: string } | undefined {
  for (const definition of functionsOf(invoker, trigger)) {
    if (definition.name.toLowerCase() !== name.toLowerCase()) continue;
    const binding = Object.values(definition.bindings).find(({ type }) => type === trigger)?.name ?? '';
    return { definition, binding };
  }
  return undefined;
}

function isActivity(invoker: Invoker, name: string): boolean {
  return findFunction(invoker, 'activityTrigger', name) !== undefined;
}
