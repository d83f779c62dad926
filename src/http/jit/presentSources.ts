/** Microsoft has one member for one source and another for a list. */
export function presentSources(sources: string | string[]) {
  return typeof sources === 'string'
    ? { allowedSourceAddressPrefix: sources }
    : { allowedSourceAddressPrefixes: sources };
}

/** `203.0.113.7/32` → `203.0.113.7`; other canonical prefixes as they are. */
export function withoutFullLength(prefix: string): string {
  return prefix.includes(':') ? prefix.replace(/\/128$/, '') : prefix.replace(/\/32$/, '');
}
