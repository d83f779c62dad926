/**
 * Sets of packets of which only the name is known: service tags, application security groups, text that is not
 * understood. Each is one bit, so that a packet's memberships are one number; any combination may occur.
 */
export interface OpaqueSets {
  /** The bit of a name; names that differ in case only are one. */
  bitOf: (name: string) => bigint;
  /** The names of these bits. */
  namesOf: (bits: bigint) => string[];
}

/** Starts without a name; each gets the next bit when it is first asked for. */
export function createOpaqueSets(): OpaqueSets {
  const bits = new Map<string, { name: string; bit: bigint }>();
  return {
    bitOf: (name) => {
      const key = name.toLowerCase();
      const known = bits.get(key) ?? { name, bit: 1n << BigInt(bits.size) };
      bits.set(key, known);
      return known.bit;
    },
    namesOf: (wanted) =>
      [...bits.values()].filter(({ bit }) => (wanted & bit) !== 0n).map(({ name }) => name),
  };
}
