/** Everything that happened in a history, as one number; and the last of it in words, for a failure. */
export interface Trace {
  note: (what: string) => void;
  hash(): string;
  /** Begins a second hash, of what happens from now on. */
  mark: () => void;
  /** Of what has happened since the last mark, or since the beginning. */
  hashSinceMark(): string;
  lines(): string[];
}

/** FNV-1a, 32 bits, over instants and words. `keep` is how many lines are kept. */
export function createTrace(now: () => number, keep = 0): Trace {
  let hash = empty;
  let sinceMark = empty;
  const kept: string[] = [];
  return {
    note(what) {
      const line = `${now()} ${what}`;
      for (let index = 0; index < line.length; index += 1) {
        hash = Math.imul(hash ^ line.charCodeAt(index), prime);
        sinceMark = Math.imul(sinceMark ^ line.charCodeAt(index), prime);
      }
      if (keep === 0) return;
      kept.push(line);
      if (kept.length > keep) kept.shift();
    },
    hash: () => textOf(hash),
    mark: () => {
      sinceMark = empty;
    },
    hashSinceMark: () => textOf(sinceMark),
    lines: () => kept,
  };
}

const empty = 0x811c9dc5;
const prime = 0x01000193;

function textOf(hash: number): string {
  return (hash >>> 0).toString(16).padStart(8, '0');
}
