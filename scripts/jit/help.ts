import type { Command } from './command.ts';

/** `connectOptions`, for people. */
export const connectHelp = `  --url URL                 address of the app; SALLYPORT_URL (http://127.0.0.1:7071)
  --scope SCOPE             api://…/.default: sign in by the Azure CLI's account; SALLYPORT_SCOPE
  --as PERSON               alice, bob, …: the sample of npm start, on this machine only`;

const commonHelp = `Everywhere:
${connectHelp}
  --json                    the answer as JSON on standard output, for programs
  --help                    this text, or that of a command
A token in SALLYPORT_TOKEN is used before the Azure CLI's. Progress and problems go to standard error.

Exit codes:
  0  done: what was asked for is so          3  denied
  1  an error, or no answer                  4  accepted, and not there yet (--no-wait, --timeout)
  2  not understood                          5  failed, or over before it was there; not well`;

/** The help of the whole client. */
export function generalHelp(commands: Readonly<Record<string, Command>>): string {
  const lines = Object.entries(commands).map(
    ([name, { usage, summary }]) => `  ${`${name} ${usage}`.trim().padEnd(24)}  ${summary}`,
  );
  return `Usage: npm run jit -- COMMAND [options]   (or npx sallyport COMMAND [options])\n\n${lines.join('\n')}\n\n${commonHelp}`;
}

/** The help of one command. */
export function commandHelp(name: string, { usage, summary, help }: Command): string {
  const options = help.length === 0 ? '' : `\n\nOptions:\n${help.map((line) => `  ${line}`).join('\n')}`;
  return `Usage: npm run jit -- ${`${name} ${usage}`.trim()} [options]\n\n${summary[0]?.toUpperCase() ?? ''}${summary.slice(1)}.${options}\n\n${commonHelp}`;
}
