/** Subscriptions that lists of everything leave out, because this identity may not list in them. */
export interface Unlisted {
  note(subscriptionId: string, type: string, message: string): void;
  /** It has listed there. */
  forget(subscriptionId: string, type: string): void;
  /** These are all subscriptions that can be seen: what is not among them cannot be left out. */
  keepOnly(subscriptionIds: ReadonlySet<string>): void;
  /** As the last lists found them, in the order of their ids. */
  subscriptionIds(): string[];
}

/** Remembers them, and tells of each whenever a list leaves it out. */
export function createUnlisted(tell: (subscriptionId: string, message: string) => void): Unlisted {
  const left = new Map<string, Set<string>>();
  return {
    note(subscriptionId, type, message) {
      const key = subscriptionId.toLowerCase();
      left.set(key, (left.get(key) ?? new Set()).add(type));
      tell(key, message);
    },
    forget(subscriptionId, type) {
      const key = subscriptionId.toLowerCase();
      const types = left.get(key);
      types?.delete(type);
      if (types?.size === 0) left.delete(key);
    },
    keepOnly(subscriptionIds) {
      for (const key of left.keys()) if (!subscriptionIds.has(key)) left.delete(key);
    },
    subscriptionIds: () => [...left.keys()].sort(),
  };
}
