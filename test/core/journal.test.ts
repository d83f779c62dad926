import { describe, expect, it } from 'vitest';
import { requestStates, type AccessRequest, type RequestState } from '../../src/core/accessRequest.ts';
import { enteredAt, enterState, note } from '../../src/core/journal.ts';

const at = new Date('2026-11-23T12:00:00.000Z');
const change = { at, actor: 'sallyport', reasons: [] };

function inState(state: RequestState): AccessRequest {
  const journal = [{ number: 1, event: state, at: at.toISOString(), actor: 'a', reasons: [] }];
  return { id: 'a'.repeat(32), state, version: 7, instance: 'one', journal } as unknown as AccessRequest;
}

describe('the states of a request', () => {
  it.each([
    ['pending', ['scheduled', 'opening', 'denied', 'expired', 'closing']],
    ['scheduled', ['opening', 'closing']],
    ['opening', ['active', 'closing']],
    ['active', ['closing']],
    ['closing', ['closed', 'failed']],
    ['closed', []],
    ['denied', []],
    ['expired', []],
    ['failed', []],
  ] as [RequestState, RequestState[]][])('after %s are %j and no others', (from, successors) => {
    for (const to of requestStates) {
      const enter = () => enterState(inState(from), to, change);
      if (successors.includes(to)) expect(enter().state).toBe(to);
      else expect(enter).toThrow('cannot go');
    }
  });

  it('are entered with the next version and the next entry of the journal', () => {
    const entered = enterState(inState('active'), 'closing', change, { outcome: 'closed' });

    expect(entered).toMatchObject({ state: 'closing', version: 8, outcome: 'closed' });
    expect(entered.journal.map(({ number, event }) => [number, event])).toEqual([
      [1, 'active'],
      [2, 'closing'],
    ]);
    expect(enteredAt(entered, 'active')).toEqual(at);
    expect(enteredAt(entered, 'closed')).toBeUndefined();
  });

  it('stay when something is noted, and reconcile need not see it', () => {
    const noted = note(inState('active'), 'orchestration-restarted', change, { instance: 'two' });

    expect(noted).toMatchObject({ state: 'active', version: 7, instance: 'two' });
    expect(noted.journal.at(-1)).toMatchObject({ number: 2, event: 'orchestration-restarted' });
  });
});
