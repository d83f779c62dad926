import * as z from 'zod';
import { parseDuration } from '../core/duration.ts';
import { isPlainText } from '../core/plainText.ts';
import type { BaselineSource, PolicyConditions, Selector } from '../core/policy.ts';
import { canonicalId } from '../core/resourceId.ts';
import { parseVirtualMachineId } from '../core/virtualMachineId.ts';
import type { PolicyContent } from '../workflow/contracts.ts';
import {
  allowedSourceAddressPrefix,
  maximumIdLength,
  portNumber,
  protocol,
  repeated,
} from './accessRequestBody.ts';
import { text } from './bodyFields.ts';
import { exampleVirtualMachineId } from './exampleIds.ts';
import { fieldProblemsOf } from './fieldProblems.ts';
import { policyConditions } from './policyConditions.ts';
import type { FieldProblem } from './problem.ts';

/** What one policy may hold: enough for people, and too little to make deciding slow. */
const limits = {
  entries: 50,
  places: 100,
  tags: 15,
  ports: 20,
  sources: 100,
  problems: 50,
} as const;

export const policyName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)
  .meta({ description: 'Letters, digits, dots, underscores and hyphens; the case does not matter.' });

const virtualMachineId = text(
  'vm-id-malformed',
  (value) => {
    const read = parseVirtualMachineId(value);
    return read.ok ? undefined : read.problem;
  },
  maximumIdLength,
).meta({ description: 'ARM id of a virtual machine, in any case.', examples: [exampleVirtualMachineId] });

const exampleGroup = exampleVirtualMachineId.split('/').slice(0, 5).join('/');
const guid = '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';
const scopePattern = new RegExp(
  `^/subscriptions/${guid}(?:/resourceGroups/[a-z0-9_().-]{0,89}[a-z0-9_()-])?$`,
  'i',
);
const scope = text(
  'malformed',
  (value) =>
    scopePattern.test(value)
      ? undefined
      : 'This must be the ARM id of a subscription or a resource group, without a slash at its end.',
  maximumIdLength,
).meta({ description: 'ARM id of a subscription or a resource group.', examples: [exampleGroup] });

const plain = (longest: number) =>
  text(
    'unfit-characters',
    (value) => (isPlainText(value) ? undefined : 'This must be one line of plain text.'),
    longest,
  );

const selector = z
  .strictObject({
    virtualMachineIds: z.array(virtualMachineId).min(1).max(limits.places).optional(),
    scopes: z.array(scope).min(1).max(limits.places).optional(),
    tags: z
      .record(plain(512), plain(256))
      .refine((tags) => Object.keys(tags).length <= limits.tags, {
        message: `There must not be more than ${limits.tags}.`,
        params: { code: 'too-many', allowed: limits.tags },
      })
      .optional(),
  })
  .meta({
    description: 'Virtual machines by their ids, or those in scopes that carry every one of the tags.',
    examples: [
      { virtualMachineIds: [exampleVirtualMachineId] },
      { scopes: [exampleGroup], tags: { environment: 'production' } },
    ],
  })
  .transform(({ virtualMachineIds, scopes, tags }, context): Selector => {
    if (virtualMachineIds !== undefined && scopes === undefined && tags === undefined)
      return { virtualMachineIds };
    if (virtualMachineIds === undefined && scopes !== undefined) {
      return { scopes, ...(tags === undefined ? {} : { tags }) };
    }
    context.addIssue({
      code: 'custom',
      message: 'Name either virtualMachineIds, or scopes with or without tags.',
      params: { code: 'malformed' },
    });
    return z.NEVER;
  });

const port = z.strictObject({
  number: portNumber,
  protocol,
  allowedSourceAddressPrefixes: z.array(allowedSourceAddressPrefix).min(1).max(limits.sources),
  maxRequestAccessDuration: text(
    'duration-malformed',
    (value) => {
      const read = parseDuration(value);
      return read.ok ? undefined : read.problem;
    },
    32,
  ).meta({ description: 'ISO 8601, at most seven days.', examples: ['PT3H'] }),
});

const entry = z.strictObject({
  selector,
  ports: z
    .array(port)
    .min(1)
    .max(limits.ports)
    .superRefine((ports, context) => {
      for (const [index, one] of ports.entries()) {
        const isAgain = ports
          .slice(0, index)
          .some(
            (each) =>
              each.number === one.number &&
              ([each.protocol, one.protocol].includes('*') || each.protocol === one.protocol),
          );
        if (!isAgain) continue;
        context.addIssue({
          code: 'custom',
          path: [index],
          message: 'This port and protocol is there already.',
          params: { code: 'duplicate' },
        });
      }
    }),
});

const baselineKinds = ['internet', 'everybody', 'none'] as const satisfies BaselineSource['kind'][];

const baselineKind = z
  .string()
  .meta({ enum: [...baselineKinds] })
  .transform((text, context) => {
    const known = baselineKinds.find((kind) => kind === text);
    if (known !== undefined) return known;
    context.addIssue({
      code: 'custom',
      message: 'This must be internet, everybody or none.',
      params: { code: 'not-allowed', allowed: baselineKinds },
    });
    return z.NEVER;
  });

/** From whom the ports are kept shut. */
export const policyBaseline = z
  .strictObject({
    kind: baselineKind,
    except: z.array(allowedSourceAddressPrefix).max(limits.sources).optional(),
  })
  .meta({
    description: 'From whom the ports are kept shut; `except` is for `everybody` alone.',
    examples: [{ kind: 'internet' }, { kind: 'everybody', except: ['10.0.1.0/26'] }],
  })
  .transform(({ kind, except }, context): BaselineSource => {
    if (kind === 'everybody') return { kind, except: except ?? [] };
    if (except === undefined) return { kind };
    context.addIssue({
      code: 'custom',
      path: ['except'],
      message: 'Only a baseline for everybody has exceptions.',
      params: { code: 'unknown' },
    });
    return z.NEVER;
  });

/** The body of PUT /api/policies/{name}. */
export const policySchema = z
  .strictObject({
    entries: z.array(entry).min(1).max(limits.entries),
    conditions: policyConditions.optional(),
    baseline: policyBaseline.optional(),
  })
  .superRefine(({ entries }, context) => {
    const places = entries.map(({ selector: each }) =>
      'scopes' in each ? each.scopes : each.virtualMachineIds,
    );
    if (places.flat().length > limits.places) {
      context.addIssue({
        code: 'custom',
        path: ['entries'],
        message: `There must not be more than ${limits.places} virtual machines and scopes in all.`,
        params: { code: 'too-many', allowed: limits.places },
      });
    }
    for (const [index, { selector: each }] of entries.entries()) {
      const [member, ids] =
        'scopes' in each ? ['scopes', each.scopes] : ['virtualMachineIds', each.virtualMachineIds];
      for (const place of repeated(ids.map(canonicalId))) {
        context.addIssue({
          code: 'custom',
          path: ['entries', index, 'selector', member, place],
          message: 'This is there already.',
          params: { code: 'duplicate' },
        });
      }
    }
  })
  .meta({ id: 'NewPolicy' });

/** The body of POST /api/policies/{name}/release. */
export const releaseSchema = z
  .strictObject({ virtualMachineIds: z.array(virtualMachineId).min(1).max(limits.places) })
  .meta({ id: 'Release' });

export type Parsed<Body> = { ok: true; body: Body } | { ok: false; problems: FieldProblem[] };

/** Checks the form of a policy. What is left out is set: a PUT says the whole policy. */
export function parsePolicyBody(json: unknown): Parsed<Required<PolicyContent>> {
  const read = policySchema.safeParse(json);
  if (!read.success) return { ok: false, problems: problemsOf(read.error, json) };
  const { entries, conditions, baseline } = read.data;
  return { ok: true, body: { entries, ...demanded(conditions, baseline) } };
}

/** What is left out is not demanded, and keeps out the internet. */
export function demanded(
  conditions: z.output<typeof policyConditions> | undefined | null,
  baseline: BaselineSource | undefined | null,
): Required<Pick<PolicyContent, 'conditions' | 'baseline'>> {
  return {
    // Undefined members left out: rows are compared and hashed by what they hold.
    conditions: JSON.parse(JSON.stringify(conditions ?? {})) as PolicyConditions,
    baseline: baseline ?? { kind: 'internet' },
  };
}

/** Checks the form of a release. */
export function parseReleaseBody(json: unknown): Parsed<z.output<typeof releaseSchema>> {
  const read = releaseSchema.safeParse(json);
  return read.success ? { ok: true, body: read.data } : { ok: false, problems: problemsOf(read.error, json) };
}

function problemsOf(error: z.ZodError, json: unknown): FieldProblem[] {
  return fieldProblemsOf(error, json).slice(0, limits.problems);
}
