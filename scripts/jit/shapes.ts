import * as z from 'zod';

/** What the client reads of answers; a newer app may say more. */
const reason = z.looseObject({ code: z.string(), message: z.string() });

const person = z.looseObject({ objectId: z.string(), displayName: z.string() });

/** What a person said, and when. */
const said = z.looseObject({ by: person, at: z.string(), comment: z.string() });

const approval = z.looseObject({
  needed: z.array(z.looseObject({ approvers: z.number(), given: z.number() })),
  given: z.array(said),
  expiresAt: z.string(),
});

const virtualMachines = z.array(
  z.looseObject({
    id: z.string(),
    ports: z.array(
      z.looseObject({
        number: z.number(),
        protocol: z.string(),
        allowedSourceAddressPrefixes: z.array(z.string()),
      }),
    ),
  }),
);

export const accessRequest = z.looseObject({
  id: z.string(),
  state: z.string(),
  requester: person,
  virtualMachines,
  duration: z.string(),
  start: z.string().optional(),
  end: z.string().optional(),
  justification: z.string(),
  approval: approval.optional(),
  extension: z
    .looseObject({ end: z.string(), justification: z.string(), requestedAt: z.string(), approval })
    .optional(),
  breakGlass: z.looseObject({ reviewed: said.optional() }).optional(),
  revoked: said.extend({ comment: z.string().optional() }).optional(),
  reason: reason.optional(),
  waiting: reason.optional(),
  requestedAt: z.string(),
  correlationId: z.string(),
});
export type AccessRequest = z.infer<typeof accessRequest>;

export const dryRun = z.looseObject({
  decision: z.looseObject({ outcome: z.string(), reasons: z.array(reason) }),
  approval: z.array(z.looseObject({ approvers: z.number(), groups: z.array(z.string()) })),
  virtualMachines,
  start: z.string().optional(),
  end: z.string().optional(),
  callerAddress: z.looseObject({ allowedSourceAddressPrefix: z.string() }).optional(),
  networkSecurityGroups: z.array(
    z.looseObject({ id: z.string(), changes: z.array(z.string()), refused: reason.optional() }),
  ),
});
export type DryRun = z.infer<typeof dryRun>;

export const recommendations = z.looseObject({
  value: z.array(
    z.looseObject({
      virtualMachine: z.looseObject({ id: z.string() }),
      exposedPorts: z.array(
        z.looseObject({
          number: z.number(),
          address: z.string(),
          sources: z.array(z.string()),
          rules: z.array(z.looseObject({ rule: z.string() })),
        }),
      ),
    }),
  ),
  unchecked: z.array(z.string()),
  // An older app does not say it.
  uncheckedSubscriptions: z.array(z.string()).default([]),
});

export const health = z.looseObject({
  status: z.string(),
  checkedAt: z.string(),
  checks: z.array(
    z.looseObject({
      name: z.string(),
      status: z.string(),
      since: z.string(),
      reason: z.string().optional(),
    }),
  ),
  sweep: z.looseObject({
    lastComplete: z.string().optional(),
    newest: z
      .looseObject({
        began: z.string(),
        complete: z.boolean(),
        counts: z.record(z.string(), z.number()),
        unlistedSubscriptions: z.array(z.string()).default([]),
      })
      .optional(),
  }),
  overdueCloses: z.looseObject({
    count: z.number().optional(),
    oldest: z
      .looseObject({ requestId: z.string(), since: z.string(), networkSecurityGroups: z.array(z.string()) })
      .optional(),
  }),
  installation: z.string(),
  program: z.looseObject({
    node: z.string(),
    version: z.string().optional(),
    bundle: z.string().optional(),
  }),
});
export type Health = z.infer<typeof health>;

export const accessRequests = z.looseObject({ value: z.array(accessRequest) });

export const auditRecord = z.looseObject({
  partition: z.string(),
  sequence: z.number(),
  event: z.string(),
  at: z.string(),
  actor: z.string(),
  requester: person.optional(),
  virtualMachines: z.array(z.looseObject({ id: z.string() })).optional(),
  justification: z.string().optional(),
  reasons: z.array(reason),
});
export type AuditRecord = z.infer<typeof auditRecord>;

export const auditPage = z.looseObject({ value: z.array(auditRecord), nextLink: z.string().optional() });

const policy = z.looseObject({
  id: z.string(),
  entries: z.array(
    z.looseObject({
      /** Either the machines, or the scopes and tags. */
      selector: z.looseObject({
        virtualMachineIds: z.array(z.string()).optional(),
        scopes: z.array(z.string()).optional(),
        tags: z.record(z.string(), z.string()).optional(),
      }),
      ports: z.array(
        z.looseObject({
          number: z.number(),
          protocol: z.string(),
          allowedSourceAddressPrefixes: z.array(z.string()),
          maxRequestAccessDuration: z.string(),
        }),
      ),
    }),
  ),
  conditions: z.looseObject({ approval: z.looseObject({ approvers: z.number() }).optional() }),
});
export type Policy = z.infer<typeof policy>;

export const policies = z.looseObject({ value: z.array(policy) });
