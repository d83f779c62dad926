import type { AccessRequest, NsgTarget } from '../core/accessRequest.ts';
import type { Reason } from '../core/reason.ts';

/**
 * An access request as callers see it. Every member is named here, so that what the row gains (instance, hashes,
 * journal) stays inside.
 */
export function presentRequest(request: AccessRequest) {
  const { decision, reason, requester, state, waiting } = request;
  const changedRules = request.targets.flatMap(presentChanges);
  return {
    id: request.id,
    state,
    requester: { objectId: requester.objectId, displayName: requester.displayName },
    virtualMachines: request.virtualMachines.map(({ id, ports }) => ({
      id,
      ports: ports.map(({ number, protocol, allowedSourceAddressPrefixes }) => ({
        number,
        protocol,
        allowedSourceAddressPrefixes,
      })),
    })),
    duration: request.duration,
    start: request.start,
    end: request.end,
    justification: request.justification,
    decision: {
      outcome: decision.outcome,
      reasons: decision.reasons.map(presentReason),
      policies: decision.policies,
    },
    ...(reason !== undefined && { reason: presentReason(reason) }),
    ...(changedRules.length > 0 && { changedRules }),
    ...(state === 'opening' && waiting?.reason && { waiting: presentReason(waiting.reason) }),
    requestedAt: request.requestedAt,
    correlationId: request.correlationId,
  };
}

function presentReason({ code, message, field, allowed }: Reason) {
  return { code, message, ...(field !== undefined && { field }), ...(allowed !== undefined && { allowed }) };
}

/** What others did to the rules of this grant, and was accepted. */
function presentChanges({ nsgId, accepted = {} }: NsgTarget) {
  return Object.entries(accepted).map(([number, form]) => ({
    networkSecurityGroup: nsgId,
    rule: Number(number),
    change: form === 'absent' ? 'deleted' : 'narrowed',
  }));
}
