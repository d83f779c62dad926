/** JSON as it was read. Spelled out here again: the guard imports nothing of what it judges, not even types. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export interface JsonObject {
  [key: string]: Json;
}

/** The value as an object, empty if it is none. */
export function asObject(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

/** The value as trimmed text, empty if it is none. */
export function asText(value: Json | undefined): string {
  return typeof value === 'string' ? value.trim() : '';
}

/** The JSON path of the first place where two values differ, or undefined where they are the same value. */
export function firstDifference(a: Json | undefined, b: Json | undefined, path = '$'): string | undefined {
  if (a === b) return undefined;
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return path;
    return firstOf(a, (item, index) => firstDifference(item, b[index], `${path}[${index}]`));
  }
  if (isObject(a) && isObject(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    // Own members only: JSON may hold a member called `__proto__`.
    return firstOf([...keys], (key) =>
      Object.hasOwn(a, key) && Object.hasOwn(b, key)
        ? firstDifference(a[key], b[key], `${path}.${key}`)
        : `${path}.${key}`,
    );
  }
  return path;
}

function firstOf<T>(items: T[], find: (item: T, index: number) => string | undefined): string | undefined {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
