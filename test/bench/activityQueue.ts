import type { VirtualTime } from './virtualTime.ts';

export interface EngineSettings {
  /** Activities at once in one worker, as host.json says. */
  slots: number;
  /** How many the whole task hub starts in a second. */
  activitiesPerSecond: number;
  storageMilliseconds: number;
}

export const engineSettings: EngineSettings = {
  slots: 10,
  activitiesPerSecond: 100,
  storageMilliseconds: 10,
};

/** The work-item queue that all workers share: first in, first out, as many at once as there are free slots. */
export interface ActivityQueue<Worker> {
  /** Rejects as the work does. */
  run<T>(work: (worker: Worker) => Promise<T>): Promise<T>;
}

export function createActivityQueue<Worker>(
  time: VirtualTime,
  workers: readonly Worker[],
  settings: EngineSettings,
): ActivityQueue<Worker> {
  const free = Array.from({ length: settings.slots }, () => workers).flat();
  const waiting: ((worker: Worker) => void)[] = [];
  let nextStart = 0;

  function release(worker: Worker): void {
    const next = waiting.shift();
    if (next === undefined) free.push(worker);
    else next(worker);
  }

  return {
    async run(work) {
      const worker = free.shift() ?? (await new Promise<Worker>((give) => waiting.push(give)));
      try {
        const start = Math.max(nextStart, time.elapsed());
        nextStart = start + 1000 / settings.activitiesPerSecond;
        await time.sleep(start - time.elapsed());
        return await work(worker);
      } finally {
        release(worker);
      }
    },
  };
}
