import * as z from 'zod';
import type { Random } from '../random.ts';

/** As much of JSON Schema as our descriptions use. */
export interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  examples?: unknown[];
  pattern?: string;
  format?: string;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
}

const made = new WeakMap<z.ZodType, Schema>();

/** What is sent for a schema of ours, without references. */
export function schemaOf(schema: z.ZodType): Schema {
  const known = made.get(schema);
  if (known !== undefined) return known;
  const document = z.toJSONSchema(schema, { io: 'input', reused: 'inline' }) as Schema & {
    $defs?: Record<string, Schema>;
  };
  const resolved = resolve(document, document.$defs ?? {}) as Schema;
  made.set(schema, resolved);
  return resolved;
}

function resolve(part: unknown, definitions: Record<string, Schema>): unknown {
  if (Array.isArray(part)) return part.map((one) => resolve(one, definitions));
  if (typeof part !== 'object' || part === null) return part;
  const { $ref, ...rest } = part as { $ref?: string };
  const referred = $ref === undefined ? undefined : definitions[$ref.replace('#/$defs/', '')];
  return Object.fromEntries(
    Object.entries({ ...referred, ...rest }).map(([name, value]) => [name, resolve(value, definitions)]),
  );
}

/** A value that the schema takes, as far as a schema says it; examples are preferred, because most rules are not in it. */
export function valueOf(random: Random, schema: Schema): unknown {
  if (schema.examples !== undefined && !random.oneIn(12))
    return structuredClone(random.pick(schema.examples));
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return random.pick(schema.enum);
  const choice = schema.anyOf ?? schema.oneOf;
  if (choice !== undefined) return valueOf(random, random.pick(choice));
  switch (schema.type) {
    case 'object':
      return objectOf(random, schema);
    case 'array':
      return Array.from({ length: (schema.minItems ?? 0) + random.below(3) }, () =>
        valueOf(random, schema.items ?? {}),
      );
    case 'integer':
    case 'number':
      return (
        (schema.minimum ?? 0) +
        random.below(Math.min(100, (schema.maximum ?? 100) - (schema.minimum ?? 0)) + 1)
      );
    case 'boolean':
      return random.oneIn(2);
    case 'string':
      return textOf(random, schema);
    case undefined:
    default:
      return null;
  }
}

function objectOf(random: Random, { properties = {}, required = [], additionalProperties }: Schema): unknown {
  const named = Object.entries(properties)
    .filter(([name]) => required.includes(name) || random.oneIn(2))
    .map(([name, inner]) => [name, valueOf(random, inner)] as const);
  const isOpen = typeof additionalProperties === 'object' && random.oneIn(2);
  const free = isOpen ? [[`name${random.below(5)}`, valueOf(random, additionalProperties)] as const] : [];
  return Object.fromEntries([...named, ...free]);
}

function textOf(random: Random, { format, pattern, minLength = 0, maxLength = 64 }: Schema): string {
  if (format === 'date-time') return random.pick(['2026-11-23T08:00:00Z', '2026-11-24T08:00:00.000Z']);
  if (format === 'uuid') return '00000000-0000-4000-8000-0000000a11ce';
  const texts = [
    'Ticket 4711',
    'web-ssh',
    '0'.repeat(32),
    '1',
    'Europe/Berlin',
    'P1D',
    '203.0.113.0/24',
    'x'.repeat(minLength),
  ];
  const fitting = texts.filter((text) => pattern === undefined || new RegExp(pattern).test(text));
  return random.pick(fitting.length > 0 ? fitting : texts).slice(0, maxLength);
}
