import { describe, expect, it } from 'vitest';
import { stepActivityName } from '../../src/workflow/names.ts';
import { drive, type Drive } from '../support/driveOrchestrator.ts';

const start = new Date('2026-11-23T09:00:00.000Z');
const end = new Date('2026-11-23T10:00:00.000Z');

function waitedSeconds(grant: Drive, from: Date): number {
  const asked = grant.asked();
  if (asked.kind !== 'wait') throw new Error(`It does not wait but ${asked.kind}.`);
  return (asked.until.getTime() - from.getTime()) / 1000;
}

describe('the grant orchestrator', () => {
  it('steps, waits for the instant that the step names, steps again and is done', () => {
    const grant = drive(start);
    expect(grant.asked()).toEqual({
      kind: 'activity',
      name: stepActivityName,
      input: { requestId: 'a'.repeat(32) },
    });

    grant.complete({ kind: 'wait', until: end.toISOString() });
    expect(grant.asked()).toMatchObject({ kind: 'wait', until: end });

    grant.fire();
    expect(grant.asked()).toMatchObject({ kind: 'activity', name: stepActivityName });

    grant.complete({ kind: 'done' });
    expect(grant.asked()).toEqual({ kind: 'returned', output: 'done' });
  });

  it('steps at a ring and cancels the timer that would hold its completion', () => {
    const grant = drive(start);
    grant.complete({ kind: 'wait', until: end.toISOString() });
    const waiting = grant.asked();

    grant.ring();

    expect(waiting.kind === 'wait' && waiting.timerCancelled()).toBe(true);
    expect(grant.asked().kind).toBe('activity');
  });

  it('does not lose a ring that comes while a step is under way', () => {
    const grant = drive(start);

    grant.ring();
    grant.complete({ kind: 'wait', until: end.toISOString() });

    expect(grant.asked().kind).toBe('activity');
  });

  it('does not lose a ring that comes while a later step is under way', () => {
    const grant = drive(start);
    grant.complete({ kind: 'again', afterSeconds: 1, phase: 'opening' });
    grant.fire();

    grant.ring();
    grant.complete({ kind: 'wait', until: end.toISOString() });

    expect(grant.asked().kind).toBe('activity');
  });

  it('does not lose a second ring after timers and a first ring', () => {
    const grant = drive(start);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      grant.complete({ kind: 'again', afterSeconds: 1, phase: 'opening' });
      grant.fire();
    }
    grant.complete({ kind: 'wait', until: end.toISOString() });
    grant.ring();

    grant.ring();
    grant.complete({ kind: 'wait', until: end.toISOString() });

    expect(grant.asked().kind).toBe('activity');
    grant.complete({ kind: 'wait', until: end.toISOString() });
    expect(grant.asked()).toMatchObject({ kind: 'wait', until: end });
  });

  it('tries to close as often as ever although steps failed before', () => {
    const grant = drive(start);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      grant.fail();
      grant.fire();
    }
    grant.complete({ kind: 'wait', until: end.toISOString() });
    grant.fire();

    for (let attempt = 0; attempt < 5; attempt += 1) {
      grant.complete({ kind: 'again', afterSeconds: 1, phase: 'closing' });
      expect(grant.asked().kind).toBe('wait');
      grant.fire();
    }
  });

  it('does not spin when the clock of the step is behind its own', () => {
    const grant = drive(start);

    grant.complete({ kind: 'wait', until: new Date(start.getTime() - 20_000).toISOString() });

    expect(waitedSeconds(grant, start)).toBe(2);
  });

  it('waits again when the timer fired early and the step says so', () => {
    const grant = drive(start);
    grant.complete({ kind: 'wait', until: end.toISOString() });

    grant.fire(new Date(end.getTime() - 900));
    grant.complete({ kind: 'wait', until: end.toISOString() });

    expect(grant.asked()).toMatchObject({ kind: 'wait', until: end });
  });

  it('tries again after a step whose worker died, ten seconds later at the least', () => {
    const grant = drive(start);

    grant.fail();

    expect(waitedSeconds(grant, start)).toBe(10);
    grant.fire();
    expect(grant.asked().kind).toBe('activity');
  });

  it('tries to close five times with growing pauses and then leaves it to the sweep (I8)', () => {
    const grant = drive(start);
    const pauses: number[] = [];
    let now = start;

    for (let attempt = 0; attempt < 5; attempt += 1) {
      grant.complete({ kind: 'again', afterSeconds: 1, phase: 'closing' });
      const pause = waitedSeconds(grant, now);
      pauses.push(pause);
      now = new Date(now.getTime() + pause * 1000);
      grant.fire();
    }
    grant.complete({ kind: 'again', afterSeconds: 1, phase: 'closing' });

    expect(pauses).toEqual([10, 20, 40, 80, 160]);
    expect(grant.asked()).toEqual({ kind: 'returned', output: 'handed-to-sweep' });
  });

  it('does not count attempts to open as attempts to close', () => {
    const grant = drive(start);
    for (let attempt = 0; attempt < 8; attempt += 1) {
      grant.complete({ kind: 'again', afterSeconds: 1, phase: 'opening' });
      grant.fire();
    }

    grant.complete({ kind: 'again', afterSeconds: 1, phase: 'closing' });

    expect(grant.asked().kind).toBe('wait');
  });

  it('waits at least as long as Azure asked for', () => {
    const grant = drive(start);

    grant.complete({ kind: 'again', afterSeconds: 45, phase: 'closing' });

    expect(waitedSeconds(grant, start)).toBe(45);
  });

  it('throws an Error, not a text, for an input that is no request id', () => {
    expect(() => drive(start, '')).toThrow(Error);
  });
});
