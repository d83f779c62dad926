import { describe, expect, it } from 'vitest';
import { durableCost, eventTypes } from './durableHistory.ts';

const { executionStarted, executionCompleted, taskScheduled, taskCompleted } = eventTypes;
const { timerCreated, timerFired, orchestratorStarted, orchestratorCompleted, eventRaised } = eventTypes;

const historyOf = (...types: number[]) => types.map((EventType) => ({ EventType }));
const activity = [taskScheduled, orchestratorCompleted, orchestratorStarted, taskCompleted];

describe('what an orchestration costs in storage', () => {
  it('is 58 for the shape that the real extension was metered at: four activities, an event, a cancelled timer', () => {
    const history = historyOf(
      ...[orchestratorStarted, executionStarted, ...activity, ...activity],
      ...[timerCreated, orchestratorCompleted, orchestratorStarted, eventRaised],
      ...[...activity, ...activity, executionCompleted],
    );
    expect(durableCost(history)).toEqual({ episodes: 6, activities: 4, tables: 25, queues: 33, total: 58 });
  });

  it('is 33 for a start, a step, a timer that fires, and a step', () => {
    const history = historyOf(
      ...[orchestratorStarted, executionStarted, ...activity],
      ...[timerCreated, orchestratorCompleted, orchestratorStarted, timerFired],
      ...[...activity, executionCompleted],
    );
    expect(durableCost(history)).toMatchObject({ episodes: 4, activities: 2, total: 33 });
  });
});
