import { createHash, randomUUID } from 'node:crypto';
import type { ErrorDetail } from './errors.ts';
import { idKey, isNsg } from './resource.ts';
import type { Operation, World } from './world.ts';

/** How a switched-on fault bends the operation of a write that was accepted. */
export type OperationFault = 'lro-failed' | 'lro-canceled' | 'supersede';

export type OperationStart = Pick<
  Operation,
  'name' | 'subscriptionId' | 'location' | 'target' | 'dueAt' | 'result'
>;

const KEEP_FINISHED_MS = 3_600_000;

/** Starts the operation of an accepted write; an operation still running on the same NSG is superseded. */
export function beginOperation(
  world: World,
  start: OperationStart,
  now: number,
  fault?: OperationFault,
): Operation {
  forgetOld(world, now);
  const ending = fault === 'lro-failed' ? 'Failed' : fault === 'lro-canceled' ? 'Canceled' : 'Succeeded';
  const operation: Operation = { id: randomUUID(), ...start, status: 'InProgress', ending, polls: 0 };
  if (start.name !== 'GetEffectiveNetworkSecurityGroupsOperation') supersede(world, operation);
  world.operations.set(operation.id, operation);
  world.running.add(operation);
  if (fault === 'supersede') beginOperation(world, start, now);
  return operation;
}

/** The operation of a write that was complete when it was answered. */
export function recordDone(world: World, start: OperationStart): Operation {
  const operation: Operation = {
    id: randomUUID(),
    ...start,
    status: 'Succeeded',
    ending: 'Succeeded',
    polls: 0,
  };
  world.operations.set(operation.id, operation);
  return operation;
}

function supersede(world: World, by: Operation): void {
  for (const earlier of world.running) {
    if (idKey(earlier.target) !== idKey(by.target) || earlier.name.startsWith('Get')) continue;
    cancel(world, earlier, [
      {
        code: 'CanceledAndSupersededDueToAnotherOperation',
        message:
          `Operation ${earlier.name} (${earlier.id}) was canceled and superseded by ` +
          `operation ${by.name} (${by.id}).`,
      },
    ]);
  }
}

function cancel(world: World, operation: Operation, details: ErrorDetail[]): void {
  operation.status = 'Canceled';
  operation.error = { code: 'Canceled', message: 'Operation was canceled.', details };
  world.running.delete(operation);
}

/** Ends every operation that is due, in order. Returns whether anything changed. */
export function settle(world: World, now: number): boolean {
  const due = [...world.running].filter((operation) => operation.dueAt <= now);
  for (const operation of due.sort((a, b) => a.dueAt - b.dueAt)) finish(world, operation);
  return due.length > 0;
}

function finish(world: World, operation: Operation): void {
  world.running.delete(operation);
  operation.status = operation.ending;
  if (operation.ending === 'Canceled') cancel(world, operation, []);
  if (operation.ending === 'Failed') {
    operation.error = { code: 'InternalServerError', message: 'An error occurred.', details: [] };
  }
  const nsg = world.resources.get(idKey(operation.target));
  if (!isNsg(nsg)) return;
  if (operation.name === 'DeleteNetworkSecurityGroupOperation' && operation.ending === 'Succeeded') {
    world.resources.delete(idKey(nsg.id));
    return;
  }
  // The content was committed when the write was accepted; only the push into the data plane ends here.
  const state = operation.ending === 'Succeeded' ? 'Succeeded' : 'Failed';
  nsg.properties.provisioningState = state;
  for (const rule of nsg.properties.securityRules) {
    if (rule.properties.provisioningState === 'Updating') rule.properties.provisioningState = state;
  }
  nsg.etag = randomUUID();
}

function forgetOld(world: World, now: number): void {
  for (const [id, operation] of world.operations) {
    if (operation.status === 'InProgress' || operation.dueAt > now - KEEP_FINISHED_MS) continue;
    world.operations.delete(id);
  }
}

/**
 * The URL to poll, as long as Azure's (over 3 KB) and signed, so that a client which truncates, parses or rebuilds it
 * is found out.
 */
export function operationUrl(
  origin: string,
  operation: Operation,
  kind: 'operations' | 'operationResults',
  apiVersion: string,
): string {
  const path =
    `/subscriptions/${operation.subscriptionId}/providers/Microsoft.Network/locations/${operation.location}` +
    `/${kind}/${operation.id}`;
  return `${origin}${path}?api-version=${apiVersion}&${signature(operation)}`;
}

export function isSigned(operation: Operation, query: URLSearchParams): boolean {
  return [...new URLSearchParams(signature(operation))].every(([key, value]) => query.get(key) === value);
}

function signature(operation: Operation): string {
  const part = (label: string): string =>
    createHash('sha512').update(`${label} ${operation.id}`).digest('base64url');
  const certificate = Array.from({ length: 32 }, (_, index) => part(`certificate ${index}`)).join('');
  const ticks = 638_000_000_000_000_000n + BigInt(Math.trunc(operation.dueAt)) * 10_000n;
  return `t=${ticks}&c=${certificate}&s=${part('s')}${part('s2')}&h=${part('h').slice(0, 43)}`;
}
