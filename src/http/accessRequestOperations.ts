import * as z from 'zod';
import { finalStates, requestStates } from '../core/accessRequest.ts';
import { reasonCodes } from '../core/reason.ts';
import { accessRequestSchema } from './accessRequestBody.ts';
import { exampleRequestId, exampleVirtualMachineId } from './exampleIds.ts';
import type { Operation } from './operation.ts';
import { plainLine } from './plainLine.ts';
import { presentedDryRun } from './presentDryRun.ts';
import { presentedRequest } from './presentRequest.ts';

/** The header Idempotency-Key, of everything that makes something. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/)
  .meta({ description: 'The same key with the same body is the same request.', examples: ['change-4711'] });

const unended = requestStates.filter((state) => !finalStates.has(state));

/** The query of GET /api/access-requests. */
export const listQuery = z.strictObject({
  state: z
    .enum(unended, { error: `This must be one of ${unended.join(', ')}.` })
    .meta({ description: 'Only requests in this state.' })
    .optional(),
  mine: z
    .enum(['true'], { error: 'This must be true, or left out.' })
    .meta({ description: "Only your own, also for whoever sees everybody's." })
    .optional(),
  decidable: z
    .enum(['true'], { error: 'This must be true, or left out.' })
    .meta({ description: "Everybody's requests that wait for a decision which you may make." })
    .optional(),
  review: z
    .enum(['open'], { error: 'This must be open, or left out.' })
    .meta({
      description: 'Requests that skipped approval and were not reviewed, ended ones too; for approvers.',
    })
    .optional(),
});

/** The query of POST /api/access-requests. */
export const createQuery = z.strictObject({
  dryRun: z
    .enum(['true'], { error: 'This must be true, or left out.' })
    .meta({ description: 'Decides, says which rules would be written, and does nothing.' })
    .optional(),
});

/** The body of POST /api/access-requests/{id}/revoke. */
export const revocationSchema = z
  .strictObject({
    comment: plainLine('comment', 'Why it ends early, for the audit')
      .meta({ examples: ['The restart is done'] })
      .optional(),
  })
  .meta({ id: 'Revocation' });

/** The path of everything that is about one request. */
export const ofOneRequest = {
  id: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .meta({ description: 'Id of the request.' }),
};

const withCallerAddress = {
  callerAddress: z
    .strictObject({
      allowedSourceAddressPrefix: z.string(),
      foundBy: z.string().meta({ description: 'A sentence.' }),
    })
    .meta({ description: 'Where you ask from, if no source was named and this was taken for it.' })
    .optional(),
};

/** The answer to whoever has just asked. */
const acceptedRequest = presentedRequest.extend(withCallerAddress).meta({ id: 'AcceptedAccessRequest' });
/** The answer to whoever asks what would come of it. */
const answeredDryRun = presentedDryRun.extend(withCallerAddress).meta({ id: 'DryRun' });

const exampleBody = {
  virtualMachines: [
    {
      id: exampleVirtualMachineId,
      ports: [{ number: 22, protocol: 'Tcp', allowedSourceAddressPrefix: '203.0.113.7' }],
    },
  ],
  duration: 'PT1H',
  justification: 'Restart the web server (change 4711)',
};

/** What accessRequests.ts answers. */
export const accessRequestOperations = {
  create: {
    name: 'createAccessRequest',
    method: 'POST',
    route: 'api/access-requests',
    summary: 'Asks for access.',
    description:
      'Decided at once. Access is there when the state is `active`: ask for the request until it is, with a pause of a second or more.',
    headers: { 'Idempotency-Key': idempotencyKey },
    query: createQuery,
    body: accessRequestSchema,
    answers: {
      200: { description: 'A dry run: what would be.', schema: answeredDryRun },
      202: { description: 'Accepted.', schema: acceptedRequest, hasLocation: true },
    },
    problems: [
      ...(['body-missing', 'body-too-large', 'body-malformed', 'body-invalid'] as const),
      ...(['content-type-unsupported', 'header-invalid', 'idempotency-key-reused'] as const),
      'query-invalid' as const,
      ...(['too-many-refusals', 'too-many-requests', 'too-many-live-requests', 'unavailable'] as const),
      'role-missing' as const,
      ...reasonCodes,
    ],
    examples: {
      ssh: {
        summary: 'SSH from one address for an hour',
        headers: { 'Idempotency-Key': 'change-4711' },
        body: exampleBody,
        status: 202,
      },
      least: {
        summary:
          'No more than what is needed: the protocol is that of the policy, the source your own address',
        body: {
          ...exampleBody,
          virtualMachines: [{ id: exampleVirtualMachineId, ports: [{ number: 22 }] }],
        },
        status: 202,
      },
      dryRun: {
        summary: 'What would come of it',
        query: { dryRun: 'true' },
        body: exampleBody,
        status: 200,
      },
      dryRunOfTooLong: {
        summary: 'What would come of it: that it is denied',
        query: { dryRun: 'true' },
        body: { ...exampleBody, duration: 'P1D' },
        status: 200,
      },
      tooLong: {
        summary: 'Longer than the policy allows',
        body: { ...exampleBody, duration: 'P1D' },
        status: 400,
      },
      anotherPort: {
        summary: 'A port that no policy names',
        body: {
          ...exampleBody,
          virtualMachines: [{ id: exampleVirtualMachineId, ports: [{ number: 23 }] }],
        },
        status: 403,
      },
    },
  },
  list: {
    name: 'listAccessRequests',
    method: 'GET',
    route: 'api/access-requests',
    summary: 'Lists requests that have not ended, newest first.',
    description:
      "Your own; auditors and administrators see everybody's. With `decidable` what you may decide on, with `review` what skipped approval.",
    query: listQuery,
    answers: {
      200: {
        description: 'The requests.',
        schema: z.strictObject({ value: z.array(presentedRequest) }).meta({ id: 'AccessRequestList' }),
      },
    },
    problems: ['query-invalid', 'role-missing', 'unavailable'],
    examples: {
      all: { summary: 'Everything that has not ended', status: 200 },
      active: { summary: 'What is open now', query: { state: 'active' }, status: 200 },
      ended: { summary: 'A state that is not listed', query: { state: 'closed' }, status: 400 },
    },
  },
  get: {
    name: 'getAccessRequest',
    method: 'GET',
    route: 'api/access-requests/{id}',
    summary: 'Shows one request, ended ones too.',
    path: ofOneRequest,
    answers: { 200: { description: 'The request.', schema: presentedRequest } },
    problems: ['request-not-found', 'unavailable'],
    examples: {
      one: { summary: 'One of your own', path: { id: exampleRequestId }, status: 200 },
      absent: { summary: 'One that is not there', path: { id: '0'.repeat(32) }, status: 404 },
    },
  },
  revoke: {
    name: 'revokeAccessRequest',
    method: 'POST',
    route: 'api/access-requests/{id}/revoke',
    summary: 'Ends access early.',
    description:
      'The requester, its approvers, or an administrator. What is ending or has ended stays as it is.',
    path: ofOneRequest,
    body: revocationSchema,
    isBodyOptional: true,
    answers: { 200: { description: 'The request as it stands now.', schema: presentedRequest } },
    problems: [
      ...(['body-too-large', 'body-malformed', 'body-invalid', 'content-type-unsupported'] as const),
      ...(['request-not-found', 'role-missing', 'unavailable'] as const),
    ],
    examples: {
      own: { summary: 'One of your own', path: { id: exampleRequestId }, status: 200 },
      withComment: {
        summary: 'One of your own, and why',
        path: { id: exampleRequestId },
        body: { comment: 'The restart is done' },
        status: 200,
      },
      absent: { summary: 'One that is not there', path: { id: '0'.repeat(32) }, status: 404 },
    },
  },
} satisfies Record<string, Operation>;
