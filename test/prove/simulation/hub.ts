import type { Clock } from '../../../src/core/clock.ts';
import { EventType, type HistoryEvent } from '../../../dev/host/durable/history.ts';
import { episode, type Orchestrator } from './executor.ts';

export type MessageKind = 'start' | 'activity' | 'result' | 'timer' | 'ring';

export interface HubOptions {
  clock: Clock;
  orchestrators: Readonly<Record<string, Orchestrator>>;
  /** Runs an activity somewhere; a rejection is a failed task. */
  runActivity: (name: string, input: unknown, instance: string) => Promise<unknown>;
  /** When each copy of a message arrives, in milliseconds from when it is due; none if it is lost. */
  deliveries: (kind: MessageKind) => number[];
  /** Told of each episode, for the trace. */
  noted?: (what: string) => void;
}

interface Instance {
  id: string;
  orchestrator: string;
  input: unknown;
  status: 'running' | 'ended';
  history: HistoryEvent[];
  inbox: HistoryEvent[];
  isBusy: boolean;
  /** What has been scheduled and what has been completed, by kind and number. */
  scheduled: Set<string>;
  completed: Set<string>;
}

/** A task hub in memory: histories, messages that may be lost, late or doubled, and the real executor on top. */
export interface Hub {
  /** Does nothing where an instance of this id runs. */
  start(id: string, orchestrator: string, input: unknown): void;
  raise(id: string, event: string): void;
  status(id: string): 'running' | 'ended' | 'missing';
  /** Ids of the instances that run. */
  running(): string[];
  /** Ends an instance as a crash inside orchestrator code or an operator does. */
  end(id: string): void;
  /** All instances and all messages are gone. */
  wipe(): void;
  counted: { instances: number; episodes: number; activities: number };
}

export function createHub(options: HubOptions): Hub {
  const { clock, orchestrators, runActivity, deliveries, noted } = options;
  const instances = new Map<string, Instance>();
  const counted = { instances: 0, episodes: 0, activities: 0 };

  /** Each copy of a message arrives by itself, unless its instance has ended or been forgotten by then. */
  function post(kind: MessageKind, instance: Instance, due: number, arrive: () => void): void {
    for (const offset of deliveries(kind)) {
      const wait = Math.max(0, due + offset - clock.now().getTime());
      void clock.sleep(wait).then(() => {
        if (instances.get(instance.id) === instance && instance.status === 'running') arrive();
      });
    }
  }

  function send(kind: MessageKind, instance: Instance, event: HistoryEvent, due: number): void {
    post(kind, instance, due, () => {
      instance.inbox.push(event);
      if (!instance.isBusy) void runEpisodes(instance);
    });
  }

  async function runEpisodes(instance: Instance): Promise<void> {
    instance.isBusy = true;
    while (instance.inbox.length > 0 && instance.status === 'running') {
      const batch = instance.inbox.splice(0).filter((event) => isNews(instance, event));
      if (batch.length > 0) await runEpisode(instance, batch);
    }
    instance.isBusy = false;
  }

  async function runEpisode(instance: Instance, batch: HistoryEvent[]): Promise<void> {
    const orchestrator = orchestrators[instance.orchestrator];
    if (orchestrator === undefined) throw new Error(`There is no orchestrator ${instance.orchestrator}.`);
    counted.episodes += 1;
    instance.history.push(eventOf(EventType.OrchestratorStarted, {}), ...batch);
    const { decisions, completion } = await episode(
      orchestrator,
      instance.id,
      instance.input,
      instance.history,
    );
    noted?.(`episode ${instance.id} ${batch.map(({ EventType: type }) => type).join()}`);
    for (const decision of decisions) {
      const now = clock.now().getTime();
      const key = `${decision.kind} ${decision.id}`;
      if (instance.scheduled.has(key)) continue;
      instance.scheduled.add(key);
      if (decision.kind === 'timer') {
        const { id, fireAt } = decision;
        instance.history.push(eventOf(EventType.TimerCreated, { EventId: id, FireAt: fireAt }));
        const fired = eventOf(EventType.TimerFired, { TimerId: id, FireAt: fireAt, IsPlayed: true });
        send('timer', instance, fired, Date.parse(fireAt));
      } else {
        const { id, name, input } = decision;
        instance.history.push(eventOf(EventType.TaskScheduled, { EventId: id, Name: name, Input: null }));
        post('activity', instance, now, () => void work(instance, id, name, input));
      }
    }
    instance.history.push(eventOf(EventType.OrchestratorCompleted, {}));
    if (completion !== undefined) instance.status = 'ended';
  }

  async function work(
    instance: Instance,
    id: number,
    name: string,
    input: string | undefined,
  ): Promise<void> {
    counted.activities += 1;
    const common = { TaskScheduledId: id, IsPlayed: true };
    let event: HistoryEvent;
    try {
      const result = await runActivity(
        name,
        input === undefined ? undefined : JSON.parse(input),
        instance.id,
      );
      event = eventOf(EventType.TaskCompleted, { ...common, Result: JSON.stringify(result) });
    } catch {
      event = eventOf(EventType.TaskFailed, { ...common, Reason: 'It failed.', Details: 'It failed.' });
    }
    send('result', instance, event, clock.now().getTime());
  }

  function eventOf(type: number, fields: Partial<HistoryEvent>): HistoryEvent {
    return { EventType: type, EventId: -1, IsPlayed: false, Timestamp: clock.now().toISOString(), ...fields };
  }

  return {
    counted,
    start(id, orchestrator, input) {
      if (instances.get(id)?.status === 'running') return;
      counted.instances += 1;
      const instance: Instance = {
        ...{ id, orchestrator, input, status: 'running', isBusy: false },
        ...{ history: [], inbox: [], scheduled: new Set(), completed: new Set() },
      };
      instances.set(id, instance);
      const event = eventOf(EventType.ExecutionStarted, {
        ...{ Name: orchestrator, Input: JSON.stringify(input), IsPlayed: true },
      });
      send('start', instance, event, clock.now().getTime());
    },
    raise(id, event) {
      const instance = instances.get(id);
      if (instance === undefined) return;
      const raised = eventOf(EventType.EventRaised, { Name: event, Input: 'null', IsPlayed: true });
      send('ring', instance, raised, clock.now().getTime());
    },
    status: (id) => instances.get(id)?.status ?? 'missing',
    running: () => [...instances.values()].filter(({ status }) => status === 'running').map(({ id }) => id),
    end(id) {
      const instance = instances.get(id);
      if (instance !== undefined) instance.status = 'ended';
    },
    wipe: () => instances.clear(),
  };
}

/** A result or a timer counts once, and only of what was scheduled; a start counts once. */
function isNews(instance: Instance, event: HistoryEvent): boolean {
  const key = keyOf(event);
  if (key === undefined) return instance.completed.has('start');
  if (instance.completed.has(key)) return false;
  instance.completed.add(key);
  return true;
}

function keyOf({ EventType: type, TaskScheduledId, TimerId }: HistoryEvent): string | undefined {
  switch (type) {
    case EventType.ExecutionStarted:
      return 'start';
    case EventType.TaskCompleted:
    case EventType.TaskFailed:
      return `task ${TaskScheduledId ?? ''}`;
    case EventType.TimerFired:
      return `timer ${TimerId ?? ''}`;
    default:
      return undefined;
  }
}
