/** Everything that happened in a history, as one number; and the last of it in words, for a failure. */
export interface Trace {
  note: (what: string) => void;
  hash(): string;
  lines(): string[];
}

/** FNV-1a, 32 bits, over instants and words. `keep` is how many lines are kept. */
export function createTrace(now: () => number, keep = 0): Trace {
  let hash = 0x811c9dc5;
  const kept: string[] = [];
  return {
    note(what) {
      const line = `${now()} ${what}`;
      for (let index = 0; index < line.length; index += 1) {
        hash = Math.imul(hash ^ line.charCodeAt(index), 0x01000193);
      }
      if (keep === 0) return;
      kept.push(line);
      if (kept.length > keep) kept.shift();
    },
    hash: () => (hash >>> 0).toString(16).padStart(8, '0'),
    lines: () => kept,
  };
}
