import type { HttpHandler } from '@azure/functions';
import { seesEverything } from '../core/caller.ts';
import { InvalidContinuationError } from '../core/stores.ts';
import type { AuditPage, AuditQuery, AuditTrail } from '../core/stores.ts';
import { auditQuery, notOurContinuation } from './auditOperations.ts';
import { handleCall } from './handleCall.ts';
import type { Answer, Call, CallDependencies } from './handleCall.ts';
import type { Problem } from './problem.ts';
import { readQuery } from './readQuery.ts';

export interface AuditDependencies extends CallDependencies {
  audit: Pick<AuditTrail, 'query'>;
}

/** The handler of GET /api/audit. */
export function createAuditHandler(dependencies: AuditDependencies): HttpHandler {
  return handleCall(dependencies, (call) => read(call, dependencies.audit));
}

async function read(call: Call, audit: Pick<AuditTrail, 'query'>): Promise<Answer> {
  const parsed = readQuery(call.request, auditQuery);
  if (!parsed.ok) return parsed;
  const { vm, requester, from, to, continuation } = parsed.query;
  if (from !== undefined && to !== undefined && from >= to) {
    return refuse(invalid('to', 'This must be later than from.'));
  }
  const everybodys = seesEverything(call.caller);
  const own = call.caller.person.objectId;
  if (!everybodys && requester !== undefined && requester !== own) {
    const detail = "Only auditors and administrators may read other people's audit records.";
    return refuse({ code: 'role-missing', detail });
  }
  const requesterId = everybodys ? requester : own;
  const query: AuditQuery = {
    ...(vm !== undefined && { virtualMachineId: vm }),
    ...(requesterId !== undefined && { requesterId }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(continuation !== undefined && { continuation }),
  };
  const page = await audit.query(query).catch((error: unknown) => {
    if (error instanceof InvalidContinuationError) return undefined;
    throw error;
  });
  if (page === undefined) return refuse(invalid('continuation', notOurContinuation));
  // A continuation is a caller's text: whatever it leads to, nobody else's records leave here without a role.
  const value = page.records.filter((record) => everybodys || record.requester?.objectId === own);
  return { ok: true, status: 200, body: { value, ...nextLinkOf(call, page) } };
}

/** Relative: the Host header, of which an absolute one would be made, is the caller's. */
function nextLinkOf(call: Call, page: AuditPage): { nextLink?: string } {
  if (page.continuation === undefined) return {};
  const query = new URLSearchParams(call.request.query);
  query.set('continuation', page.continuation);
  return { nextLink: `/api/audit?${query.toString()}` };
}

function invalid(field: string, detail: string): Problem {
  return { code: 'query-invalid', detail, errors: [{ field, code: 'malformed', detail }] };
}

function refuse(problem: Problem): Answer {
  return { ok: false, problem };
}
