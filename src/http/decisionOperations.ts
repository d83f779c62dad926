import * as z from 'zod';
import { reasonCodes } from '../core/reason.ts';
import { idempotencyKey, ofOneRequest } from './accessRequestOperations.ts';
import { exampleRequestId } from './exampleIds.ts';
import type { Operation } from './operation.ts';
import { plainLine } from './plainLine.ts';
import { presentedRequest } from './presentRequest.ts';

const comment = plainLine('comment', 'Why you decide so, for the audit').meta({
  examples: ['Agreed with the owner of the database'],
});

/** The body of POST /api/access-requests/{id}/decision. */
export const decisionSchema = z
  .strictObject({
    decision: z.enum(['approve', 'deny'], { error: 'The decision must be approve or deny.' }),
    comment,
    end: z.iso
      .datetime({
        offset: true,
        error: 'Write the end as the request shows it, such as 2026-11-23T11:00:00.000Z.',
      })
      .meta({
        description:
          'The end that you have seen: `extension.end` where more time waits, else `end`. If something else waits by now nothing is decided (409). Left out: whatever waits.',
        examples: ['2026-11-23T11:00:00.000Z'],
      })
      .optional(),
  })
  .meta({ id: 'Decision' });

/** The body of POST /api/access-requests/{id}/review. */
export const reviewSchema = z.strictObject({ comment }).meta({ id: 'Review' });

const ofBody = [
  ...(['body-missing', 'body-too-large', 'body-malformed', 'body-invalid'] as const),
  ...(['content-type-unsupported', 'header-invalid', 'idempotency-key-reused'] as const),
];

/** What decisions.ts answers. */
export const decisionOperations = {
  decide: {
    name: 'decideAccessRequest',
    method: 'POST',
    route: 'api/access-requests/{id}/decision',
    summary: 'Approves or denies a request, or the extension of a grant, that waits for people.',
    description:
      'Approvers, never the requester. The last approval that is needed opens it, if what was right when it was asked for is still so.',
    path: ofOneRequest,
    headers: { 'Idempotency-Key': idempotencyKey },
    body: decisionSchema,
    answers: { 200: { description: 'The request as it stands now.', schema: presentedRequest } },
    problems: [
      ...ofBody,
      ...(['request-not-found', 'own-request', 'application-cannot-decide', 'not-an-approver'] as const),
      ...(['not-pending', 'decided-already', 'unavailable'] as const),
      ...reasonCodes,
    ],
    examples: {
      own: {
        summary: "One of your own: nobody's to approve but others'",
        path: { id: exampleRequestId },
        body: { decision: 'approve', comment: 'Agreed with the owner of the database' },
        status: 403,
      },
      absent: {
        summary: 'One that is not there',
        path: { id: '0'.repeat(32) },
        body: { decision: 'deny', comment: 'Not in the maintenance window' },
        status: 404,
      },
    },
  },
  review: {
    name: 'reviewAccessRequest',
    method: 'POST',
    route: 'api/access-requests/{id}/review',
    summary: 'Notes that somebody has looked at why approval was skipped.',
    description: 'Approvers and administrators, never the requester. Also long after the end.',
    path: ofOneRequest,
    headers: { 'Idempotency-Key': idempotencyKey },
    body: reviewSchema,
    answers: { 200: { description: 'The request as it stands now.', schema: presentedRequest } },
    problems: [
      ...ofBody,
      ...(['request-not-found', 'own-request', 'application-cannot-decide', 'role-missing'] as const),
      ...(['no-review-open', 'unavailable'] as const),
    ],
    examples: {
      absent: {
        summary: 'One that is not there',
        path: { id: '0'.repeat(32) },
        body: { comment: 'The database had stopped; change 4712 follows' },
        status: 404,
      },
    },
  },
} satisfies Record<string, Operation>;
