import { createHash } from 'node:crypto';
import type { InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import { causeOf } from '../core/cause.ts';
import type { Clock, Log } from '../core/clock.ts';
import { canonicalId } from '../core/resourceId.ts';
import type { Orchestrations, PolicyRuns } from './contracts.ts';
import { grantOrchestrator } from './grantOrchestrator.ts';
import {
  grantOrchestratorName,
  policyOrchestratorName,
  policyStepActivityName,
  ringEventName,
  stepActivityName,
} from './names.ts';
import { policyOrchestrator, type PolicyStepResult } from './policyOrchestrator.ts';
import type { Step } from './step.ts';
import type { StepResult } from './stepResult.ts';

/** The SDK's HTTP client has no deadline of its own; a call that hangs would hold the request or the sweep. */
const callDeadline = 10_000;

/** The binding that functions need to start and ring orchestrations. */
export const durableClientInput = df.input.durableClient();

/** Registers the orchestrator and its activity. `run` wraps each activity, to tie its log to the invocation. */
export function registerGrantOrchestration(
  step: Step,
  run: <T>(context: InvocationContext, work: () => Promise<T>) => Promise<T>,
  log: Log,
): void {
  df.app.orchestration(grantOrchestratorName, grantOrchestrator);
  df.app.activity(stepActivityName, {
    handler: (input: { requestId: string }, context): Promise<StepResult> =>
      run(context, () => stepForDurable(step, log, input.requestId)),
  });
}

/** Registers the orchestrator that applies policies, and its activity. */
export function registerPolicyOrchestration(
  policyStep: (policyId: string) => Promise<PolicyStepResult>,
  run: <T>(context: InvocationContext, work: () => Promise<T>) => Promise<T>,
  log: Log,
): void {
  df.app.orchestration(policyOrchestratorName, policyOrchestrator);
  df.app.activity(policyStepActivityName, {
    handler: ({ policyId }: { policyId: string }, context): Promise<PolicyStepResult> =>
      run(context, async () => {
        try {
          return await policyStep(policyId);
        } catch (error) {
          log.error('policy-step-failed', { policyId, cause: causeOf(error) });
          throw new Error('The step failed; its log says why.');
        }
      }),
  });
}

/**
 * Durable keeps the text of an activity's error in its history, where a text that looks like a credential can break the
 * instance: so the cause goes to the log, and Durable learns no more than that it failed.
 */
export async function stepForDurable(step: Step, log: Log, requestId: string): Promise<StepResult> {
  try {
    return await step(requestId, 'sallyport');
  } catch (error) {
    log.error('step-failed', { requestId, cause: causeOf(error) });
    throw new Error('The step failed; its log says why.');
  }
}

/** Orchestrations by the durable client of one invocation. */
export function orchestrationsOf(context: InvocationContext, clock: Clock): Orchestrations {
  const client = df.getClient(context);
  const status = (instance: string) => statusOf(client, instance, clock);
  return {
    status,
    start: (instance, requestId) =>
      startOnce(client, grantOrchestratorName, { instanceId: instance, input: { requestId } }, clock),
    async ring(instance) {
      try {
        await withDeadline(clock, client.raiseEvent(instance, ringEventName, null));
      } catch (error) {
        // 404 is thrown, 410 is not: nobody listens any more, and the sweep is there.
        if (!(error instanceof Error && error.message.startsWith('No instance with ID'))) throw error;
      }
    },
    async purge(createdTimeFrom, createdTimeTo) {
      const filter = { createdTimeFrom, createdTimeTo, runtimeStatus: [...endedStates] };
      // None in that time is answered with 404, which the SDK turns into none.
      const { instancesDeleted } = await withDeadline(clock, client.purgeInstanceHistoryBy(filter));
      return instancesDeleted;
    },
  };
}

/** The same for the application of policies: one instance for each version of a policy. */
export function policyRunsOf(context: InvocationContext, clock: Clock): PolicyRuns {
  const client = df.getClient(context);
  return {
    start: ({ id, version }) => {
      const key = createHash('sha256').update(canonicalId(id)).digest('hex').slice(0, 32);
      const instanceId = `policy-${key}-${version}`;
      return startOnce(client, policyOrchestratorName, { instanceId, input: { policyId: id } }, clock);
    },
  };
}

async function startOnce(
  client: df.DurableClient,
  name: string,
  options: { instanceId: string; input: Record<string, string> },
  clock: Clock,
): Promise<void> {
  try {
    await withDeadline(clock, client.startNew(name, options));
  } catch (error) {
    // 409: it runs already, which is what was wanted.
    if ((await statusOf(client, options.instanceId, clock)) !== 'running') throw error;
  }
}

async function statusOf(
  client: df.DurableClient,
  instance: string,
  clock: Clock,
): Promise<'running' | 'ended' | 'missing'> {
  try {
    const found = await withDeadline(clock, client.getStatus(instance));
    return endedStates.has(found.runtimeStatus) ? 'ended' : 'running';
  } catch (error) {
    // The SDK throws for an unknown instance; only its text tells this from a broken connection.
    if (error instanceof Error && error.message.includes('HTTP 404')) return 'missing';
    throw error;
  }
}

const endedStates: ReadonlySet<df.OrchestrationRuntimeStatus> = new Set([
  df.OrchestrationRuntimeStatus.Completed,
  df.OrchestrationRuntimeStatus.Failed,
  df.OrchestrationRuntimeStatus.Canceled,
  df.OrchestrationRuntimeStatus.Terminated,
]);

async function withDeadline<T>(clock: Clock, call: Promise<T>): Promise<T> {
  return Promise.race([
    call,
    clock.sleep(callDeadline).then((): never => {
      throw new Error(`The Durable extension did not answer within ${callDeadline / 1000} s.`);
    }),
  ]);
}
