import type { Action } from './payload.ts';

const notDone: Record<number, string> = {
  2: 'Sub-orchestrations (callSubOrchestrator)',
  3: 'Sub-orchestrations with retry (callSubOrchestratorWithRetry)',
  7: 'Durable entities (callEntity)',
  8: 'Durable HTTP (callHttp)',
  9: 'Durable entities (signalEntity)',
  10: 'Durable entities (signalEntity)',
  13: 'Entity locks (lock)',
  14: 'Entity locks (lock)',
};

/**
 * Why the local engine will not run these actions; undefined when it will. An instance that uses such a thing fails
 * at once and says so, rather than behave in a way that the real engine does not.
 */
export function refusal(
  actions: readonly Action[],
  isActivity: (name: string) => boolean,
): string | undefined {
  for (const action of actions) {
    const feature = notDone[action.actionType];
    if (feature !== undefined) {
      return `${feature}: the local engine does not do this; the real Durable engine does.`;
    }
    const { actionType, functionName = '' } = action;
    if ((actionType === 0 || actionType === 1) && !isActivity(functionName)) {
      return (
        `The activity function '${functionName}' is not registered. The local engine fails at once; ` +
        'the real Durable engine says nothing and leaves the instance Running for ever.'
      );
    }
    const inner = refusal(action.compoundActions ?? [], isActivity);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

export const entitiesRefused =
  'Durable entities: the local engine does not do this; the real Durable engine does.';
export const rewindRefused =
  'Rewinding an instance: the local engine does not do this; the real Durable engine does.';
