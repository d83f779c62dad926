import { createHash } from 'node:crypto';

/** JSON with the members of every object in code-unit order, so that equal values have equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}

/** SHA-256, hexadecimal, of everything that an object holds but its `hash`: what that `hash` must be. */
export function contentHash(content: object & { hash?: string }): string {
  const hashed = { ...content };
  delete hashed.hash;
  return createHash('sha256').update(canonicalJson(hashed)).digest('hex');
}
