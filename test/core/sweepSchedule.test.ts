import { describe, expect, it } from 'vitest';
import { parseSchedule } from '../../dev/host/schedule.ts';
import { periodOf } from '../../src/core/sweepSchedule.ts';

describe('the period of a sweep', () => {
  it.each([
    ['0 * * * * *', 60],
    ['30 * * * * *', 60],
    ['* * * * * *', 1],
    ['*/2 * * * * *', 2],
    [' */20  * * * * * ', 20],
    ['0 */5 * * * *', 300],
    ['15 */1 * * * *', 60],
  ])('of %j is %i s, as the host runs it', (schedule, seconds) => {
    expect(periodOf(schedule)).toBe(seconds);
    const parsed = parseSchedule(schedule.trim());
    const next = (time: Date) => parsed.next(time);
    const gaps = new Set<number>();
    let last = next(new Date('2026-11-23T11:57:03Z'))?.getTime() ?? 0;
    for (let run = 0; run < 100; run += 1) {
      const then = next(new Date(last))?.getTime() ?? 0;
      gaps.add(then - last);
      last = then;
    }
    expect([...gaps]).toEqual([seconds * 1000]);
  });

  it.each([
    '',
    '*/7 * * * * *',
    '0 */10 * * * *',
    '0 0 * * * *',
    '* */5 * * * *',
    '0,30 * * * * *',
    '61 * * * * *',
    '*/0 * * * * *',
    '0 * * * * 1-5',
    '00:01:00',
    '%SWEEP%',
  ])('cannot be told of %j', (schedule) => {
    expect(periodOf(schedule)).toBeUndefined();
  });
});
