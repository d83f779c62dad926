import { createHash } from 'node:crypto';
import type * as z from 'zod';
import type { AccessRequest } from '../core/accessRequest.ts';
import { canonicalJson } from '../core/canonicalJson.ts';
import type { AccessRequestService, DecisionCall } from '../workflow/contracts.ts';
import { idempotencyKeyOf, keyReused, type AccessRequestDependencies } from './accessRequests.ts';
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
  const { decision, comment, end } = read.body;
  const { caller, correlationId } = call;
  const result = await service.decide({
    ...{ id: read.request.id, caller, decision, comment, correlationId },
    ...(end === undefined ? {} : { end }),
    ...read.key,
  });
  switch (result.kind) {
    case 'decided':
      return { ok: true, status: 200, body: presentRequest(result.request) };
    case 'not-found':
      return { ok: false, problem: notFound };
    case 'key-reused':
      return { ok: false, problem: keyReused };
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
  const result = await service.review({ id: read.request.id, caller, comment, correlationId, ...read.key });
  if (result.kind === 'reviewed') return { ok: true, status: 200, body: presentRequest(result.request) };
  if (result.kind === 'not-found') return { ok: false, problem: notFound };
  if (result.kind === 'key-reused') return { ok: false, problem: keyReused };
  return { ok: false, problem: { code: result.code, detail: result.message } };
}

interface ReadCall<Body> {
  ok: true;
  request: AccessRequest;
  body: Body;
  key: Pick<DecisionCall, 'idempotencyKey'>;
}

/** The request that is decided on, if the caller may see it, the body and the Idempotency-Key. */
async function readCall<Schema extends z.ZodType>(
  call: Call,
  service: AccessRequestService,
  schema: Schema,
): Promise<ReadCall<z.output<Schema>> | Extract<Answer, { ok: false }>> {
  const key = idempotencyKeyOf(call.request);
  if (!key.ok) return key;
  const read = await readBody(call.request);
  if (!read.ok) return read;
  const parsed = schema.safeParse(read.json);
  if (!parsed.success) return { ok: false, problem: bodyInvalid(fieldProblemsOf(parsed.error, read.json)) };
  const visible = await findVisible(call, service);
  if (!visible.ok) return visible;
  const bodyHash = createHash('sha256').update(canonicalJson(read.json)).digest('hex');
  return {
    ...{ ok: true, request: visible.request, body: parsed.data },
    key: key.value === undefined ? {} : { idempotencyKey: { key: key.value, bodyHash } },
  };
}
