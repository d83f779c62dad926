import { effectiveNsgs } from './effectiveRules.ts';
import { gatewayError } from './errors.ts';
import type { Exchange, Reply } from './exchange.ts';
import { beginOperation, isSigned, operationUrl } from './operations.ts';
import { findResource } from './reads.ts';
import type { Operation } from './world.ts';

/** Always 200: the state of the operation stands in the body. */
export function pollOperation(exchange: Exchange): Reply {
  const operation = findOperation(exchange);
  const { status, error } = operation;
  return {
    status: 200,
    headers: status === 'InProgress' ? retryAfter(exchange, operation) : {},
    body: { status, ...(error && { error }) },
  };
}

/** The Location of a DELETE or POST: 202 until the end, then the result or nothing. */
export function pollResult(exchange: Exchange): Reply {
  const operation = findOperation(exchange);
  if (operation.status === 'InProgress') {
    const location = operationUrl(exchange.origin, operation, 'operationResults', exchange.apiVersion);
    return { status: 202, headers: { ...retryAfter(exchange, operation), Location: location }, body: null };
  }
  return operation.result === undefined ? { status: 204 } : { status: 200, body: operation.result };
}

/** Starts the computation of an interface's effective rules: only a Location answers it. */
export function postEffectiveNsgs(exchange: Exchange): Reply {
  const { world, now, settings, target, origin, apiVersion } = exchange;
  const nic = findResource(exchange, 'Microsoft.Network/networkInterfaces');
  const operation = beginOperation(
    world,
    {
      name: 'GetEffectiveNetworkSecurityGroupsOperation',
      subscriptionId: target.subscriptionId ?? '',
      location: nic.location ?? 'global',
      target: nic.id,
      dueAt: now + settings.operationMs,
      result: effectiveNsgs(world, nic),
    },
    now,
  );
  return {
    status: 202,
    headers: { Location: operationUrl(origin, operation, 'operationResults', apiVersion) },
    body: null,
  };
}

function findOperation({ world, target, query }: Exchange): Operation {
  const id = target.names[1] ?? '';
  const operation = world.operations.get(id);
  if (!operation) {
    throw gatewayError(404, 'OperationNotFound', `The operation '${id}' could not be found.`);
  }
  // Truncated or rebuilt URLs are found out here; Azure's own answer to them is not known.
  if (!isSigned(operation, query)) {
    throw gatewayError(
      403,
      'InvalidOperationUrl',
      `The signature of the URL of operation '${id}' is not valid.`,
    );
  }
  return operation;
}

/** 1, 2, 4, 8, 16: Azure's own growth for quick operations. */
function retryAfter({ settings }: Exchange, operation: Operation): Record<string, string> {
  const { pollRetryAfter } = settings;
  const growing = 2 ** Math.min(operation.polls, 4);
  operation.polls += 1;
  if (pollRetryAfter === 'none') return {};
  return { 'Retry-After': String(pollRetryAfter === 'growing' ? growing : pollRetryAfter) };
}
