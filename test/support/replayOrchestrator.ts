import { createRequire } from 'node:module';
import { grantOrchestrator } from '../../src/workflow/grantOrchestrator.ts';

/** One event of a history, as the Durable extension writes it. */
export type HistoryEvent = Record<string, unknown>;

interface ReplayedState {
  isDone: boolean;
  /** What the orchestrator has asked for since it began, in order. */
  actions: ReplayedAction[][];
  output: unknown;
}

export interface ReplayedAction {
  actionType: number;
  functionName?: string;
  compoundActions?: ReplayedAction[];
}

interface OrchestratorClass {
  new (work: unknown): { handle(trigger: unknown, context: unknown): Promise<ReplayedState> };
}

const { Orchestrator } = createRequire(import.meta.url)(
  'durable-functions/lib/src/orchestrations/Orchestrator.js',
) as { Orchestrator: OrchestratorClass };

/** Replays a history with the SDK's own executor, which its public interface does not give. */
export async function replay(
  history: HistoryEvent[],
  input: unknown,
  orchestrator: unknown = grantOrchestrator,
): Promise<ReplayedState> {
  return new Orchestrator(orchestrator).handle(
    {
      history,
      input,
      instanceId: 'a'.repeat(32),
      isReplaying: true,
      upperSchemaVersion: 3,
      upperSchemaVersionNew: 4,
      maximumShortTimerDuration: '3.00:00:00',
      longRunningTimerIntervalDuration: '3.00:00:00',
    },
    {},
  );
}
