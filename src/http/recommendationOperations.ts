import * as z from 'zod';
import { adminRuleStates } from '../core/adminRulesOfMachine.ts';
import type { Operation } from './operation.ts';

const exposedPort = z.strictObject({
  number: z.int(),
  address: z.string().meta({ description: 'Private address of the virtual machine, as a prefix.' }),
  sources: z
    .array(z.string())
    .meta({ description: '`*`, service tags or prefixes; the widest first, at most eight.' }),
  rules: z
    .array(z.strictObject({ networkSecurityGroup: z.string(), rule: z.string() }))
    .meta({ description: 'The rules that let it in, one for each network security group of the path.' }),
});

const adminRules = z
  .strictObject({
    state: z.enum(adminRuleStates).meta({
      description:
        '`protected`: everything that is exposed is kept out before; `not-protected`: somebody is let in, or may be, whatever network security groups say; `left-to-nsgs`: neither.',
    }),
    message: z.string().meta({ description: 'Why they were not checked.' }).optional(),
    rules: z
      .array(
        z.strictObject({
          id: z.string(),
          name: z.string(),
          access: z.enum(['Deny', 'AlwaysAllow']),
          isCertain: z.boolean().meta({
            description: 'False where it depends on a service tag, a network group or an unknown order.',
          }),
          ports: z.array(z.int()),
          sources: z.array(z.string()).meta({ description: 'At most eight.' }),
        }),
      )
      .meta({ description: 'Those that decide about a management port of the machine.' }),
  })
  .meta({
    id: 'SecurityAdminRules',
    description: 'What Virtual Network Manager has before the network security groups.',
  });

const recommendation = z
  .strictObject({
    virtualMachine: z.strictObject({ id: z.string(), osType: z.string().optional() }),
    exposedPorts: z.array(exposedPort).meta({
      description: 'None where only a security admin rule lets somebody in.',
    }),
    securityAdminRules: adminRules,
    policy: z
      .strictObject({ path: z.string(), body: z.looseObject({ entries: z.array(z.looseObject({})) }) })
      .meta({ description: 'The policy that is proposed, ready to PUT by `/api/policies`.' }),
    jitNetworkAccessPolicy: z
      .strictObject({ path: z.string(), body: z.looseObject({ kind: z.literal('Basic') }) })
      .optional()
      .meta({
        description:
          "The policy that is proposed, ready to PUT by Microsoft's API; absent where the region is not known.",
      }),
  })
  .meta({ id: 'Recommendation' });

/** What recommendations.ts answers. */
export const recommendationOperations = {
  listRecommendations: {
    name: 'listRecommendations',
    method: 'GET',
    route: 'api/recommendations',
    summary: 'Finds management ports that are open without a grant.',
    description:
      'Of the virtual machines that you may read in Azure: those whose management ports get through every network security group from anywhere that no policy allows.',
    answers: {
      200: {
        description: 'Every recommendation.',
        schema: z
          .strictObject({
            value: z.array(recommendation),
            unchecked: z
              .array(z.string())
              .meta({ description: 'Ids of virtual machines of which too little is known to say.' }),
            uncheckedSubscriptions: z.array(z.string()).meta({
              description:
                'Ids of subscriptions that Sallyport can see and may not list in: whatever is exposed there is not found.',
            }),
            securityAdminRules: z.enum(['checked', 'partly-checked', 'not-checked']).meta({
              description:
                'Whether the rules of Virtual Network Manager, which come before every network security group, were read for the networks of machines.',
            }),
          })
          .meta({ id: 'Recommendations' }),
      },
    },
    problems: [],
    examples: { all: { summary: 'Everything that you may read', status: 200 } },
  },
} satisfies Record<string, Operation>;
