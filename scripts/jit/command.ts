import type { ParseArgsConfig } from 'node:util';
import type { Api } from './api.ts';
import type { ExitCode, Surroundings } from './surroundings.ts';

/** Options as parseArgs takes them. */
export type CommandOptions = NonNullable<ParseArgsConfig['options']>;

/** One call of the client, options and words taken apart. */
export interface Invocation {
  api: Api;
  around: Surroundings;
  words: string[];
  options: Record<string, string | boolean | (string | boolean)[] | undefined>;
  json: boolean;
}

/** One command of the client. */
export interface Command {
  /** What follows the name: `ID`. */
  usage: string;
  summary: string;
  /** Lines of help, one for each option. */
  help: string[];
  options: CommandOptions;
  /** Throws UsageError for what it does not understand. */
  run(invocation: Invocation): Promise<ExitCode>;
}

/** The value of an option, as text; undefined if it was left out. */
export function optionText(options: Invocation['options'], name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

/** The values of an option that may be given several times. */
export function optionTexts(options: Invocation['options'], name: string): string[] {
  const values = options[name];
  return (Array.isArray(values) ? values : []).filter((value) => typeof value === 'string');
}

/** Prints an answer as JSON where that was asked for, or as people read it. */
export function show({ around, json }: Invocation, answer: unknown, text: () => string): void {
  around.print(json ? JSON.stringify(answer, undefined, 2) : text());
}
