import * as z from 'zod';
import { protocols, requestStates } from '../core/accessRequest.ts';
import type { Extension, AccessRequest, BreakGlass, NsgTarget, Person } from '../core/accessRequest.ts';
import type { Approval } from '../core/approval.ts';
import { wasNeverWanted } from '../core/journal.ts';
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

const presentedPerson = z.strictObject({ objectId: z.string(), displayName: z.string() });

const presentedDecision = z
  .strictObject({ by: presentedPerson, at: z.iso.datetime(), comment: z.string() })
  .meta({ id: 'DecisionGiven' });

export const presentedApproval = z
  .strictObject({
    needed: z
      .array(
        z.strictObject({
          approvers: z.int().min(1).meta({ description: 'How many different people.' }),
          groups: z.array(z.string()).meta({
            description: 'Object ids of groups whose members may, beside those with the role.',
          }),
          given: z.int().min(0).meta({ description: 'How many have.' }),
        }),
      )
      .meta({ description: 'All of them must be met.' }),
    given: z.array(presentedDecision),
    expiresAt: z.iso.datetime().meta({ description: 'Unapproved by then it expires.' }),
  })
  .meta({ id: 'Approval' });

/** What presentRequest makes. */
export const presentedRequest = z
  .strictObject({
    id: z.string(),
    state: z.enum(requestStates),
    requester: presentedPerson,
    virtualMachines: z.array(presentedVirtualMachine),
    duration: z.string().meta({ description: 'ISO 8601.' }),
    start: z.iso
      .datetime()
      .meta({ description: 'Absent while it waits for people, unless it was chosen.' })
      .optional(),
    end: z.iso.datetime().meta({ description: 'Absent as long as it is not fixed.' }).optional(),
    justification: z.string(),
    decision: z.strictObject({
      outcome: z.enum(['granted', 'needs-approval', 'denied']),
      reasons: z.array(presentedReason),
      policies: z.array(z.string()).meta({ description: 'The policies behind it.' }),
    }),
    extension: z
      .strictObject({
        end: z.iso.datetime(),
        justification: z.string(),
        requestedAt: z.iso.datetime(),
        approval: presentedApproval,
      })
      .meta({ description: 'More time, which waits for approval; it goes with the grant.' })
      .optional(),
    approval: presentedApproval.meta({ description: 'Where policy wants people to approve.' }).optional(),
    flushConnection: z
      .literal(true)
      .meta({
        description:
          'Its end cuts established flows, of everybody behind its network security groups; absent otherwise.',
      })
      .optional(),
    breakGlass: z
      .strictObject({
        reviewed: presentedDecision.meta({ description: 'Absent until somebody has.' }).optional(),
      })
      .meta({ description: 'Approval was skipped.' })
      .optional(),
    reason: presentedReason.meta({ description: 'Why it ended or is ending.' }).optional(),
    revoked: z
      .strictObject({ by: presentedPerson, at: z.iso.datetime(), comment: z.string().optional() })
      .meta({ description: 'Who has ended it early, and what they said.' })
      .optional(),
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
    requester: presentPerson(requester),
    virtualMachines: request.virtualMachines.map(({ id, ports }) => ({
      id,
      ports: ports.map(({ number, protocol, allowedSourceAddressPrefixes }) => ({
        number,
        protocol,
        allowedSourceAddressPrefixes,
      })),
    })),
    duration: request.duration,
    ...presentTimes(request),
    justification: request.justification,
    decision: {
      outcome: decision.outcome,
      reasons: decision.reasons.map(presentReason),
      policies: decision.policies,
    },
    ...(request.extension !== undefined && { extension: presentExtension(request.extension) }),
    ...(request.approval !== undefined && { approval: presentApproval(request.approval) }),
    ...(request.flushConnection === true && { flushConnection: true as const }),
    ...(request.breakGlass !== undefined && { breakGlass: presentBreakGlass(request.breakGlass) }),
    ...(reason !== undefined && { reason: presentReason(reason) }),
    ...presentRevocation(request),
    ...(changedRules.length > 0 && { changedRules }),
    ...(state === 'opening' && waiting?.reason && { waiting: presentReason(waiting.reason) }),
    requestedAt: request.requestedAt,
    correlationId: request.correlationId,
  };
}

/** What waits for people has no times yet, but for a start that was chosen. */
function presentTimes(request: AccessRequest): { start?: string; end?: string } {
  const { journal, chosenStart, start, end } = request;
  const isOpenEnded = wasNeverWanted(request) && !journal.some(({ event }) => event === 'scheduled');
  if (!isOpenEnded) return { start, end };
  return chosenStart === undefined ? {} : { start: chosenStart };
}

function presentPerson({ objectId, displayName }: Person): z.infer<typeof presentedPerson> {
  return { objectId, displayName };
}

function presentExtension({ end, justification, requestedAt, approval }: Extension) {
  return { end, justification, requestedAt, approval: presentApproval(approval) };
}

export function presentApproval({ rules, given, expiresAt }: Approval): z.infer<typeof presentedApproval> {
  return {
    needed: rules.map(({ approvers, groups }, index) => ({
      ...{ approvers, groups },
      given: given.filter(({ rules: counted }) => counted.includes(index)).length,
    })),
    given: given.map(presentDecision),
    expiresAt,
  };
}

function presentBreakGlass({ reviewed }: BreakGlass) {
  return { ...(reviewed !== undefined && { reviewed: presentDecision(reviewed) }) };
}

/** Who has ended it early: of several who wanted to, the first. */
function presentRevocation({ journal }: AccessRequest) {
  const entry = journal.find(
    ({ event, reasons }) => event === 'closing' && reasons.some(({ code }) => code === 'revoked'),
  );
  if (entry === undefined) return {};
  const { actor: objectId, actorName: displayName = '', at, comment } = entry;
  return { revoked: { by: { objectId, displayName }, at, ...(comment !== undefined && { comment }) } };
}

function presentDecision({ by, at, comment }: { by: Person; at: string; comment: string }) {
  return { by: presentPerson(by), at, comment };
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
