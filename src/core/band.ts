/** Priorities from first to last, both included. */
export interface Band {
  first: number;
  last: number;
}

/** The free priorities of a band in one direction. */
export interface Slots {
  /** Takes this priority; false if it is taken or not of the band. */
  claim(priority: number): boolean;
  /** Takes the lowest that is free. */
  take(): number | undefined;
  release(priority: number): void;
}

/** The slots of a band of which `taken` are occupied. */
export function slotsOf(band: Band, taken: ReadonlySet<number>): Slots {
  const free = new Set<number>();
  for (let priority = band.first; priority <= band.last; priority++) {
    if (!taken.has(priority)) free.add(priority);
  }
  // Nothing below is free: the search does not begin anew for every rule.
  let lowest = band.first;
  return {
    claim: (priority) => free.delete(priority),
    take: () => {
      while (lowest <= band.last && !free.has(lowest)) lowest++;
      return free.delete(lowest) ? lowest : undefined;
    },
    release: (priority) => {
      free.add(priority);
      lowest = Math.min(lowest, priority);
    },
  };
}
