import { randomUUID } from 'node:crypto';

import type { Invocation, InvocationOutcome, Invoker } from '../../../../dev/host/invocation.ts';
import { installCoreModule } from '../../../../dev/host/worker/coreModule.ts';
import { invoke } from '../../../../dev/host/worker/invoke.ts';

export interface Episode {
  instanceId: string;
  isReplaying: boolean;
  text: string;
}

export interface Ran {
  instanceId: string;
  name: string;
  input?: string;
}

/** The real worker code and the real SDK in this process, with everything that passes written down. */
export interface LocalWorker extends Invoker {
  episodes: Episode[];
  activities: Ran[];
  /** Outcomes to give instead of running the next invocations of a function: how a dying worker looks to the host. */
  fates: Map<string, InvocationOutcome[]>;
}

/** Loads the scenarios; works once per process, because the SDK remembers its worker. */
export async function loadLocalWorker(): Promise<LocalWorker> {
  const log = () => undefined;
  const registrations = installCoreModule(log);
  await import('./scenarios.ts');
  await registrations.model?.getCapabilities({});
  const functions = [...registrations.functions.values()].map(({ metadata }) => metadata);
  const episodes: Episode[] = [];
  const activities: Ran[] = [];
  const fates = new Map<string, InvocationOutcome[]>();
  return {
    ...{ episodes, activities, fates },
    functions: () => functions,
    async invoke({ functionName, inputs, triggerMetadata = {} }: Invocation) {
      const metadata = functions.find(({ name }) => name === functionName);
      const binding = Object.values(metadata?.bindings ?? {}).find(({ type }) => type.endsWith('Trigger'));
      const text = inputs[binding?.name ?? '']?.string;
      if (binding?.type === 'orchestrationTrigger' && text !== undefined) {
        const { instanceId, isReplaying } = JSON.parse(text) as Episode;
        episodes.push({ instanceId, isReplaying, text });
      }
      if (binding?.type === 'activityTrigger') {
        const instanceId = triggerMetadata['instanceId']?.string ?? '';
        activities.push({ instanceId, name: functionName, ...(text === undefined ? {} : { input: text }) });
      }
      const fate = fates.get(functionName)?.shift();
      if (fate !== undefined) return fate;
      return invoke(
        registrations,
        {
          ...{
            invocationId: randomUUID(),
            functionId: metadata?.functionId ?? functionName,
            triggerMetadata,
          },
          inputData: Object.entries(inputs).map(([name, data]) => ({ name, data })),
          traceContext: { traceParent: '', traceState: '', attributes: {} },
        },
        log,
      );
    },
  };
}
