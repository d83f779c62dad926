import type { TimeWindow } from './policy.ts';

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Whether the name is an IANA time zone that this runtime knows; offsets such as `+01:00` are none. */
export function isTimeZone(name: string): boolean {
  return /^[A-Za-z]/.test(name) && createClock(name) !== undefined;
}

/** Minutes after midnight of `HH:MM`, `24:00` included; undefined for anything else. */
export function minutesOf(text: string): number | undefined {
  const [, hours, minutes] = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text) ?? [];
  const total = Number(hours) * 60 + Number(minutes);
  return total <= 24 * 60 ? total : undefined;
}

/** Whether an instant lies in one of the windows, by the clock of each window's own zone. What cannot be read holds nothing. */
export function isWithin(windows: readonly TimeWindow[], instant: Date): boolean {
  return windows.some((window) => holds(window, instant));
}

function holds({ days, from, to, timeZone }: TimeWindow, instant: Date): boolean {
  const clock = createClock(timeZone);
  const [begin, end] = [minutesOf(from), minutesOf(to)];
  if (clock === undefined || begin === undefined || end === undefined) return false;
  const parts = new Map(clock.formatToParts(instant).map(({ type, value }) => [type, value]));
  const day = weekdays.indexOf(parts.get('weekday') ?? '') + 1;
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  return days.includes(day) && begin <= minute && minute < end;
}

/** `Mon, Tue 08:00 to 18:00 Europe/Berlin`. */
export function describeWindow({ days, from, to, timeZone }: TimeWindow): string {
  return `${days.map((day) => weekdays[day - 1] ?? String(day)).join(', ')} ${from} to ${to} ${timeZone}`;
}

function createClock(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  } catch {
    return undefined;
  }
}
