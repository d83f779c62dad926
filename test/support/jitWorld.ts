import type { HttpHandler } from '@azure/functions';
import { createJitHandler } from '../../src/http/jit/jitNetworkAccessPolicies.ts';
import { createPolicyService } from '../../src/workflow/policyService.ts';
import { grantWorld } from './grantWorld.ts';
import type { GrantWorld, Process } from './grantWorld.ts';
import { call, surroundings } from './httpCalls.ts';
import type { Answered, Asking, Surroundings } from './httpCalls.ts';
import { noQuotas } from './noQuotas.ts';
import { alice } from './tokenIssuer.ts';
import type { TokenIssuer } from './tokenIssuer.ts';

/** Microsoft's API over the real services, all stores in memory. */
export interface JitWorld {
  world: GrantWorld;
  process: Process;
  handler: HttpHandler;
  around: Surroundings;
  /** Policies whose application was started. */
  started: string[];
  /** Calls as Alice with an api-version, unless told otherwise. `path` is what follows /api/arm/. */
  ask(method: string, path: string, body?: unknown, asking?: Asking): Promise<Answered>;
}

/** A `grantWorld` without any policy. */
export async function createJitWorld(issuer: TokenIssuer, quotas = noQuotas): Promise<JitWorld> {
  const world = await grantWorld(undefined, 'task-failed', 'beating', 0, quotas);
  for (const { row, etag } of await world.stores.policies.list()) {
    await world.stores.policies.replace({ ...row, isDeleted: true }, etag);
  }
  const process = world.startProcess();
  const started: string[] = [];
  const around = surroundings(issuer);
  const policies = createPolicyService(
    { ...world.stores, authorization: world.authorization, clock: world.clock, log: around.log },
    {
      start: ({ id }) => {
        started.push(id);
        return Promise.resolve();
      },
    },
  );
  const handler = createJitHandler({
    ...around,
    policies: () => policies,
    accessRequests: () => process.service,
    storedPolicies: world.stores.policies,
    clock: world.clock,
    trustedProxyHops: 1,
  });
  const ask = async (method: string, path: string, body?: unknown, asking: Asking = {}) =>
    call(handler, {
      method,
      path: `/api/arm/${path}${path.includes('?') ? '' : '?api-version=2020-01-01'}`,
      params: { path: path.replace(/\?.*/, '') },
      ...(body !== undefined && { body }),
      ...asking,
      headers: {
        authorization: `Bearer ${await issuer.sign({ oid: alice.objectId })}`,
        'x-forwarded-for': '203.0.113.7:50123',
        ...asking.headers,
      },
    });
  return { world, process, handler, around, started, ask };
}
