import { createRequire } from 'node:module';
import type { OrchestrationContext, Task } from 'durable-functions';
import type { HistoryEvent } from '../../../dev/host/durable/history.ts';
import type { OrchestratorState } from '../../../dev/host/durable/payload.ts';
import { replay, type Replayed } from '../../../dev/host/durable/replay.ts';

export type Orchestrator = (context: OrchestrationContext) => Generator<Task, unknown>;

interface OrchestratorClass {
  new (orchestrator: Orchestrator): { handle(trigger: unknown, context: unknown): Promise<unknown> };
}

const { Orchestrator: SdkOrchestrator } = createRequire(import.meta.url)(
  'durable-functions/lib/src/orchestrations/Orchestrator.js',
) as { Orchestrator: OrchestratorClass };

/**
 * One episode: the SDK's own executor runs the orchestrator over the whole history, and the list of actions that it
 * returns is judged as the extension judges it.
 */
export async function episode(
  orchestrator: Orchestrator,
  instanceId: string,
  input: unknown,
  history: readonly HistoryEvent[],
): Promise<Replayed> {
  return replay(history, await run(orchestrator, instanceId, input, history), 'It failed: ');
}

async function run(
  orchestrator: Orchestrator,
  instanceId: string,
  input: unknown,
  history: readonly HistoryEvent[],
): Promise<OrchestratorState> {
  const trigger = {
    // The SDK turns the texts of the instants into dates, in place.
    history: history.map((event) => ({ ...event })),
    input,
    instanceId,
    isReplaying: true,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 3,
    maximumShortTimerDuration: '6.00:00:00',
    longRunningTimerIntervalDuration: '3.00:00:00',
  };
  try {
    const state = await new SdkOrchestrator(orchestrator).handle(trigger, {});
    const { actions, ...rest } = JSON.parse(JSON.stringify(state)) as Omit<OrchestratorState, 'actions'> & {
      actions: OrchestratorState['actions'][];
    };
    return { ...rest, actions: actions[0] ?? [] };
  } catch (error) {
    return {
      isDone: true,
      actions: [],
      hung: false,
      error: error instanceof Error ? error.message : 'It failed.',
    };
  }
}
