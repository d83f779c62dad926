import type * as z from 'zod';
import type { AccessRequest } from '../core/accessRequest.ts';
import type { AccessRequestService } from '../workflow/contracts.ts';
import type { AccessRequestDependencies } from './accessRequests.ts';
import { decisionSchema, reviewSchema, type decisionOperations } from './decisionOperations.ts';
import { fieldProblemsOf } from './fieldProblems.ts';
import { handleCall } from './handleCall.ts';
import type { Answer, Call } from './handleCall.ts';
import type { HandlersOf } from './operation.ts';
import { presentRequest } from './presentRequest.ts';
import { bodyInvalid, problemOfDecision } from './problem.ts';
import { readBody } from './readBody.ts';
import { findVisible, notFound } from './visibleRequest.ts';

export type DecisionHandlers = HandlersOf<typeof decisionOperations>;

/** The handlers of decisionOperations. */
export function createDecisionHandlers(
  dependencies: Pick<AccessRequestDependencies, 'authenticate' | 'newId' | 'log' | 'service'>,
): DecisionHandlers {
  const { service } = dependencies;
  return {
    decide: handleCall(dependencies, (call) => decide(call, service(call.context))),
    review: handleCall(dependencies, (call) => review(call, service(call.context))),
  };
}

async function decide(call: Call, service: AccessRequestService): Promise<Answer> {
  const read = await readCall(call, service, decisionSchema);
  if (!read.ok) return read;
  const { decision, comment } = read.body;
  const { caller, correlationId } = call;
  const result = await service.decide({ id: read.request.id, caller, decision, comment, correlationId });
  switch (result.kind) {
    case 'decided':
      return { ok: true, status: 200, body: presentRequest(result.request) };
    case 'not-found':
      return { ok: false, problem: notFound };
    case 'denied':
      return { ok: false, problem: problemOfDecision(result.decision) };
    case 'refused':
    case 'conflict':
      return { ok: false, problem: { code: result.code, detail: result.message } };
    case 'unavailable': {
      const { message, retryAfterSeconds } = result;
      return { ok: false, problem: { code: 'unavailable', detail: message, retryAfterSeconds } };
    }
  }
}

async function review(call: Call, service: AccessRequestService): Promise<Answer> {
  const read = await readCall(call, service, reviewSchema);
  if (!read.ok) return read;
  const { caller, correlationId } = call;
  const { comment } = read.body;
  const result = await service.review({ id: read.request.id, caller, comment, correlationId });
  if (result.kind === 'reviewed') return { ok: true, status: 200, body: presentRequest(result.request) };
  if (result.kind === 'not-found') return { ok: false, problem: notFound };
  return { ok: false, problem: { code: result.code, detail: result.message } };
}

/** The request that is decided on, if the caller may see it, and the body. */
async function readCall<Schema extends z.ZodType>(
  call: Call,
  service: AccessRequestService,
  schema: Schema,
): Promise<{ ok: true; request: AccessRequest; body: z.output<Schema> } | Extract<Answer, { ok: false }>> {
  const body = await readBody(call.request);
  if (!body.ok) return body;
  const parsed = schema.safeParse(body.json);
  if (!parsed.success) return { ok: false, problem: bodyInvalid(fieldProblemsOf(parsed.error, body.json)) };
  const visible = await findVisible(call, service);
  return visible.ok ? { ok: true, request: visible.request, body: parsed.data } : visible;
}
