import type { Orchestrations } from '../../src/workflow/contracts.ts';
import { grantOrchestratorName, ringEventName, stepActivityName } from '../../src/workflow/names.ts';
import type { StepResult } from '../../src/workflow/stepResult.ts';
import { drive, type Asked } from '../support/driveOrchestrator.ts';
import { createActivityQueue, type EngineSettings } from './activityQueue.ts';
import { eventTypes, type DurableEvent } from './durableHistory.ts';
import type { VirtualTime } from './virtualTime.ts';

export interface GrantEngine {
  orchestrations: Orchestrations;
  /** What each instance has lived through, as Durable would have written it. */
  histories: Map<string, DurableEvent[]>;
  /** Resolves when every instance that was started has ended. */
  ended(): Promise<void>;
}

/** Storage calls between a message and the start of what it causes: it is got, the history read, the next one put. */
const callsPerHop = 3;

/** The real orchestrator on a model of the engine: slots, rate and storage calls, in virtual time. */
export function createGrantEngine(
  time: VirtualTime,
  workers: readonly { step: (requestId: string) => Promise<StepResult> }[],
  settings: EngineSettings & { losesTimers?: boolean },
): GrantEngine {
  const queue = createActivityQueue(time, workers, settings);
  const histories = new Map<string, DurableEvent[]>();
  const rings = new Map<string, () => void>();
  const running = new Map<string, Promise<void>>();
  const hop = () => time.sleep(callsPerHop * settings.storageMilliseconds);

  async function live(instance: string, requestId: string): Promise<void> {
    const history: DurableEvent[] = [];
    const note = (EventType: number, facts: object = {}) =>
      history.push({ EventType, EventId: -1, IsPlayed: true, Timestamp: time.now().toISOString(), ...facts });
    histories.set(instance, history);
    const grant = drive(time.now(), { requestId });
    let events = 0;
    const input = JSON.stringify({ requestId });

    /** One episode: what has arrived, and then what the orchestrator asks for. */
    async function episode(arrived: () => void, move: () => void): Promise<Asked> {
      await hop();
      note(eventTypes.orchestratorStarted);
      arrived();
      move();
      const asked = grant.asked();
      if (asked.kind === 'activity')
        note(eventTypes.taskScheduled, { EventId: events++, Name: stepActivityName });
      if (asked.kind === 'wait') {
        note(eventTypes.timerCreated, { EventId: events++, FireAt: asked.until.toISOString() });
      }
      note(eventTypes.orchestratorCompleted);
      return asked;
    }

    const started = { Name: grantOrchestratorName, Input: input };
    let asked = await episode(
      () => note(eventTypes.executionStarted, started),
      () => undefined,
    );
    while (asked.kind !== 'returned') {
      const last = events - 1;
      if (asked.kind === 'activity') {
        const result = await queue.run((worker) => worker.step(requestId)).catch(() => undefined);
        await time.sleep(settings.storageMilliseconds);
        asked = await episode(
          () =>
            result === undefined
              ? note(eventTypes.taskFailed, { TaskScheduledId: last, Reason: 'failed' })
              : note(eventTypes.taskCompleted, { TaskScheduledId: last, Result: JSON.stringify(result) }),
          () => (result === undefined ? grant.fail() : grant.complete(result)),
        );
        continue;
      }
      const { until } = asked;
      const by = await new Promise<'timer' | 'ring'>((resolve) => {
        const cancel = settings.losesTimers
          ? () => undefined
          : time.after(until.getTime() - time.now().getTime(), () => resolve('timer'));
        rings.set(instance, () => {
          cancel();
          resolve('ring');
        });
      });
      rings.delete(instance);
      asked = await episode(
        () =>
          by === 'timer'
            ? note(eventTypes.timerFired, { TimerId: last, FireAt: until.toISOString() })
            : note(eventTypes.eventRaised, { Name: ringEventName, Input: 'null' }),
        () => (by === 'timer' ? grant.fire(time.now()) : grant.ring(time.now())),
      );
    }
    note(eventTypes.executionCompleted, { EventId: events, Result: JSON.stringify(asked.output) });
  }

  return {
    histories,
    orchestrations: {
      async start(instance, requestId) {
        await time.sleep(callsPerHop * settings.storageMilliseconds);
        if (!running.has(instance)) running.set(instance, live(instance, requestId));
      },
      async ring(instance) {
        await time.sleep(callsPerHop * settings.storageMilliseconds);
        rings.get(instance)?.();
      },
      status: (instance) => Promise.resolve(statusOf(instance)),
      purge: () => Promise.resolve(0),
    },
    async ended() {
      await Promise.all(running.values());
    },
  };

  function statusOf(instance: string): 'running' | 'ended' | 'missing' {
    const last = histories.get(instance)?.at(-1);
    if (last === undefined) return running.has(instance) ? 'running' : 'missing';
    return last.EventType === eventTypes.executionCompleted ? 'ended' : 'running';
  }
}
