import * as z from 'zod';
import { reasonCodes } from '../core/reason.ts';
import { accessRequestSchema } from './accessRequestBody.ts';
import { idempotencyKey, ofOneRequest } from './accessRequestOperations.ts';
import { exampleRequestId } from './exampleIds.ts';
import type { Operation } from './operation.ts';
import { presentedRequest } from './presentRequest.ts';

/** The body of POST /api/access-requests/{id}/extend. */
export const extensionSchema = z
  .strictObject({
    duration: accessRequestSchema.shape.duration,
    justification: accessRequestSchema.shape.justification,
  })
  .meta({ id: 'NewExtension', description: 'What comes to the end of the grant, and why.' });

/** What extensions.ts answers. */
export const extensionOperations = {
  extend: {
    name: 'extendAccessRequest',
    method: 'POST',
    route: 'api/access-requests/{id}/extend',
    summary: 'Asks for more time for a grant that is opening or active.',
    description:
      'The requester, before the end. From the start to the new end it may last no longer than the policies allow by now; where they want approval, the extension waits for it and the grant goes on to its end meanwhile.',
    path: ofOneRequest,
    headers: { 'Idempotency-Key': idempotencyKey },
    body: extensionSchema,
    answers: {
      200: { description: 'The request, with its new end.', schema: presentedRequest },
      202: {
        description: 'The request as it was; its extension waits for approval.',
        schema: presentedRequest,
      },
    },
    problems: [
      ...(['body-missing', 'body-too-large', 'body-malformed', 'body-invalid'] as const),
      ...(['content-type-unsupported', 'header-invalid', 'idempotency-key-reused'] as const),
      ...(['request-not-found', 'too-many-refusals', 'too-many-requests', 'unavailable'] as const),
      ...reasonCodes,
    ],
    examples: {
      halfAnHour: {
        summary: 'Half an hour more',
        path: { id: exampleRequestId },
        headers: { 'Idempotency-Key': 'change-4711-more' },
        body: { duration: 'PT30M', justification: 'The restart takes longer (change 4711)' },
        status: 200,
      },
      absent: {
        summary: 'One that is not there',
        path: { id: '0'.repeat(32) },
        body: { duration: 'PT30M', justification: 'The restart takes longer (change 4711)' },
        status: 404,
      },
    },
  },
} satisfies Record<string, Operation>;
