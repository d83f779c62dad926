import type { Random } from '../random.ts';
import type { Schema } from './schemaValue.ts';

/** One place of a value that can be broken: where it is, and what it may be instead. */
interface Place {
  field: string;
  /** The value with this place broken. */
  broken: () => unknown;
}

/** A value of a schema with one place broken against the schema, and the field that a refusal must name. */
export function breakSomewhere(
  random: Random,
  value: unknown,
  schema: Schema,
): { value: unknown; field: string } {
  const place = random.pick(placesOf(value, schema, ''));
  return { value: place.broken(), field: place.field };
}

function placesOf(value: unknown, schema: Schema, field: string): Place[] {
  // Which of several it should have been cannot be said: what is broken inside is the whole.
  if (schema.anyOf !== undefined || schema.oneOf !== undefined) return ofNoType(schema, field);
  return [...ofNoType(schema, field), ...ofLimits(value, schema, field), ...inside(value, schema, field)];
}

/** Values of types that the schema does not name. */
function ofNoType(schema: Schema, field: string): Place[] {
  const types = new Set((schema.anyOf ?? schema.oneOf ?? [schema]).map((one) => typeNameOf(one)));
  const others: readonly [string, unknown][] = [
    ['object', { odd: 1 }],
    ['array', [['odd']]],
    ['number', -7.5],
    ['boolean', true],
    ['string', 'odd'],
    ['null', null],
  ];
  if (types.has('any')) return [];
  return others
    .filter(([type]) => !types.has(type))
    .map(([, other]) => ({ field, broken: () => structuredClone(other) }));
}

function typeNameOf({ type, const: constant, enum: values }: Schema): string {
  if (type === 'integer') return 'number';
  return type ?? (constant !== undefined || values !== undefined ? typeof (constant ?? values?.[0]) : 'any');
}

function ofLimits(value: unknown, schema: Schema, field: string): Place[] {
  const odd: unknown[] = [];
  if (schema.maxLength !== undefined) odd.push('x'.repeat(schema.maxLength + 1));
  if (schema.minLength !== undefined && schema.minLength > 0) odd.push('');
  if (schema.enum !== undefined) odd.push('none of them');
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test('none\tof it'))
    odd.push('none\tof it');
  if (schema.minimum !== undefined) odd.push(schema.minimum - 1);
  if (schema.maximum !== undefined) odd.push(schema.maximum + 1);
  if (schema.type === 'integer') odd.push((schema.minimum ?? 0) + 0.5);
  if (Array.isArray(value) && schema.maxItems !== undefined && value.length > 0) {
    odd.push(Array.from({ length: schema.maxItems + 1 }, () => value[0] as unknown));
  }
  if (schema.minItems !== undefined && schema.minItems > 0) odd.push([]);
  return odd.map((other) => ({ field, broken: () => other }));
}

function inside(value: unknown, schema: Schema, field: string): Place[] {
  if (Array.isArray(value)) {
    const list: unknown[] = value;
    return list.flatMap((item, index) =>
      placesOf(item, schema.items ?? {}, `${field}[${index}]`).map((place) => ({
        field: place.field,
        broken: () => list.with(index, place.broken()),
      })),
    );
  }
  if (typeof value !== 'object' || value === null || schema.properties === undefined) return [];
  const { properties, required = [], additionalProperties } = schema;
  const at = (name: string) => (field === '' ? name : `${field}.${name}`);
  const without = (name: string) =>
    Object.fromEntries(Object.entries(value).filter(([other]) => other !== name));
  return [
    ...Object.entries(properties).flatMap(([name, inner]): Place[] => {
      if (!Object.hasOwn(value, name)) return [];
      return placesOf((value as Record<string, unknown>)[name], inner, at(name)).map((place) => ({
        field: place.field,
        broken: () => ({ ...value, [name]: place.broken() }),
      }));
    }),
    ...required.map((name) => ({ field: at(name), broken: () => without(name) })),
    ...(additionalProperties === false
      ? [{ field: at('unexpected'), broken: () => ({ ...value, unexpected: 1 }) }]
      : []),
  ];
}
