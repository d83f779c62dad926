/** Limits how many calls run at once and how many may run or wait together. */
export interface Throttle {
  /** Runs the task when there is room; false (at once) when too many wait already. */
  run(task: () => Promise<void>): boolean;
}

/** Makes a throttle; an undefined limit is none. */
export function throttle(maxRunning: number | undefined, maxOutstanding: number | undefined): Throttle {
  const waiting: (() => Promise<void>)[] = [];
  let running = 0;

  function next(): void {
    while (waiting.length > 0 && running < (maxRunning ?? Infinity)) {
      const task = waiting.shift();
      running += 1;
      void task?.().finally(() => {
        running -= 1;
        next();
      });
    }
  }

  return {
    run(task) {
      if (running + waiting.length >= (maxOutstanding ?? Infinity)) return false;
      waiting.push(task);
      next();
      return true;
    },
  };
}
