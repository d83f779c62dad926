import * as z from 'zod';
import { isGuid } from '../core/caller.ts';
import { parseVirtualMachineId } from '../core/virtualMachineId.ts';
import { exampleVirtualMachineId } from './exampleIds.ts';
import type { Operation } from './operation.ts';
import { presentedReason, presentedVirtualMachine } from './presentRequest.ts';
import { instantParameter, parameter } from './readQuery.ts';

export const notOurContinuation = 'This must be the continuation of an earlier answer, unchanged.';

/** The query of GET /api/audit. */
export const auditQuery = z.strictObject({
  vm: parameter((text) => {
    const read = parseVirtualMachineId(text);
    return read.ok ? { value: text } : { detail: read.problem };
  })
    .meta({ description: 'ARM id of a virtual machine, in any case.', examples: [exampleVirtualMachineId] })
    .optional(),
  requester: parameter((text) =>
    isGuid(text)
      ? { value: text.toLowerCase() }
      : { detail: 'This must be the object id of a person, a GUID.' },
  )
    .meta({ description: 'Object id of a person; without a role only your own.', format: 'uuid' })
    .optional(),
  from: instantParameter
    .meta({ description: 'Inclusive; 30 days before `to` where it is left out.' })
    .optional(),
  to: instantParameter.meta({ description: 'Exclusive; now where it is left out.' }).optional(),
  continuation: parameter((text) =>
    /^[\x21-\x2b\x2d-\x7e]{1,2048}$/.test(text) ? { value: text } : { detail: notOurContinuation },
  )
    .meta({ description: 'As `nextLink` of an earlier answer has it.' })
    .optional(),
});

/** An audit record as it is answered: as it is stored. */
const presentedRecord = z
  .strictObject({
    partition: z
      .string()
      .meta({ description: 'Id of the request; `nsg-…`, `policy-…` or `unauthenticated-…`.' }),
    sequence: z.int().min(1).meta({ description: 'Within the partition, without gaps.' }),
    event: z.string().meta({ examples: ['request.active'] }),
    at: z.iso.datetime(),
    actor: z.string().meta({ description: '`sallyport`, `sweep`, or the object id of a person.' }),
    requester: z.strictObject({ objectId: z.string(), displayName: z.string() }).optional(),
    virtualMachines: z.array(presentedVirtualMachine).optional(),
    networkSecurityGroups: z.array(z.string()).optional(),
    from: z.iso.datetime().optional(),
    until: z.iso.datetime().optional(),
    justification: z.string().optional(),
    reasons: z.array(presentedReason),
    correlationId: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string())])).optional(),
    previousHash: z.string().meta({ description: 'Hash of the record before it; empty for the first.' }),
    hash: z.string().meta({ description: 'SHA-256 of the record without this member, as canonical JSON.' }),
  })
  .meta({ id: 'AuditRecord' });

/** What audit.ts answers. */
export const auditOperations = {
  readAudit: {
    name: 'readAudit',
    method: 'GET',
    route: 'api/audit',
    summary: 'Reads the audit trail.',
    description: "Your own requests; auditors and administrators read everybody's.",
    query: auditQuery,
    answers: {
      200: {
        description: 'A page; it may be empty and still have a next one.',
        schema: z
          .strictObject({
            value: z.array(presentedRecord),
            nextLink: z.string().meta({ description: 'Relative; absent on the last page only.' }).optional(),
          })
          .meta({ id: 'AuditPage' }),
      },
    },
    problems: ['query-invalid', 'role-missing'],
    examples: {
      own: { summary: 'What you have asked for in the last 30 days', status: 200 },
      virtualMachine: {
        summary: 'One virtual machine in November',
        query: {
          vm: exampleVirtualMachineId,
          from: '2026-11-01T00:00:00Z',
          to: '2026-12-01T00:00:00+01:00',
        },
        status: 200,
      },
      backwards: {
        summary: 'A span that ends before it begins',
        query: { from: '2026-11-02T00:00:00Z', to: '2026-11-01T00:00:00Z' },
        status: 400,
      },
    },
  },
} satisfies Record<string, Operation>;
