import { describe, expect, it } from 'vitest';
import type { LiveRow } from '../../../src/core/accessRequest.ts';
import { liveGrants } from '../../../src/core/guard/liveGrants.ts';
import { alice, bob, grant } from './samples.ts';

const start = '2026-03-04T11:00:00Z';
const end = '2026-03-04T13:00:00Z';

function row(changes: Partial<LiveRow> = {}): LiveRow {
  const { boxes } = grant(alice);
  return { nsgId: '/nsg', requestId: alice, version: 1, state: 'active', start, end, boxes, ...changes };
}

function isLive(changes: Partial<LiveRow>, now = '2026-03-04T12:00:00Z'): boolean {
  return liveGrants([row(changes)], new Date(now)).length === 1;
}

describe('a grant is live', () => {
  it.each([
    ['pending', false],
    ['scheduled', false],
    ['opening', true],
    ['active', true],
    ['closing', false],
    ['closed', false],
    ['denied', false],
    ['expired', false],
    ['failed', false],
  ] as const)('while it is %s: %s', (state, expected) => {
    expect(isLive({ state })).toBe(expected);
  });

  it('from its start to before its end', () => {
    expect(
      [start, end, '2026-03-04T10:59:59.999Z', '2026-03-04T12:59:59.999Z'].map((now) =>
        isLive({ state: 'opening' }, now),
      ),
    ).toEqual([true, false, false, true]);
  });

  it('also before its start once it was seen active: a clock may lag', () => {
    expect(isLive({ state: 'active' }, '2026-03-04T10:59:59.999Z')).toBe(true);
  });

  it('only while its instants can be read', () => {
    const unreadable = [{ end: 'soon' }, { state: 'opening' as const, start: '' }];
    expect(unreadable.map((changes) => isLive(changes))).toEqual([false, false]);
  });

  it('and may be declined', () => {
    const rows = [row(), row({ requestId: bob })];
    const declined = liveGrants(rows, new Date('2026-03-04T12:00:00Z'), new Set([bob])).map(
      (one) => one.declined,
    );
    expect(declined).toEqual([false, true]);
  });
});
