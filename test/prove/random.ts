/** Chance that a seed decides: the same seed gives the same numbers on every machine. */
export interface Random {
  /** A whole number of 0 to 2^32 - 1. */
  next(): number;
  /** A whole number of 0 to `below` - 1. */
  below(below: number): number;
  /** True once in `times`. */
  oneIn(times: number): boolean;
  /** One of a list. Throws if it is empty. */
  pick<T>(list: readonly T[]): T;
}

/** Splitmix32: every seed, however near to another, begins elsewhere in the sequence. */
export function createRandom(seed: number): Random {
  let state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.floor(seed / 2 ** 32)) | 0;
  const next = () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit);
  return {
    next,
    below,
    oneIn: (times) => below(times) === 0,
    pick: <T>(list: readonly T[]): T => {
      if (list.length === 0) throw new Error('There is nothing to pick from.');
      return list[below(list.length)] as T;
    },
  };
}
