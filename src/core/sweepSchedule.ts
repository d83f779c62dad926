/**
 * How often a schedule runs, in seconds, read from the schedule itself: how old a heartbeat may be follows from it, and
 * two settings could contradict each other. Undefined for what does not run evenly, or less often than every five
 * minutes. Every minute is `0 * * * * *`; a step of seconds or of minutes must divide 60.
 */
export function periodOf(schedule: string): number | undefined {
  const [seconds = '', minutes = '', ...others] = schedule.trim().split(/\s+/);
  if (others.length !== 4 || others.some((field) => field !== '*')) return undefined;
  if (minutes === '*' && seconds === '*') return 1;
  if (minutes === '*' && seconds.startsWith('*/')) return divisorOf60(seconds.slice(2));
  if (!/^[0-5]?\d$/.test(seconds)) return undefined;
  if (minutes === '*') return 60;
  const every = minutes.startsWith('*/') ? divisorOf60(minutes.slice(2)) : undefined;
  return every !== undefined && every <= 5 ? every * 60 : undefined;
}

/** A step that does not divide the hour or minute has a shorter gap at its end. */
function divisorOf60(text: string): number | undefined {
  const step = Number(text);
  return /^\d{1,2}$/.test(text) && step > 0 && 60 % step === 0 ? step : undefined;
}
