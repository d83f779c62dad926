/** What a command may do to the world around it. */
export interface Surroundings {
  env: Record<string, string | undefined>;
  /** One text for the caller, or for the program that reads it. */
  print: (text: string) => void;
  /** What happens meanwhile, for people; never what was asked for. */
  progress: (text: string) => void;
  /** Characters in a line; undefined where lines may be as long as they like. */
  columns?: number;
  /** IANA name, in which times are shown. */
  timeZone: string;
}

/** Those of this process. */
export function ownSurroundings(): Surroundings {
  return {
    env: process.env,
    print: (text) => process.stdout.write(`${text}\n`),
    progress: (text) => process.stderr.write(`${text}\n`),
    ...(process.stdout.isTTY && { columns: process.stdout.columns }),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

/** Stable: scripts go by them. */
export const exitCodes = {
  ok: 0,
  error: 1,
  usage: 2,
  denied: 3,
  waiting: 4,
  failed: 5,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
