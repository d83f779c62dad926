import * as z from 'zod';
import { parseDuration } from '../../core/duration.ts';
import type { PolicyEntry, PolicyPort } from '../../core/policy.ts';
import { canonicalId } from '../../core/resourceId.ts';
import type { PolicyContent } from '../../workflow/contracts.ts';
import { fieldProblemsOf } from '../fieldProblems.ts';
import { demanded, policyBaseline } from '../policyBody.ts';
import { policyConditions } from '../policyConditions.ts';
import type { FieldProblem } from '../problem.ts';
import {
  passedOver,
  portNumber,
  protocol,
  refuseBoth,
  sourceMembers,
  sourcesOf,
  virtualMachineId,
} from './leniency.ts';

export type PolicyBodyResult = { ok: true; content: PolicyContent } | { ok: false; problems: FieldProblem[] };

/** Microsoft's bounds: five minutes to a day. */
const leastSeconds = 300;
const mostSeconds = 86_400;
const maximumProblems = 50;

const maxRequestAccessDuration = z.string().superRefine((text, context) => {
  const read = parseDuration(text);
  const add = (code: string, message: string) => {
    context.addIssue({ code: 'custom', message, params: { code } });
  };
  if (!read.ok) add('duration-malformed', read.problem);
  else if (read.seconds < leastSeconds || read.seconds > mostSeconds) {
    add('out-of-range', 'The duration must be at least five minutes (PT5M) and at most a day (PT24H).');
  }
});

const port = z
  .strictObject({
    number: portNumber,
    protocol,
    ...sourceMembers(['0.0.0.0/0', '::/0']),
    maxRequestAccessDuration,
  })
  .superRefine((asked, context) => {
    refuseBoth(asked, context);
    if (asked.allowedSourceAddressPrefix || asked.allowedSourceAddressPrefixes) return;
    context.addIssue({
      code: 'custom',
      path: ['allowedSourceAddressPrefix'],
      message: 'Say who may ask from where: an address, a prefix, or * for everybody.',
      params: { code: 'missing' },
    });
  });

const virtualMachine = z
  .strictObject({
    id: virtualMachineId,
    ports: z.array(port).min(1).max(100),
    publicIpAddress: z.unknown().optional(),
  })
  .superRefine(({ ports, publicIpAddress }, context) => {
    if (publicIpAddress !== undefined && publicIpAddress !== null) {
      context.addIssue({
        code: 'custom',
        path: ['publicIpAddress'],
        message: 'Access through Azure Firewall is not supported: leave this out.',
        params: { code: 'not-allowed' },
      });
    }
    const keys = ports.map(({ number, protocol: of }) => `${number} ${of}`);
    refuseRepeated(keys, ['ports'], context);
  });

/** What Microsoft has no member for: `properties.sallyport` of a policy. */
export const policyExtension = z
  .strictObject({
    conditions: policyConditions.nullish(),
    baseline: policyBaseline.nullish(),
    // As an answer showed them.
    version: passedOver,
    reasons: passedOver,
  })
  .meta({
    id: 'JitPolicyExtension',
    description:
      '`properties.sallyport` of a policy below /api/arm. A member that is left out stays as it is, and `null` takes away what was set; so does `null` in the place of the whole.',
  });

const schema = z.strictObject({
  kind: z.string().nullish(),
  properties: z.strictObject({
    virtualMachines: z
      .array(virtualMachine)
      .min(1)
      .max(200)
      .superRefine((machines, context) => {
        refuseRepeated(
          machines.map(({ id }) => canonicalId(id)),
          [],
          context,
        );
      }),
    // History is what happened, whoever says otherwise.
    requests: passedOver,
    provisioningState: passedOver,
    appendMode: passedOver,
    sallyport: policyExtension.nullish(),
  }),
  id: passedOver,
  name: passedOver,
  type: passedOver,
  location: passedOver,
  tags: passedOver,
  etag: passedOver,
  systemData: passedOver,
});

/**
 * Reads the policy that is put in this resource group (an ARM id). Its machines must lie there: who may write the policy
 * is a matter of that group.
 */
export function parsePolicyBody(json: unknown, resourceGroupId: string): PolicyBodyResult {
  const read = schema.safeParse(json);
  if (!read.success)
    return { ok: false, problems: fieldProblemsOf(read.error, json).slice(0, maximumProblems) };
  const { virtualMachines } = read.data.properties;
  const inGroup = `${canonicalId(resourceGroupId)}/`;
  const problems = virtualMachines.flatMap(({ id }, index): FieldProblem[] =>
    canonicalId(id).startsWith(inGroup)
      ? []
      : [
          {
            field: `properties.virtualMachines[${index}].id`,
            code: 'not-allowed',
            detail: 'The virtual machine must lie in the subscription and resource group of the policy.',
            allowed: resourceGroupId,
          },
        ],
  );
  if (problems.length > 0) return { ok: false, problems: problems.slice(0, maximumProblems) };
  const entries = virtualMachines.map(({ id, ports }): PolicyEntry => ({
    selector: { virtualMachineIds: [id] },
    ports: ports.map(policyPortOf),
  }));
  return { ok: true, content: { entries, ...extended(read.data.properties.sallyport) } };
}

/** Microsoft's clients drop what they do not know when they put back what they have read: so what is left out stays. */
function extended(
  extension: z.output<typeof policyExtension> | null | undefined,
): Pick<PolicyContent, 'conditions' | 'baseline'> {
  if (extension === undefined) return {};
  const { conditions, baseline } = extension ?? { conditions: null, baseline: null };
  const all = demanded(conditions, baseline);
  return {
    ...(conditions !== undefined && { conditions: all.conditions }),
    ...(baseline !== undefined && { baseline: all.baseline }),
  };
}

function policyPortOf(read: z.output<typeof port>): PolicyPort {
  const { asWritten = [], prefixes = [] } = sourcesOf(read) ?? {};
  return {
    number: read.number,
    protocol: read.protocol,
    allowedSourceAddressPrefixes: prefixes,
    maxRequestAccessDuration: read.maxRequestAccessDuration,
    sourcesAsWritten: asWritten,
  };
}

function refuseRepeated(keys: readonly string[], path: string[], context: z.RefinementCtx): void {
  for (const [index, key] of keys.entries()) {
    if (keys.indexOf(key) === index) continue;
    const params = { code: 'duplicate' };
    context.addIssue({ code: 'custom', path: [...path, index], message: 'This is there already.', params });
  }
}
