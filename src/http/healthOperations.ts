import * as z from 'zod';
import { healthStatuses } from '../core/health.ts';
import { exampleRequestId } from './exampleIds.ts';
import type { Operation } from './operation.ts';

const instant = z.iso.datetime();

const checked = z
  .strictObject({
    name: z.string().meta({ examples: ['tables', 'azureResourceManager', 'sweep'] }),
    status: z.enum(healthStatuses),
    since: instant.meta({ description: 'As this worker knows, which has not looked all the time.' }),
    reason: z.string().meta({ description: 'A sentence for people; it may change.' }).optional(),
  })
  .meta({ id: 'HealthCheck' });

const newestSweep = z
  .strictObject({
    began: instant,
    ended: instant,
    complete: z.boolean().meta({ description: 'It has written the heartbeat.' }),
    counts: z.record(z.string(), z.number()).meta({ description: 'Those of its report in the log.' }),
    unlistedSubscriptions: z
      .array(z.string())
      .meta({ description: 'Nothing is looked at in these, for want of the right to list there.' }),
  })
  .meta({ description: 'The newest one, complete or not.' });

const overdueClose = z
  .strictObject({
    requestId: z.string(),
    since: instant.meta({ description: 'When it should have been shut.' }),
    seconds: z.int().meta({ description: 'How long ago that was when it was looked at.' }),
    networkSecurityGroups: z.array(z.string()).meta({ description: 'Those of its path.' }),
  })
  .meta({ description: 'The oldest one.' });

const example = {
  status: 'failing',
  checkedAt: '2026-11-23T09:02:10.000Z',
  checks: [
    { name: 'tables', status: 'ok', since: '2026-11-23T07:00:02.000Z' },
    {
      name: 'azureResourceManager',
      status: 'failing',
      since: '2026-11-23T09:00:40.000Z',
      reason: 'Azure Resource Manager answered 503 ServiceUnavailable.',
    },
    { name: 'signingKeys', status: 'ok', since: '2026-11-23T07:00:02.000Z' },
    { name: 'taskHub', status: 'ok', since: '2026-11-23T07:00:02.000Z' },
    { name: 'sweep', status: 'ok', since: '2026-11-23T07:00:02.000Z' },
    { name: 'closes', status: 'ok', since: '2026-11-23T07:00:02.000Z' },
  ],
  sweep: {
    lastComplete: '2026-11-23T09:00:00.000Z',
    listedAt: '2026-11-23T08:46:00.000Z',
    newest: {
      began: '2026-11-23T09:01:00.000Z',
      ended: '2026-11-23T09:01:31.000Z',
      complete: false,
      counts: { seen: 12, stepped: 1, failed: 1, left: 3 },
      unlistedSubscriptions: [],
    },
  },
  overdueCloses: {
    count: 1,
    oldest: {
      requestId: exampleRequestId,
      since: '2026-11-23T09:01:00.000Z',
      seconds: 70,
      networkSecurityGroups: [
        '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/contoso-rg/providers/Microsoft.Network/networkSecurityGroups/nsg-web',
      ],
    },
  },
  installation: 'contoso',
  program: { node: 'v22.11.0', version: '0.1.0' },
};

/** What GET /api/health/details answers. */
export const presentedHealth = z
  .strictObject({
    status: z.enum(healthStatuses).meta({ description: 'The worst of the checks.' }),
    checkedAt: instant.meta({ description: 'An answer is given again for ten seconds.' }),
    checks: z.array(checked),
    sweep: z.strictObject({
      lastComplete: instant.meta({ description: 'When the last complete sweep began.' }).optional(),
      listedAt: instant
        .meta({ description: 'When the last one began that saw every network security group.' })
        .optional(),
      newest: newestSweep.optional(),
    }),
    overdueCloses: z.strictObject({
      count: z.int().optional(),
      oldest: overdueClose.optional(),
      unread: z.int().meta({ description: 'Requests that could not be looked at.' }).optional(),
    }),
    installation: z.string(),
    program: z.strictObject({
      node: z.string(),
      version: z.string().optional(),
      bundle: z.string().meta({ description: 'SHA-256 of dist/main.cjs.' }).optional(),
    }),
  })
  .meta({ id: 'Health', examples: [example] });

/** What health.ts answers. */
export const healthOperations = {
  live: {
    name: 'health',
    method: 'GET',
    route: 'api/health',
    summary: 'Says that the app answers.',
    description: 'For probes: nothing is looked at for it, and nothing is told.',
    isPublic: true,
    answers: {
      200: { description: 'It answers.', schema: z.strictObject({ status: z.literal('ok') }) },
    },
    problems: [],
    examples: { probe: { summary: 'Whether the app answers', status: 200 } },
  },
  details: {
    name: 'healthDetails',
    method: 'GET',
    route: 'api/health/details',
    summary: 'Tells how everything is that the app depends on, the sweep, and closes that are overdue.',
    description: 'For auditors and administrators.',
    needsNoTables: true,
    answers: { 200: { description: 'What was found, well or not.', schema: presentedHealth } },
    problems: ['role-missing'],
    examples: {
      auditor: { summary: 'As an auditor', roles: ['Sallyport.Auditor'], status: 200 },
      noRole: { summary: 'Without an app role', status: 403 },
    },
  },
} satisfies Record<string, Operation>;
