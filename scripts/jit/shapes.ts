import * as z from 'zod';

/** What the client reads of answers; a newer app may say more. */
const reason = z.looseObject({ code: z.string(), message: z.string() });

const person = z.looseObject({ objectId: z.string(), displayName: z.string() });

export const accessRequest = z.looseObject({
  id: z.string(),
  state: z.string(),
  requester: person,
  virtualMachines: z.array(
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
  ),
  duration: z.string(),
  start: z.string().optional(),
  end: z.string().optional(),
  justification: z.string(),
  approval: z
    .looseObject({
      needed: z.array(z.looseObject({ approvers: z.number(), given: z.number() })),
      given: z.array(z.looseObject({ by: person, at: z.string(), comment: z.string() })),
      expiresAt: z.string(),
    })
    .optional(),
  reason: reason.optional(),
  waiting: reason.optional(),
  requestedAt: z.string(),
  correlationId: z.string(),
});
export type AccessRequest = z.infer<typeof accessRequest>;

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
