import * as z from 'zod';
import { exampleVirtualMachineId } from './exampleIds.ts';
import type { Operation } from './operation.ts';
import { policyName, policySchema, releaseSchema } from './policyBody.ts';
import { presentedChange, presentedPolicy } from './presentPolicy.ts';
import { parameter } from './readQuery.ts';

/** The query of what changes a policy. */
export const changeQuery = z.strictObject({
  dryRun: parameter((text) =>
    text === 'true' || text === 'false' ? { value: text } : { detail: 'This must be true or false.' },
  )
    .meta({
      description: '`true`: says what would be changed, and changes nothing.',
      examples: ['true', 'false'],
    })
    .optional(),
});

/** `"3"`, or `*`. */
export const ifMatch = z
  .string()
  .regex(/^(?:\*|"[1-9][0-9]{0,14}")$/)
  .meta({ description: 'The ETag of the version that is to be changed, or `*` for any.', examples: ['*'] });
export const ifNoneMatch = z
  .string()
  .regex(/^\*$/)
  .meta({ description: '`*`: only where there is no policy of this name.', examples: ['*'] });

const conditional = { 'If-Match': ifMatch, 'If-None-Match': ifNoneMatch };
const path = { name: policyName };
const aboutBodies = [
  ...(['body-missing', 'body-too-large', 'body-malformed', 'body-invalid'] as const),
  'content-type-unsupported',
] as const;
const aboutChanges = [
  'not-authorized',
  'policy-changed',
  'header-invalid',
  'query-invalid',
  'unavailable',
] as const;

const ssh = {
  entries: [
    {
      selector: { virtualMachineIds: [exampleVirtualMachineId] },
      ports: [
        {
          number: 22,
          protocol: 'Tcp',
          allowedSourceAddressPrefixes: ['203.0.113.0/24'],
          maxRequestAccessDuration: 'PT3H',
        },
      ],
    },
  ],
  conditions: { largestSource: { IPv4: 28 }, justificationPattern: '.*INC[0-9]{7}.*' },
  baseline: { kind: 'internet' },
};

/** What policies.ts answers. */
export const policyOperations = {
  list: {
    name: 'listPolicies',
    method: 'GET',
    route: 'api/policies',
    summary: 'Lists the policies that you may read.',
    description: 'Just-in-time policies of Microsoft’s API among them.',
    answers: {
      200: {
        description: 'In the order of their ids.',
        schema: z.strictObject({ value: z.array(presentedPolicy) }).meta({ id: 'PolicyList' }),
      },
    },
    problems: ['unavailable'],
    examples: { all: { summary: 'Every one', status: 200 } },
  },
  get: {
    name: 'getPolicy',
    method: 'GET',
    route: 'api/policies/{name}',
    summary: 'Shows one policy; its ETag is its version.',
    path,
    answers: { 200: { description: 'The policy.', schema: presentedPolicy } },
    problems: ['policy-not-found', 'not-authorized', 'unavailable'],
    examples: {
      ssh: { summary: 'The policy for SSH', path: { name: 'ssh' }, status: 200 },
      absent: { summary: 'One that is not there', path: { name: 'absent' }, status: 404 },
    },
  },
  put: {
    name: 'putPolicy',
    method: 'PUT',
    route: 'api/policies/{name}',
    summary: 'Makes a policy, or replaces what it says.',
    description:
      'Takes the right to write just-in-time policies and the virtual machines, wherever it speaks.',
    path,
    query: changeQuery,
    headers: conditional,
    body: policySchema,
    answers: { 200: { description: 'What was changed.', schema: presentedChange } },
    problems: [...aboutBodies, ...aboutChanges],
    examples: {
      ssh: {
        summary: 'SSH from the office, with a ticket number',
        path: { name: 'web-ssh' },
        body: ssh,
        status: 200,
      },
      dryRun: {
        summary: 'The same, to see what it would do',
        path: { name: 'web-ssh' },
        query: { dryRun: 'true' },
        body: ssh,
        status: 200,
      },
      empty: {
        summary: 'A policy for nothing',
        path: { name: 'web-ssh' },
        body: { entries: [] },
        status: 400,
      },
    },
  },
  remove: {
    name: 'deletePolicy',
    method: 'DELETE',
    route: 'api/policies/{name}',
    summary: 'Deletes a policy; its baselines go.',
    path,
    query: changeQuery,
    headers: conditional,
    answers: { 200: { description: 'What was changed.', schema: presentedChange } },
    problems: ['policy-not-found', ...aboutChanges],
    examples: {
      ssh: { summary: 'The policy for SSH', path: { name: 'ssh' }, status: 200 },
      absent: { summary: 'One that is not there', path: { name: 'absent' }, status: 404 },
    },
  },
  release: {
    name: 'releasePolicy',
    method: 'POST',
    route: 'api/policies/{name}/release',
    summary: 'Lets the baselines of virtual machines go that have left the policy.',
    description: 'For the app role Sallyport.Administrator.',
    path,
    query: changeQuery,
    body: releaseSchema,
    answers: { 200: { description: 'What was changed.', schema: presentedChange } },
    problems: ['policy-not-found', 'not-releasable', ...aboutBodies, ...aboutChanges],
    examples: {
      noAdministrator: {
        summary: 'Without the app role',
        path: { name: 'ssh' },
        body: { virtualMachineIds: [exampleVirtualMachineId] },
        status: 403,
      },
    },
  },
} satisfies Record<string, Operation>;
