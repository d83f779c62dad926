import { createHash } from 'node:crypto';
import * as z from 'zod';
import { canonicalJson } from '../core/canonicalJson.ts';
import { protocols } from '../core/accessRequest.ts';
import { parsePrefix } from '../core/address.ts';
import { parseDuration } from '../core/duration.ts';
import { canonicalId } from '../core/resourceId.ts';
import { parseVirtualMachineId } from '../core/virtualMachineId.ts';
import type { AskedPort, Submission } from '../workflow/contracts.ts';
import { exampleVirtualMachineId } from './exampleIds.ts';
import { fieldProblemsOf } from './fieldProblems.ts';
import { plainLine } from './plainLine.ts';
import type { FieldProblem } from './problem.ts';

export const limits = {
  virtualMachines: 10,
  portsPerVirtualMachine: 20,
  ports: 50,
  problems: 50,
} as const;

/** The part of a submission that the body says, where the sources that it leaves out are still to be filled in. */
export type AccessRequestBody = Pick<
  Submission,
  'duration' | 'durationSeconds' | 'justification' | 'start' | 'breakGlass' | 'bodyHash'
> & {
  virtualMachines: {
    id: string;
    ports: (Omit<AskedPort, 'allowedSourceAddressPrefix'> & { allowedSourceAddressPrefix?: string })[];
  }[];
};

export type AccessRequestBodyResult =
  | { ok: true; body: AccessRequestBody }
  /** At most `limits.problems` of them. */
  | { ok: false; problems: FieldProblem[] };

/** Longer text is not worth parsing, nor repeating in an answer. */
const maximumSourceLength = 64;
export const maximumIdLength = 300;

export const protocol = z
  .string()
  .meta({ pattern: '^([Tt][Cc][Pp]|[Uu][Dd][Pp]|[*])$', examples: [...protocols] })
  .transform((text, context) => {
    const known = protocols.find((name) => name.toLowerCase() === text.toLowerCase());
    if (known !== undefined) return known;
    context.addIssue({
      code: 'custom',
      message: 'The protocol must be Tcp, Udp or *.',
      params: { code: 'not-allowed', allowed: protocols },
    });
    return z.NEVER;
  });

export const allowedSourceAddressPrefix = z
  .string()
  .max(maximumSourceLength)
  .meta({
    description: 'An IPv4 or IPv6 address or CIDR prefix, without host bits.',
    examples: ['203.0.113.7', '2001:db8::/64'],
  })
  .transform((text, context) => {
    const read = parsePrefix(text);
    if (read.ok) return read.prefix;
    const { problem, correct } = read;
    const params = { code: 'source-malformed', ...(correct !== undefined && { allowed: correct }) };
    const message = correct === undefined ? problem : `${problem} Write ${correct}.`;
    context.addIssue({ code: 'custom', message, params });
    return z.NEVER;
  });

export const portNumber = z
  .number()
  .refine((value) => Number.isInteger(value) && value >= 1 && value <= 65_535, {
    message: 'The port must be a whole number from 1 to 65535.',
    params: { code: 'out-of-range' },
  })
  .meta({ type: 'integer', minimum: 1, maximum: 65_535, examples: [22, 3389] });

const port = z.strictObject({
  number: portNumber,
  protocol: protocol.optional(),
  allowedSourceAddressPrefix: allowedSourceAddressPrefix.optional(),
});

const virtualMachine = z.strictObject({
  id: z
    .string()
    .max(maximumIdLength)
    .superRefine((text, context) => {
      const read = parseVirtualMachineId(text);
      if (!read.ok) context.addIssue({ code: 'custom', message: read.problem, params: { code: read.code } });
    })
    .meta({ description: 'ARM id of a virtual machine, in any case.', examples: [exampleVirtualMachineId] }),
  ports: z.array(port).min(1).max(limits.portsPerVirtualMachine),
});

const durationText = z.string().meta({
  description: 'ISO 8601 of weeks alone, or of days, hours, minutes and seconds; at most seven days.',
  examples: ['PT1H', 'PT90M'],
});

/** Why access is needed. */
export const justificationText = plainLine('justification', 'Why').meta({
  examples: ['Restart the web server (change 4711)'],
});

/** The body of POST /api/access-requests. */
export const accessRequestSchema = z
  .strictObject({
    virtualMachines: z.array(virtualMachine).min(1).max(limits.virtualMachines),
    duration: durationText.transform((text, context) => {
      const read = parseDuration(text);
      if (read.ok) return { text, seconds: read.seconds };
      context.addIssue({ code: 'custom', message: read.problem, params: { code: 'duration-malformed' } });
      return z.NEVER;
    }),
    justification: justificationText,
    start: z.iso
      .datetime({ offset: true })
      .meta({
        description:
          'When access is to begin, at most seven days ahead. Left out: at once, or once it is approved.',
        examples: ['2026-11-23T20:00:00+01:00'],
      })
      .transform((text) => new Date(text).toISOString())
      .optional(),
    breakGlass: z
      .boolean()
      .meta({ description: 'Skips approval, with the role Sallyport.BreakGlass; somebody has to review it.' })
      .optional(),
  })
  .superRefine(({ virtualMachines }, context) => {
    const total = virtualMachines.reduce((sum, { ports }) => sum + ports.length, 0);
    if (total > limits.ports) {
      context.addIssue({
        code: 'custom',
        path: ['virtualMachines'],
        message: `There must not be more than ${limits.ports} ports in all.`,
        params: { code: 'too-many', allowed: limits.ports },
      });
    }
    const paths = [
      ...repeated(virtualMachines.map(({ id }) => canonicalId(id))).map((index) => [index]),
      ...virtualMachines.flatMap(({ ports }, index) =>
        repeated(ports.map((asked) => canonicalJson(asked))).map((portIndex) => [index, 'ports', portIndex]),
      ),
    ];
    for (const path of paths) {
      context.addIssue({
        code: 'custom',
        path: ['virtualMachines', ...path],
        message: 'This is there already.',
        params: { code: 'duplicate' },
      });
    }
  })
  .meta({ id: 'NewAccessRequest' });

/** Checks the form of an access request; whether it is allowed is for the policies. */
export function parseAccessRequestBody(json: unknown): AccessRequestBodyResult {
  const read = accessRequestSchema.safeParse(json);
  if (!read.success)
    return { ok: false, problems: fieldProblemsOf(read.error, json).slice(0, limits.problems) };
  const { virtualMachines, duration, justification, start, breakGlass } = read.data;
  return {
    ok: true,
    body: {
      virtualMachines: virtualMachines.map(({ id, ports }) => ({
        id,
        ports: ports.map((asked) => ({
          number: asked.number,
          ...(asked.protocol !== undefined && { protocol: asked.protocol }),
          ...(asked.allowedSourceAddressPrefix !== undefined && {
            allowedSourceAddressPrefix: asked.allowedSourceAddressPrefix,
          }),
        })),
      })),
      duration: duration.text,
      durationSeconds: duration.seconds,
      justification,
      ...(start !== undefined && { start }),
      ...(breakGlass === true && { breakGlass }),
      bodyHash: createHash('sha256').update(canonicalJson(json)).digest('hex'),
    },
  };
}

/** Indices of what equals something before it. */
export function repeated(keys: readonly string[]): number[] {
  return keys.flatMap((key, index) => (keys.indexOf(key) < index ? [index] : []));
}
