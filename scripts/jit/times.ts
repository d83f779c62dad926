import { UsageError } from '../usageError.ts';

/** An instant as people at this place write it, with the zone: `2026-11-23 14:05:09 CET`. */
export function localTime(instant: string, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', timeZone, timeZoneName: 'short' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  } as const).formatToParts(new Date(instant));
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')} ${part('timeZoneName')}`;
}

/** How long until an instant, for people: `in 1 h 5 min`, `now`, `2 min ago`. */
export function fromNow(instant: string, now: Date): string {
  const seconds = Math.round((Date.parse(instant) - now.getTime()) / 1000);
  if (seconds === 0) return 'now';
  const length = lengthOf(Math.abs(seconds));
  return seconds > 0 ? `in ${length}` : `${length} ago`;
}

function lengthOf(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${seconds} s`;
  if (minutes < 10 && seconds % 60 > 0) return `${minutes} min ${seconds % 60} s`;
  if (minutes < 60) return `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}

/** ISO 8601 of `90m`, `1h30m`, `2d` or of ISO 8601 itself; what it may be is for the app. */
export function isoDuration(text: string): string {
  if (/^P/i.test(text)) return text.toUpperCase();
  const [whole, days, hours, minutes, seconds] =
    /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/i.exec(text) ?? [];
  if (whole === undefined || whole === '') {
    throw new UsageError(`${text} is no length of time: write 90m, 1h30m or PT1H30M.`);
  }
  const amount = (value: string | undefined, unit: string) => (value === undefined ? '' : `${value}${unit}`);
  const time = amount(hours, 'H') + amount(minutes, 'M') + amount(seconds, 'S');
  return `P${amount(days, 'D')}${time === '' ? '' : `T${time}`}`;
}
