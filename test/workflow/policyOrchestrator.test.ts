import { describe, expect, it } from 'vitest';
import { policyStepActivityName } from '../../src/workflow/names.ts';
import { policyOrchestrator, type PolicyStepResult } from '../../src/workflow/policyOrchestrator.ts';
import { replay, type HistoryEvent } from '../support/replayOrchestrator.ts';

const at = (seconds: number) =>
  new Date(Date.parse('2026-11-23T09:00:00.000Z') + seconds * 1000).toISOString();
const input = { policyId: 'ssh' };
const again: PolicyStepResult = { kind: 'again', afterSeconds: 1 };

const began = (seconds = 0): HistoryEvent => ({
  EventType: 12,
  EventId: -1,
  IsPlayed: false,
  Timestamp: at(seconds),
});
const started: HistoryEvent[] = [
  began(),
  { EventType: 0, EventId: -1, IsPlayed: true, Timestamp: at(0), Name: 'policy-v1', Input: '' },
];
const scheduled = (id: number): HistoryEvent => ({
  EventType: 4,
  EventId: id,
  IsPlayed: false,
  Timestamp: at(id),
  Name: policyStepActivityName,
});
const stepped = (id: number, result: PolicyStepResult): HistoryEvent[] => [
  scheduled(id),
  {
    EventType: 5,
    EventId: -1,
    IsPlayed: true,
    Timestamp: at(id),
    TaskScheduledId: id,
    Result: JSON.stringify(result),
  },
];
const failed = (id: number): HistoryEvent[] => [
  scheduled(id),
  {
    EventType: 6,
    EventId: -1,
    IsPlayed: true,
    Timestamp: at(id),
    TaskScheduledId: id,
    Reason: 'Activity function failed',
    Details: '',
  },
];
const fired = (id: number): HistoryEvent[] => [
  { EventType: 10, EventId: id, IsPlayed: false, Timestamp: at(id), FireAt: at(id) },
  { EventType: 11, EventId: -1, IsPlayed: true, Timestamp: at(id), FireAt: at(id), TimerId: id },
];

/** What it asked for last: the name of an activity, the seconds of a timer, or what it returned. */
async function last(...history: HistoryEvent[]): Promise<string | number> {
  const state = await replay([...started, ...history], input, policyOrchestrator);
  if (state.isDone) return String(state.output);
  const action = state.actions.flat().at(-1) as { functionName?: string; fireAt?: string | Date } | undefined;
  if (action?.functionName !== undefined) return action.functionName;
  return (new Date(action?.fireAt ?? 0).getTime() - Date.parse(at(0))) / 1000;
}

describe('the policy orchestrator, replayed by the SDK', () => {
  it('steps and is done', async () => {
    expect(await last()).toBe(policyStepActivityName);
    expect(await last(...stepped(0, { kind: 'done' }))).toBe('done');
  });

  it('tries again after growing pauses, and hands over to the sweep after the last', async () => {
    const history: HistoryEvent[] = [];
    const waited: (string | number)[] = [];
    for (let attempt = 0; attempt < 6; attempt += 1) {
      history.push(...stepped(2 * attempt, again));
      waited.push(await last(...history));
      history.push(...fired(2 * attempt + 1));
      expect(await last(...history)).toBe(policyStepActivityName);
    }
    expect(waited).toEqual([2, 5, 10, 20, 40, 80]);
    expect(await last(...history, ...stepped(12, again))).toBe('handed-to-sweep');
  });

  it('waits as long as Azure asks for, and ten seconds after a step that failed', async () => {
    expect(await last(...stepped(0, { kind: 'again', afterSeconds: 30 }))).toBe(30);
    expect(await last(...failed(0))).toBe(10);
  });

  it('refuses an input that names no policy', async () => {
    await expect(replay(started, {}, policyOrchestrator)).rejects.toThrow('The input must be { policyId }.');
  });
});
