import { describe, expect, test } from 'vitest';

import { parseSchedule } from '../../../dev/host/schedule.ts';

const after = (schedule: string, time: string) => parseSchedule(schedule).next(new Date(time))?.toISOString();

describe('A schedule', () => {
  test.each([
    ['0 */5 * * * *', '2026-11-23T10:01:00Z', '2026-11-23T10:05:00.000Z'],
    ['*/5 * * * *', '2026-11-23T10:01:00Z', '2026-11-23T10:05:00.000Z'],
    ['0 5/15 * * * *', '2026-11-23T10:06:00Z', '2026-11-23T10:20:00.000Z'],
    ['0 0 9 * JAN,december mon-FRI', '2026-11-23T10:01:00Z', '2026-12-01T09:00:00.000Z'],
    ['0 0 0 * * 0', '2026-11-23T10:01:00Z', '2026-11-29T00:00:00.000Z'],
    ['00:10:00', '2026-11-23T10:01:00Z', '2026-11-23T10:11:00.000Z'],
    ['1.00:00:00', '2026-11-23T10:01:00Z', '2026-11-24T10:01:00.000Z'],
  ])('%s is next due after %s at %s', (schedule, time, due) => expect(after(schedule, time)).toBe(due));

  test('needs both the day of the month and the day of the week', () => {
    expect(after('0 0 0 13 * FRI', '2026-11-23T00:00:00Z')).toBe('2027-08-13T00:00:00.000Z');
  });

  test.each([
    '0 0 0 * * 7',
    '0 0 0 L * *',
    '60 * * * * *',
    'TICK',
    '%TICK%',
    '* * * *',
    '@daily',
    '0 0 0 ? * *',
    '',
  ])('%s is refused', (schedule) =>
    expect(() => parseSchedule(schedule)).toThrow('was not recognized as a valid cron expression'),
  );

  test('knows whether it comes more than once a minute', () => {
    expect(parseSchedule('*/30 * * * * *').subMinute).toBe(true);
    expect(parseSchedule('00:00:59').subMinute).toBe(true);
    expect(parseSchedule('0 * * * * *').subMinute).toBe(false);
    expect(parseSchedule('0 0 3 1 1 *').subMinute).toBe(false);
  });
});
