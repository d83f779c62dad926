export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, message: string) => void;

/** A log that writes one line per message to stderr, from `minimum` on; stdout is kept for machines. */
export function stderrLog(minimum: LogLevel): Log {
  const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
  return (level, message) => {
    if (order.indexOf(level) < order.indexOf(minimum)) return;
    process.stderr.write(`${new Date().toISOString().slice(11, 23)} ${level.padEnd(5)} ${message}\n`);
  };
}
