import type { HistoryEvent } from '../../../../dev/host/durable/history.ts';

/** What the real engine did in a scenario: steps of a caller with their answers, and each instance's end. */
export interface Facts {
  scenario: string;
  steps: Step[];
  instances: InstanceFacts[];
}

export interface Step {
  method: string;
  path: string;
  status: number;
  body?: string;
  type?: string;
  /** Taken when the instance has had so many episodes … */
  episodes?: number;
  /** … and has this status (`final`: any that is). */
  runtimeStatus?: string;
  /** At the same time as the step before. */
  together?: boolean;
  message?: string;
  answer?: Record<string, unknown>;
}

export interface InstanceFacts {
  episodes: number;
  replaying: boolean[];
  /** The history that the last episode of each generation was given. */
  generations: Record<string, unknown>[][];
  final: Record<string, unknown>;
  activities: { name: string; input?: string }[];
}

/** The parts of an event that do not differ from run to run. */
export function eventFacts(event: HistoryEvent, names: readonly string[]): Record<string, unknown> {
  const { EventType, EventId, IsPlayed, TaskScheduledId, TimerId, Name, Input, Result, Reason } = event;
  const facts = {
    ...{ type: EventType, id: EventId, played: IsPlayed, task: TaskScheduledId, timer: TimerId, name: Name },
    ...{ input: jsonFacts(Input, names), result: jsonFacts(Result, names), reason: plain(Reason, names) },
  };
  return JSON.parse(JSON.stringify(facts)) as Record<string, unknown>;
}

function jsonFacts(text: string | null | undefined, names: readonly string[]): string | null | undefined {
  if (text === null || text === undefined) return text;
  try {
    return JSON.stringify(plain(JSON.parse(text), names));
  } catch {
    return plain(text, names);
  }
}

/** Completions that one batch delivers may come in any order. */
export function inOrder(events: Record<string, unknown>[]): Record<string, unknown>[] {
  return sortRuns(
    events,
    ({ type }) => type === 5 || type === 6,
    (a, b) => Number(a['task']) - Number(b['task']),
  );
}

function sortRuns(
  events: Record<string, unknown>[],
  isCompletion: (event: Record<string, unknown>) => boolean,
  order: (a: Record<string, unknown>, b: Record<string, unknown>) => number,
): Record<string, unknown>[] {
  const sorted: Record<string, unknown>[] = [];
  let run: Record<string, unknown>[] = [];
  for (const event of events) {
    if (isCompletion(event)) {
      run.push(event);
    } else {
      sorted.push(...run.sort(order), event);
      run = [];
    }
  }
  return [...sorted, ...run.sort(order)];
}

const shownFields = [
  ...['EventType', 'FunctionName', 'Name', 'Input', 'Result', 'Reason', 'OrchestrationStatus', 'Generation'],
];

/** The parts of a status document that do not differ from run to run. */
export function statusFacts(document: Record<string, unknown>, names: readonly string[]) {
  const facts: Record<string, unknown> = {};
  for (const field of ['name', 'runtimeStatus', 'input', 'customStatus', 'output']) {
    if (field in document) facts[field] = plain(document[field], names);
  }
  const history = document['historyEvents'] as Record<string, unknown>[] | undefined;
  if (history !== undefined) {
    const shown = history.map((event) =>
      Object.fromEntries(
        shownFields.filter((field) => field in event).map((field) => [field, plain(event[field], names)]),
      ),
    );
    facts['history'] = sortRuns(
      shown,
      ({ EventType }) => EventType === 'TaskCompleted' || EventType === 'TaskFailed',
      (a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1),
    );
  }
  return facts;
}

const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

/** Replaces ids, times and stack traces. */
export function plain<T>(value: T, ids: readonly string[]): T {
  return replaced(value, ids) as T;
}

function replaced(value: unknown, ids: readonly string[]): unknown {
  if (typeof value === 'string') {
    let text: string = value;
    for (const [n, id] of ids.entries()) text = text.replaceAll(id, `<id${n}>`);
    return text
      .replace(time, (found) => (/^(2026-01|1970)/.test(found) ? found : '<time>'))
      .replace(/ (\n|\\n) \{.*$/s, ' <details>');
  }
  if (Array.isArray(value)) return value.map((element) => replaced(element, ids));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, key === 'earlyByMs' ? '<ms>' : replaced(member, ids)]),
  );
}
