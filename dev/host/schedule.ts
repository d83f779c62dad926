import { Cron } from 'croner';

import { parseTimeSpan } from './timeSpan.ts';

/** When a timer trigger runs. */
export interface Schedule {
  /** The first time after `time`; undefined when there is none. */
  next(time: Date): Date | undefined;
  /** Schedules under a minute have no stored status in the real host. */
  subMinute: boolean;
}

const days = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const months = [
  ...['january', 'february', 'march', 'april', 'may', 'june'],
  ...['july', 'august', 'september', 'october', 'november', 'december'],
];

/**
 * Reads an NCRONTAB expression (six fields, or five with second 0; UTC; day of month AND day of week) or a TimeSpan.
 * @throws Error for what NCRONTAB refuses, such as `7` for Sunday or `L`
 */
export function parseSchedule(text: string): Schedule {
  const interval = parseTimeSpan(text);
  if (interval !== undefined && interval > 0) {
    return { next: (time) => new Date(time.getTime() + interval), subMinute: interval < 60_000 };
  }
  const refusal = `The schedule expression '${text}' was not recognized as a valid cron expression or timespan string.`;
  const given = text.trim().split(/\s+/);
  const fields = given.length === 5 ? ['0', ...given] : given;
  if (fields.length !== 6) throw new Error(refusal);
  const pattern = fields.map((field, index) => normalise(field, [[], [], [], [], months, days][index] ?? []));
  if (pattern.includes(undefined)) throw new Error(refusal);
  let cron: Cron;
  try {
    cron = new Cron(pattern.join(' '), {
      mode: '6-part',
      timezone: 'UTC',
      domAndDow: true,
      sloppyRanges: true,
    });
  } catch {
    throw new Error(refusal);
  }
  const next = (time: Date) => cron.nextRun(time) ?? undefined;
  const [first, second] = cron.nextRuns(2, new Date(Date.UTC(2024, 0, 1) - 1000));
  const subMinute =
    first !== undefined && second !== undefined && second.getTime() - first.getTime() < 60_000;
  return { next, subMinute };
}

/** Narrows a field to NCRONTAB's grammar, which is smaller than the library's; names become their first letters. */
function normalise(field: string, names: readonly string[]): string | undefined {
  if (!/^(\*|\w+(-\w+)?)(\/\d+)?(,(\*|\w+(-\w+)?)(\/\d+)?)*$/.test(field)) return undefined;
  const short = (word: string) => word.toLowerCase().slice(0, 3);
  const words = field.match(/[A-Za-z_]\w*|\d+[A-Za-z_]\w*/g) ?? [];
  const known = words.every(
    (word) => word.length >= 3 && names.some((name) => name.startsWith(word.toLowerCase())),
  );
  const result = field.replace(/[A-Za-z]+/g, short);
  // The library takes 7 for Sunday, too.
  const sundayAsSeven = names === days && /(^|[,-])7/.test(field);
  return known && !sundayAsSeven ? result : undefined;
}
