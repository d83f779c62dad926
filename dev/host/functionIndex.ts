import { HostError } from './hostError.ts';
import type { FunctionDefinition } from './invocation.ts';

const supported = new Set([
  ...['httpTrigger', 'http', 'timerTrigger', 'eventGridTrigger'],
  ...['orchestrationTrigger', 'activityTrigger', 'durableClient'],
]);

/**
 * Refuses what this host would silently never run.
 * @throws HostError naming the first function with a binding that is not supported
 */
export function refuseUnsupported(
  functions: readonly FunctionDefinition[],
  capabilities: Record<string, unknown>,
): void {
  if (capabilities['HttpUri'] !== undefined) {
    throw new HostError(
      'app.setup({ enableHttpStream: true }): HTTP streams are not supported by the local host.',
    );
  }
  for (const { name, bindings } of functions) {
    const foreign = Object.values(bindings).find(({ type }) => !supported.has(type));
    if (foreign !== undefined) {
      throw new HostError(
        `Function ${name}: the binding ${foreign.type} is not supported by the local host.`,
      );
    }
  }
}

/** The type of the function's trigger, such as `httpTrigger`. */
export function triggerType(definition: FunctionDefinition): string {
  return Object.values(definition.bindings).find(({ type }) => type.endsWith('Trigger'))?.type ?? '';
}

/** Whether app settings switch the function off (`AzureWebJobs.NAME.Disabled`). */
export function isDisabled(definition: FunctionDefinition, env: NodeJS.ProcessEnv): boolean {
  const names = [`AzureWebJobs.${definition.name}.Disabled`, `AzureWebJobs_${definition.name}_Disabled`];
  return names.some((name) => /^(true|1)$/i.test(env[name] ?? ''));
}
