import { UnreadableRowError } from '../../core/stores.ts';
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { canonicalId } from '../../core/resourceId.ts';

/** A property holds 64 KiB of UTF-16: 32,768 code units. */
const unitsPerProperty = 32_000;
/** Of the 1 MiB that an entity may have, what is left for keys and overhead is generous. */
const largestRowKilobytes = 900;

/** A row that Table Storage could not hold; nothing was written. */
export class RowTooLargeError extends Error {
  override readonly name = 'RowTooLargeError';
}

/** The key of an id that may differ in case or hold characters that keys may not: 32 hexadecimal digits. */
export function keyOf(id: string): string {
  return createHash('sha256').update(canonicalId(id)).digest('hex').slice(0, 32);
}

/** The partition of everything that reconcile reads of one network security group. */
export function partitionOfNsg(nsgId: string): string {
  return `nsg-${keyOf(nsgId)}`;
}

/**
 * JSON text as numbered properties, each small enough.
 * Throws RowTooLargeError above 900 KB, counted as Table Storage counts: two bytes per UTF-16 code unit.
 */
export function toProperties(what: string, text: string): Record<string, string | number> {
  const kilobytes = Math.ceil((text.length * 2) / 1024);
  if (kilobytes > largestRowKilobytes) {
    throw new RowTooLargeError(
      `${what} takes ${kilobytes} KB; a row holds ${largestRowKilobytes} KB. Nothing was written.`,
    );
  }
  const properties: Record<string, string | number> = {};
  let parts = 0;
  for (let start = 0; start < text.length; parts += 1) {
    const end = endOfPart(text, start);
    properties[`json${parts}`] = text.slice(start, end);
    start = end;
  }
  return { ...properties, parts };
}

/** Half a surrogate pair does not survive the way through UTF-8. */
function endOfPart(text: string, start: number): number {
  const end = Math.min(start + unitsPerProperty, text.length);
  const last = text.charCodeAt(end - 1);
  return end < text.length && last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}

/** The JSON text of a row. Throws UnreadableRowError if a part is missing. */
export function textOf(what: string, entity: Record<string, unknown>): string {
  const { parts } = entity;
  if (typeof parts !== 'number') throw new UnreadableRowError(`${what} has no content.`);
  return Array.from({ length: parts }, (_, part) => {
    const text = entity[`json${part}`];
    if (typeof text !== 'string') throw new UnreadableRowError(`${what} lacks part ${part} of ${parts}.`);
    return text;
  }).join('');
}

/**
 * The content of a row, of the shape that the schema describes.
 * Throws UnreadableRowError, which names the row and what is wrong with it: what cannot be read is not absent.
 */
export function parseRow<T>(what: string, entity: Record<string, unknown>, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(parseJson(what, textOf(what, entity)));
  if (!parsed.success) {
    throw new UnreadableRowError(`${what} cannot be read: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

function parseJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UnreadableRowError(`${what} cannot be read: it is no JSON.`, { cause: error });
  }
}
