import { describe, expect, it } from 'vitest';
import type { AccessRequest, RequestState } from '../../src/core/accessRequest.ts';
import { requestStates } from '../../src/core/accessRequest.ts';
import { awaitExtension, extend, obstacleToExtension } from '../../src/core/extension.ts';
import { enterState, withoutExtension } from '../../src/core/journal.ts';

const now = new Date('2026-11-23T12:30:00.000Z');
const end = '2026-11-23T13:00:00.000Z';
const later = '2026-11-23T14:30:00.000Z';
const change = { at: now, actor: 'alice', reasons: [] };

function grant(state: RequestState = 'active', changes: Partial<AccessRequest> = {}): AccessRequest {
  const start = '2026-11-23T12:00:00.000Z';
  return {
    ...({ id: 'a'.repeat(32), version: 2, duration: 'PT1H', nextDue: end, journal: [] } as object),
    ...{ state, start, end },
    ...changes,
  } as AccessRequest;
}

const ends = [{ approvers: 1, groups: [] }];

describe('an extension', () => {
  it.each(requestStates)('of a grant that is %s is possible only while it runs', (state) => {
    const obstacle = obstacleToExtension(grant(state), now)?.code;

    expect(obstacle).toBe(state === 'opening' || state === 'active' ? undefined : 'not-running');
  });

  it('comes before the end or not at all', () => {
    const at = (instant: string) => obstacleToExtension(grant(), new Date(instant))?.code;

    expect(at('2026-11-23T12:59:59.999Z')).toBeUndefined();
    expect(at(end)).toBe('not-running');
  });

  it('comes alone: none is asked for while another waits for approval', () => {
    const waiting = awaitExtension(grant(), { end: later, justification: 'more', rules: ends }, change);

    expect(obstacleToExtension(waiting, now)?.code).toBe('extension-waiting');
  });

  it('is the twentieth at most, so that the row can always be written', () => {
    let row = grant();
    for (let count = 1; count <= 20; count += 1) {
      expect(obstacleToExtension(row, now)).toBeUndefined();
      row = extend(row, new Date(Date.parse(row.end) + 60_000).toISOString(), change);
    }

    expect(obstacleToExtension(row, now)?.code).toBe('extended-too-often');
  });

  it('moves the end, says how long the grant now lasts, and is seen by every reconcile', () => {
    const row = extend(grant(), later, change);

    expect(row).toMatchObject({ state: 'active', version: 3, end: later, duration: 'PT2H30M' });
    expect(row.journal).toMatchObject([{ number: 1, event: 'extended', actor: 'alice' }]);
  });

  it('leaves something due at once, until the live rows hold it', () => {
    expect(extend(grant(), later, change).nextDue).toBe(now.toISOString());
    // What is opening is due for itself.
    const due = '2026-11-23T12:00:30.000Z';
    expect(extend(grant('opening', { nextDue: due }), later, change).nextDue).toBe(due);
  });

  it.each(['closing', 'closed', 'pending'] as const)('is never applied to a grant that is %s', (state) => {
    expect(() => extend(grant(state), later, change)).toThrow('cannot be extended');
  });

  it('never makes a grant shorter, nor keeps its end', () => {
    expect(() => extend(grant(), end, change)).toThrow('cannot be extended');
    expect(() => extend(grant(), '2026-11-23T12:59:59.000Z', change)).toThrow('cannot be extended');
  });

  it('that waits for approval leaves end and version alone, and goes with the grant', () => {
    const row = awaitExtension(grant(), { end: later, justification: 'more', rules: ends }, change);

    expect(row).toMatchObject({ end, version: 2, extension: { end: later, approval: { expiresAt: end } } });
    const over = enterState(row, 'closing', change);
    expect(over).toMatchObject({ version: 3 });
    expect(over.extension).toBeUndefined();
    expect(over.journal.map(({ number, event }) => `${number} ${event}`)).toEqual([
      '1 extension-requested',
      '2 extension-expired',
      '3 closing',
    ]);
  });

  it('that was approved waits no more', () => {
    const row = awaitExtension(grant(), { end: later, justification: 'more', rules: ends }, change);

    expect(extend(row, later, change).extension).toBeUndefined();
  });

  it('is not told to have expired where none waited', () => {
    const row = grant();
    expect(withoutExtension(row, 'extension-expired', change)).toBe(row);
  });
});
