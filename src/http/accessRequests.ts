import type { HttpRequest, InvocationContext } from '@azure/functions';
import type * as z from 'zod';
import type { AccessRequest } from '../core/accessRequest.ts';
import { isAdministrator, isApprover, mayBreakGlass, seesEverything } from '../core/caller.ts';
import type { AccessRequestService, Submission, SubmitResult } from '../workflow/contracts.ts';
import { createQuery, idempotencyKey, listQuery, revocationSchema } from './accessRequestOperations.ts';
import type { accessRequestOperations } from './accessRequestOperations.ts';
import { parseAccessRequestBody } from './accessRequestBody.ts';
import { callerAddress } from './callerAddress.ts';
import { fieldProblemsOf } from './fieldProblems.ts';
import { handleCall } from './handleCall.ts';
import type { Answer, Call, CallDependencies } from './handleCall.ts';
import { addressUsed, nameSources, presentCallerAddress } from './nameSources.ts';
import type { HandlersOf } from './operation.ts';
import { presentDryRun } from './presentDryRun.ts';
import { presentRequest } from './presentRequest.ts';
import { bodyInvalid, problemOfDecision } from './problem.ts';
import type { Problem } from './problem.ts';
import { readBody } from './readBody.ts';
import { readQuery } from './readQuery.ts';
import type { TellRefused } from './refusedOpens.ts';
import { findVisible, isOfApprover, isOwn, notFound } from './visibleRequest.ts';

export interface AccessRequestDependencies extends CallDependencies {
  /** The service as one invocation sees it: Durable's client hangs on the context. */
  service: (context: InvocationContext) => AccessRequestService;
  /** How many proxies before the app are trusted to tell who called them. */
  trustedProxyHops: number;
  tellRefused: TellRefused;
}

export type AccessRequestHandlers = HandlersOf<typeof accessRequestOperations>;

/** The handlers of accessRequestOperations. */
export function createAccessRequestHandlers(dependencies: AccessRequestDependencies): AccessRequestHandlers {
  const { service } = dependencies;
  return {
    create: handleCall(dependencies, (call) => create(call, service(call.context), dependencies)),
    get: handleCall(dependencies, (call) => get(call, service(call.context))),
    list: handleCall(dependencies, (call) => list(call, service(call.context))),
    revoke: handleCall(dependencies, (call) => revoke(call, service(call.context))),
  };
}

async function create(
  call: Call,
  service: AccessRequestService,
  { trustedProxyHops, tellRefused }: Pick<AccessRequestDependencies, 'trustedProxyHops' | 'tellRefused'>,
): Promise<Answer> {
  const key = idempotencyKeyOf(call.request);
  if (!key.ok) return key;
  const query = readQuery(call.request, createQuery);
  if (!query.ok) return query;
  const read = await readBody(call.request);
  if (!read.ok) return read;
  const parsed = parseAccessRequestBody(read.json);
  if (!parsed.ok) return refuse(bodyInvalid(parsed.problems));
  const named = nameSources(parsed.body.virtualMachines, () =>
    callerAddress(call.request, call.caller, trustedProxyHops),
  );
  if (!named.ok) return refuse(bodyInvalid(named.problems));
  const isDryRun = query.query.dryRun !== undefined;
  const refuseOpen = (problem: Problem) => {
    const { correlationId } = call;
    if (!isDryRun) tellRefused(problem, { door: 'sallyport', asked: 'access', correlationId });
    return refuse(problem);
  };
  if (parsed.body.breakGlass === true && !mayBreakGlass(call.caller)) {
    const detail = 'Skipping approval takes the role Sallyport.BreakGlass.';
    return refuseOpen({ code: 'role-missing', detail });
  }
  const submission: Submission = {
    ...parsed.body,
    virtualMachines: named.virtualMachines,
    requester: call.caller.person,
    correlationId: call.correlationId,
    ...(key.value !== undefined && { idempotencyKey: key.value }),
  };
  if (isDryRun) {
    const foreseen = await service.dryRun(submission);
    if (foreseen.kind !== 'foreseen') return refuse(problemOfSubmission(foreseen));
    const body = { ...presentDryRun(foreseen), ...presentCallerAddress(named.address) };
    return { ok: true, status: 200, body };
  }
  const submitted = await service.submit(submission);
  if (submitted.kind !== 'accepted') return refuseOpen(problemOfSubmission(submitted));
  const { request } = submitted;
  const location = `/api/access-requests/${request.id}`;
  const body = { ...presentRequest(request), ...presentCallerAddress(addressUsed(named.address, request)) };
  return { ok: true, status: 202, body, location };
}

async function get(call: Call, service: AccessRequestService): Promise<Answer> {
  const visible = await findVisible(call, service);
  return visible.ok ? { ok: true, status: 200, body: presentRequest(visible.request) } : visible;
}

async function list(call: Call, service: AccessRequestService): Promise<Answer> {
  const read = readQuery(call.request, listQuery);
  if (!read.ok) return read;
  const listed = await requestsOf(call, service, read.query);
  if (!listed.ok) return listed;
  const { state } = read.query;
  const value = listed.requests.filter((request) => state === undefined || request.state === state);
  return { ok: true, status: 200, body: { value: value.map(presentRequest) } };
}

/** What the query asks for, as far as the caller may see it. */
async function requestsOf(
  { caller, correlationId }: Call,
  service: AccessRequestService,
  { mine, decidable, review }: z.output<typeof listQuery>,
): Promise<{ ok: true; requests: AccessRequest[] } | Extract<Answer, { ok: false }>> {
  const everybodys = seesEverything(caller);
  if (review !== undefined) {
    if (!everybodys && !isApprover(caller)) {
      const detail = 'Only approvers, administrators and auditors see what is to be reviewed.';
      return { ok: false, problem: { code: 'role-missing', detail } };
    }
    return { ok: true, requests: await service.listToReview() };
  }
  if (decidable !== undefined) {
    const all = await service.listUnended();
    const found = await service.decidableBy(caller, all, correlationId);
    if (found.kind === 'known') {
      return { ok: true, requests: all.filter(({ id }) => found.requestIds.has(id)) };
    }
    const { message, retryAfterSeconds } = found;
    return { ok: false, problem: { code: 'unavailable', detail: message, retryAfterSeconds } };
  }
  const isAll = everybodys && mine === undefined;
  const requests = await service.listUnended(isAll ? undefined : caller.person.objectId);
  return { ok: true, requests: requests.filter((request) => isAll || isOwn(request, caller)) };
}

async function revoke(call: Call, service: AccessRequestService): Promise<Answer> {
  const read = await readBody(call.request, { ifAbsent: {} });
  if (!read.ok) return read;
  const parsed = revocationSchema.safeParse(read.json);
  if (!parsed.success) return refuse(bodyInvalid(fieldProblemsOf(parsed.error, read.json)));
  const visible = await findVisible(call, service);
  if (!visible.ok) return visible;
  const { request } = visible;
  const mayEnd = [isOwn, isOfApprover].some((is) => is(request, call.caller)) || isAdministrator(call.caller);
  if (!mayEnd) {
    const detail = 'Only the requester, its approvers or an administrator may revoke this request.';
    return refuse({ code: 'role-missing', detail });
  }
  const { comment } = parsed.data;
  const revoked = await service.revoke({
    ...{ id: request.id, person: call.caller.person, correlationId: call.correlationId },
    ...(comment !== undefined && { comment }),
  });
  if (revoked.kind === 'not-found') return refuse(notFound);
  return { ok: true, status: 200, body: presentRequest(revoked.request) };
}

/** The Idempotency-Key of a call, if it has one. */
export function idempotencyKeyOf(request: HttpRequest) {
  const value = request.headers.get('idempotency-key') ?? undefined;
  if (value === undefined || idempotencyKey.safeParse(value).success) return { ok: true, value } as const;
  const detail = 'The Idempotency-Key must be 1 to 128 visible ASCII characters.';
  const errors = [{ field: 'Idempotency-Key', code: 'malformed', detail } as const];
  return { ok: false, problem: { code: 'header-invalid', detail, errors } satisfies Problem } as const;
}

export const keyReused: Problem = {
  code: 'idempotency-key-reused',
  detail: 'This Idempotency-Key was used with another body: use a new one for another request.',
};

/** What somebody is told who asked for access, or for more of it, and does not get it. */
export function problemOfSubmission(result: Exclude<SubmitResult, { kind: 'accepted' }>): Problem {
  switch (result.kind) {
    case 'denied':
      return problemOfDecision(result.decision);
    case 'key-reused':
      return keyReused;
    case 'too-many-refusals':
      return {
        code: 'too-many-refusals',
        detail: 'Too many of your requests were refused of late. Wait before you ask again.',
        retryAfterSeconds: result.retryAfterSeconds,
      };
    case 'over-quota':
      return { code: result.code, detail: result.message, retryAfterSeconds: result.retryAfterSeconds };
    case 'tables-lost':
      return {
        code: 'tables-lost',
        detail:
          'Sallyport has lost its records and opens nothing until an administrator has taken them up again.',
        retryAfterSeconds: 300,
      };
    case 'unavailable':
      return { code: 'unavailable', detail: result.message, retryAfterSeconds: result.retryAfterSeconds };
  }
}

function refuse(problem: Problem): Answer {
  return { ok: false, problem };
}
