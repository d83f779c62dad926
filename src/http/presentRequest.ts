import * as z from 'zod';
import { protocols, requestStates } from '../core/accessRequest.ts';
import type { AccessRequest, NsgTarget } from '../core/accessRequest.ts';
import { reasonCodes } from '../core/reason.ts';
import type { Reason } from '../core/reason.ts';

export const presentedReason = z
  .strictObject({
    code: z.enum(reasonCodes),
    message: z.string().meta({ description: 'A sentence for people; it may change.' }),
    field: z.string().optional(),
    allowed: z.unknown().optional(),
  })
  .meta({ id: 'Reason' });

export const presentedVirtualMachine = z
  .strictObject({
    id: z.string().meta({ description: 'ARM id as the caller wrote it.' }),
    ports: z.array(
      z.strictObject({
        number: z.int().min(1).max(65_535),
        protocol: z.enum(protocols),
        allowedSourceAddressPrefixes: z.array(z.string()).meta({ description: 'CIDR prefixes.' }),
      }),
    ),
  })
  .meta({ id: 'GrantedVirtualMachine' });

/** What presentRequest makes. */
export const presentedRequest = z
  .strictObject({
    id: z.string(),
    state: z.enum(requestStates),
    requester: z.strictObject({ objectId: z.string(), displayName: z.string() }),
    virtualMachines: z.array(presentedVirtualMachine),
    duration: z.string().meta({ description: 'ISO 8601.' }),
    start: z.iso.datetime(),
    end: z.iso.datetime(),
    justification: z.string(),
    decision: z.strictObject({
      outcome: z.enum(['granted', 'needs-approval', 'denied']),
      reasons: z.array(presentedReason),
      policies: z.array(z.string()).meta({ description: 'The policies behind it.' }),
    }),
    reason: presentedReason.meta({ description: 'Why it ended or is ending.' }).optional(),
    changedRules: z
      .array(
        z.strictObject({
          networkSecurityGroup: z.string(),
          rule: z.int(),
          change: z.enum(['deleted', 'narrowed']),
        }),
      )
      .meta({ description: 'What others did to its rules in Azure, and was accepted.' })
      .optional(),
    waiting: presentedReason.meta({ description: 'What an opening waits for.' }).optional(),
    requestedAt: z.iso.datetime(),
    correlationId: z.string(),
  })
  .meta({ id: 'AccessRequest' });

/**
 * An access request as callers see it. Every member is named here, so that what the row gains (instance, hashes,
 * journal) stays inside.
 */
export function presentRequest(request: AccessRequest): z.infer<typeof presentedRequest> {
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

function presentReason({ code, message, field, allowed }: Reason): z.infer<typeof presentedReason> {
  return { code, message, ...(field !== undefined && { field }), ...(allowed !== undefined && { allowed }) };
}

type ChangedRule = NonNullable<z.infer<typeof presentedRequest>['changedRules']>[number];

/** What others did to the rules of this grant, and was accepted. */
function presentChanges({ nsgId, accepted = {} }: NsgTarget): ChangedRule[] {
  return Object.entries(accepted).map(([number, form]) => ({
    networkSecurityGroup: nsgId,
    rule: Number(number),
    change: form === 'absent' ? 'deleted' : 'narrowed',
  }));
}
