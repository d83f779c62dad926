import * as z from 'zod';
import { parsePolicyBody, policyName, policySchema } from '../../src/http/policyBody.ts';
import { maximumBodyBytes } from '../../src/http/readBody.ts';
import type { Problem } from '../jit/api.ts';

/** One policy as a file holds it. */
export interface PolicyFile {
  /** Of the policy: that of the file without `.json`. */
  name: string;
  /** Body of PUT /api/policies/{name}, as it is written. */
  body: Record<string, unknown>;
}

/** What is wrong with one file or policy; a problem without a field is about all of it. */
export interface Trouble {
  where: string;
  errors: Problem['errors'];
  correlationId?: string | undefined;
}

const suffix = '.json';
const object = z.record(z.string(), z.unknown());

/** The name of the policy that a file of this name holds; undefined if it can hold none. */
export function policyNameOf(file: string): string | undefined {
  const name = policyName.safeParse(file.endsWith(suffix) ? file.slice(0, -suffix.length) : undefined);
  return name.success ? name.data : undefined;
}

/** The file of a policy. Names of policies have no slash and do not begin with a dot, so it lies in its folder. */
export function fileNameOf(name: string): string {
  return `${policyName.parse(name)}${suffix}`;
}

/** Reads the content of a file, by the schema that the app reads bodies with. */
export function parsePolicyFile(
  bytes: Uint8Array,
): { body: PolicyFile['body'] } | { errors: Trouble['errors'] } {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    return wrong('malformed', `This is not JSON in UTF-8: ${error instanceof Error ? error.message : ''}`);
  }
  const read = object.safeParse(json);
  if (!read.success || Array.isArray(json)) return wrong('wrong-type', 'This must be an object.');
  const { $schema, ...body } = read.data;
  const parsed = parsePolicyBody(body);
  const errors = [
    ...($schema === undefined || typeof $schema === 'string'
      ? []
      : [{ field: '$schema', code: 'wrong-type', detail: 'This must be a string.' }]),
    ...(parsed.ok ? [] : parsed.problems),
  ];
  if (errors.length > 0) return { errors };
  return Buffer.byteLength(JSON.stringify(body)) > maximumBodyBytes
    ? wrong('too-long', `The policy must not be larger than ${maximumBodyBytes} bytes.`)
    : { body };
}

/** A policy as `export` writes it: its members in one order, whoever put it, and however. */
export function printPolicyFile(said: PolicyFile['body'], $schema?: string): string | undefined {
  const { entries, conditions, baseline } = said;
  const parsed = parsePolicyBody({ entries, conditions, baseline });
  if (!parsed.ok) return undefined;
  const { body } = parsed;
  const written = {
    ...($schema !== undefined && { $schema }),
    entries: body.entries.map(({ selector, ports }) => ({ selector: inOrder(selector), ports })),
    ...(Object.keys(body.conditions).length > 0 && { conditions: body.conditions }),
    baseline: body.baseline,
  };
  return `${JSON.stringify(written, undefined, 2)}\n`;
}

function inOrder<Selector extends object>(selector: Selector): Selector {
  if (!('tags' in selector)) return selector;
  const tags = Object.entries(object.parse(selector.tags)).sort(([one], [other]) => (one < other ? -1 : 1));
  return { ...selector, tags: Object.fromEntries(tags) };
}

/** JSON Schema (draft 2020-12) of a file: for editors, which tell what is wrong while it is written. */
export function policyFileSchema(): Record<string, unknown> {
  const { $schema, $defs } = z.toJSONSchema(policySchema, { io: 'input', target: 'draft-2020-12' });
  const { properties, ...rest } = object.parse($defs?.['NewPolicy']);
  return {
    $schema,
    title: 'A policy of Sallyport',
    description:
      'Which ports of which virtual machines may be asked for, from where, for how long, and under which conditions.',
    ...rest,
    properties: { $schema: { type: 'string' }, ...object.parse(properties) },
  };
}

function wrong(code: string, detail: string): { errors: Trouble['errors'] } {
  return { errors: [{ code, detail }] };
}
