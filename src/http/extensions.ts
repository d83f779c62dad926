import { createHash } from 'node:crypto';
import { canonicalJson } from '../core/canonicalJson.ts';
import type { AccessRequestService } from '../workflow/contracts.ts';
import { idempotencyKeyOf, problemOfSubmission, type AccessRequestDependencies } from './accessRequests.ts';
import { extensionSchema, type extensionOperations } from './extensionOperations.ts';
import { fieldProblemsOf } from './fieldProblems.ts';
import { handleCall } from './handleCall.ts';
import type { Answer, Call } from './handleCall.ts';
import type { HandlersOf } from './operation.ts';
import { presentRequest } from './presentRequest.ts';
import { bodyInvalid, type Problem } from './problem.ts';
import { readBody } from './readBody.ts';
import { notFound } from './visibleRequest.ts';

export type ExtensionHandlers = HandlersOf<typeof extensionOperations>;

/** The handlers of extensionOperations. */
export function createExtensionHandlers(
  dependencies: Omit<AccessRequestDependencies, 'trustedProxyHops'>,
): ExtensionHandlers {
  const { service, tellRefused } = dependencies;
  return {
    extend: handleCall(dependencies, async (call) => {
      const result = await extend(call, service(call.context));
      if ('refused' in result) {
        const { correlationId } = call;
        tellRefused(result.refused, { door: 'sallyport', asked: 'extension', correlationId });
        return refuse(result.refused);
      }
      return result;
    }),
  };
}

/** The answer, or why a call that was right in its form is refused. */
async function extend(call: Call, service: AccessRequestService): Promise<Answer | { refused: Problem }> {
  const key = idempotencyKeyOf(call.request);
  if (!key.ok) return key;
  const read = await readBody(call.request);
  if (!read.ok) return read;
  const parsed = extensionSchema.safeParse(read.json);
  if (!parsed.success) return refuse(bodyInvalid(fieldProblemsOf(parsed.error, read.json)));
  const id = call.request.params['id'] ?? '';
  if (!/^[0-9a-f]{32}$/.test(id)) return refuse(notFound);
  const { duration, justification } = parsed.data;
  // Whoever may see it without being its requester is answered like everybody else: only its requester extends it.
  const result = await service.extend({
    id,
    person: call.caller.person,
    duration: duration.text,
    durationSeconds: duration.seconds,
    justification,
    correlationId: call.correlationId,
    bodyHash: createHash('sha256').update(canonicalJson(read.json)).digest('hex'),
    ...(key.value !== undefined && { idempotencyKey: key.value }),
  });
  switch (result.kind) {
    case 'extended':
      return { ok: true, status: 200, body: presentRequest(result.request) };
    case 'waiting':
      return { ok: true, status: 202, body: presentRequest(result.request) };
    case 'not-found':
      return { refused: notFound };
    case 'conflict':
      return { refused: { code: result.reason.code, detail: result.reason.message } };
    case 'denied':
    case 'key-reused':
    case 'over-quota':
    case 'too-many-refusals':
    case 'unavailable':
      return { refused: problemOfSubmission(result) };
  }
}

function refuse(problem: Problem): Answer {
  return { ok: false, problem };
}
