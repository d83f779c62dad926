import * as z from 'zod';
import { protocols } from '../core/accessRequest.ts';
import type { DryRun } from '../workflow/dryRun.ts';
import { presentedReason, presentedVirtualMachine } from './presentRequest.ts';

const prefixes = z.array(z.string()).meta({ description: 'CIDR prefixes.' });

/** What presentDryRun makes. */
export const presentedDryRun = z.strictObject({
  decision: z.strictObject({
    outcome: z.enum(['granted', 'needs-approval', 'denied']),
    reasons: z.array(presentedReason),
    policies: z.array(z.string()).meta({ description: 'The policies behind it.' }),
  }),
  approval: z
    .array(z.strictObject({ approvers: z.int().min(1), groups: z.array(z.string()) }))
    .meta({ description: 'Who would have to approve: all of them.' }),
  virtualMachines: z.array(presentedVirtualMachine),
  start: z.iso.datetime().optional(),
  end: z.iso
    .datetime()
    .meta({ description: 'Absent where it would be denied; later where somebody has to approve first.' })
    .optional(),
  networkSecurityGroups: z.array(
    z.strictObject({
      id: z.string(),
      rules: z.array(
        z.strictObject({
          priority: z.int(),
          protocol: z.enum(protocols),
          sourceAddressPrefixes: prefixes,
          destinationAddressPrefixes: prefixes,
          destinationPorts: z.array(z.int()),
        }),
      ),
      changes: z.array(z.string()).meta({ description: 'Who could newly reach what, as sentences.' }),
      atEnd: z.array(z.string()).meta({
        description: 'What its end would do there beside taking its rules away, as sentences.',
      }),
      refused: presentedReason.meta({ description: 'Why it would get no rule here.' }).optional(),
    }),
  ),
});

/** What a dry run says, as it is answered. */
export function presentDryRun({ decision, approval, virtualMachines, start, end, nsgs }: DryRun) {
  return {
    decision,
    approval,
    virtualMachines,
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    networkSecurityGroups: nsgs.map(({ nsgId, rules, changes, atEnd, refused }) => ({
      id: nsgId,
      rules,
      changes,
      atEnd,
      ...(refused === undefined ? {} : { refused }),
    })),
  };
}
