import type { InvocationContext } from '@azure/functions';
import { seesEverything } from '../core/caller.ts';
import type { HealthReport } from '../workflow/contracts.ts';
import { handleCall } from './handleCall.ts';
import type { Answer, Call, CallDependencies } from './handleCall.ts';
import type { healthOperations } from './healthOperations.ts';
import type { HandlersOf } from './operation.ts';

export interface HealthDependencies extends CallDependencies {
  health: (context: InvocationContext, correlationId: string) => Promise<HealthReport>;
}

/**
 * Whoever probes acts on the answer by replacing the worker, which cures neither Azure nor the tables and delays every
 * close: so it says that the worker answers, and looks at nothing.
 */
export function createHealthHandlers(dependencies: HealthDependencies): HandlersOf<typeof healthOperations> {
  return {
    live: () => ({
      status: 200,
      headers: {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      },
      body: '{"status":"ok"}',
    }),
    details: handleCall(dependencies, (call) => tell(call, dependencies)),
  };
}

async function tell(
  { caller, context, correlationId }: Call,
  { health }: HealthDependencies,
): Promise<Answer> {
  if (!seesEverything(caller)) {
    const detail = 'Only auditors and administrators may see how everything is.';
    return { ok: false, problem: { code: 'role-missing', detail } };
  }
  return { ok: true, status: 200, body: await health(context, correlationId) };
}
