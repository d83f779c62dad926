import { describe, expect, it } from 'vitest';
import { ringEventName, stepActivityName } from '../../src/workflow/names.ts';
import type { StepResult } from '../../src/workflow/stepResult.ts';
import { replay, type HistoryEvent, type ReplayedAction } from '../support/replayOrchestrator.ts';

const at = (seconds: number) =>
  new Date(Date.parse('2026-11-23T09:00:00.000Z') + seconds * 1000).toISOString();
const untilEnd: StepResult = { kind: 'wait', until: at(3600) };
const again: StepResult = { kind: 'again', afterSeconds: 1, phase: 'opening' };

const began: HistoryEvent[] = [
  { EventType: 12, EventId: -1, IsPlayed: false, Timestamp: at(0) },
  { EventType: 0, EventId: -1, IsPlayed: true, Timestamp: at(0), Name: 'grant-v1', Input: '' },
];
const stepped = (id: number, result: StepResult): HistoryEvent[] => [
  { EventType: 4, EventId: id, IsPlayed: false, Timestamp: at(id), Name: stepActivityName },
  {
    EventType: 5,
    EventId: -1,
    IsPlayed: true,
    Timestamp: at(id),
    TaskScheduledId: id,
    Result: JSON.stringify(result),
  },
];
const fired = (id: number): HistoryEvent[] => [
  { EventType: 10, EventId: id, IsPlayed: false, Timestamp: at(id), FireAt: at(id) },
  { EventType: 11, EventId: -1, IsPlayed: true, Timestamp: at(id), FireAt: at(id), TimerId: id },
];
const rang: HistoryEvent = {
  EventType: 15,
  EventId: -1,
  IsPlayed: true,
  Timestamp: at(0),
  Name: ringEventName,
  Input: 'null',
};

/** What the orchestrator asked for last: an activity by its name, or a race. */
async function lastAction(...history: HistoryEvent[]): Promise<string> {
  const state = await replay([...began, ...history], { requestId: 'a'.repeat(32) });
  if (state.isDone) return String(state.output);
  const last: ReplayedAction | undefined = state.actions.flat().at(-1);
  return last?.functionName ?? `race of ${last?.compoundActions?.length ?? 0}`;
}

describe('the grant orchestrator, replayed by the SDK', () => {
  it('steps, races a timer with a ring, steps again and is done', async () => {
    expect(await lastAction()).toBe(stepActivityName);
    expect(await lastAction(...stepped(0, untilEnd))).toBe('race of 2');
    expect(await lastAction(...stepped(0, untilEnd), ...fired(1))).toBe(stepActivityName);
    expect(await lastAction(...stepped(0, untilEnd), ...fired(1), ...stepped(2, { kind: 'done' }))).toBe(
      'done',
    );
  });

  it('steps at a ring', async () => {
    expect(await lastAction(...stepped(0, untilEnd), rang)).toBe(stepActivityName);
  });

  it('steps again after a ring that came during the first step', async () => {
    expect(await lastAction(rang, ...stepped(0, untilEnd))).toBe(stepActivityName);
  });

  it('steps again after a ring that came during a later step', async () => {
    const history = [...stepped(0, again), ...fired(1), rang, ...stepped(2, untilEnd)];

    expect(await lastAction(...history)).toBe(stepActivityName);
    expect(await lastAction(...history, ...stepped(3, untilEnd))).toBe('race of 2');
  });

  it('steps at each of two rings although timers fired before', async () => {
    const history = [
      ...stepped(0, again),
      ...fired(1),
      ...stepped(2, again),
      ...fired(3),
      ...stepped(4, untilEnd),
      rang,
    ];
    expect(await lastAction(...history)).toBe(stepActivityName);

    // The timer of the race that the ring won has number 5.
    expect(await lastAction(...history, rang, ...stepped(6, untilEnd))).toBe(stepActivityName);
  });
});
