const pattern = /^(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?$/;

/**
 * Reads a .NET TimeSpan such as `00:05:00` or `1.12:30:00`.
 * @returns milliseconds, or undefined for any other text
 */
export function parseTimeSpan(text: string): number | undefined {
  const match = pattern.exec(text.trim());
  if (match === null) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1, 5).map((part) => Number(part || 0));
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const fraction = Number(`0.${match[5] ?? '0'}`);
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds + fraction) * 1000);
}

/** Writes milliseconds as a TimeSpan, `00:05:00`, for messages. */
export function formatTimeSpan(milliseconds: number): string {
  const days = Math.floor(milliseconds / 86_400_000);
  const clock = new Date(milliseconds % 86_400_000).toISOString().slice(11, 19);
  return days === 0 ? clock : `${days}.${clock}`;
}
