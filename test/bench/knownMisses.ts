/** Targets that are missed, by the name of their check: what stands in the way. One that is met again fails the bench too. */
export const knownMisses: ReadonlyMap<string, string> = new Map([]);
