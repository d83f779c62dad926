/** Does the work for every item, several at a time and begun in their order. Rejects as soon as one of them does. */
export async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
  workers = 8,
): Promise<void> {
  // One iterator for all workers: whoever is free takes the next item.
  const left = items.values();
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (const item of left) await work(item);
    }),
  );
}
