import { parseArgs } from 'node:util';
import * as z from 'zod';
import { UsageError } from '../usageError.ts';
import { ApiProblem, createApi } from './api.ts';
import { auditCommand } from './auditCommand.ts';
import { optionText } from './command.ts';
import type { Command, CommandOptions, Invocation } from './command.ts';
import { commandHelp, generalHelp } from './help.ts';
import { approveCommand, denyCommand } from './decideCommands.ts';
import { extendCommand } from './extendCommand.ts';
import { endCommand, listCommand, showCommand } from './lifeCommands.ts';
import { problemText } from './problemText.ts';
import { requestCommand } from './requestCommand.ts';
import { exitCodes } from './surroundings.ts';
import type { ExitCode, Surroundings } from './surroundings.ts';
import { findToken } from './token.ts';
import { vmsCommand } from './virtualMachines.ts';

export const commands: Readonly<Record<string, Command>> = {
  vms: vmsCommand,
  request: requestCommand,
  list: listCommand,
  show: showCommand,
  approve: approveCommand,
  deny: denyCommand,
  extend: extendCommand,
  end: endCommand,
  audit: auditCommand,
};

const common: CommandOptions = {
  url: { type: 'string' },
  scope: { type: 'string' },
  as: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
};
/** Where `npm start` serves the app. */
const localUrl = 'http://127.0.0.1:7071';

/** The command-line client. Resolves with the exit code; never rejects, and never prints a token. */
export async function runJit(words: readonly string[], around: Surroundings): Promise<ExitCode> {
  try {
    return await run(words, around);
  } catch (error) {
    if (error instanceof ApiProblem) {
      around.progress(problemText(error.problem, around.columns));
      return error.problem.status === 403 ? exitCodes.denied : exitCodes.error;
    }
    around.progress(messageOf(error));
    return isUsageError(error) ? exitCodes.usage : exitCodes.error;
  }
}

async function run([name, ...words]: readonly string[], around: Surroundings): Promise<ExitCode> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    around.print(generalHelp(commands));
    return name === undefined ? exitCodes.usage : exitCodes.ok;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    throw new UsageError(`There is no command ${name}; there are ${Object.keys(commands).join(', ')}.`);
  }
  const all: CommandOptions = { ...common, ...command.options };
  const { values, positionals }: { values: Invocation['options']; positionals: string[] } = parseArgs({
    args: [...words],
    options: all,
    allowPositionals: true,
  });
  if (values['help'] === true) {
    around.print(commandHelp(name, command));
    return exitCodes.ok;
  }
  const text = (option: string) => optionText(values, option);
  const url = urlOf(text('url') ?? around.env['SALLYPORT_URL'] ?? localUrl);
  const scope = text('scope') ?? around.env['SALLYPORT_SCOPE'];
  const api = createApi(url, await findToken(url, { scope, as: text('as') }, around.env));
  return command.run({ api, around, words: positionals, options: values, json: values['json'] === true });
}

function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UsageError(`${text} is no address of the app.`);
  return url;
}

function isUsageError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS_');
}

function messageOf(error: unknown): string {
  if (error instanceof z.ZodError) return `The app's answer is not as expected: ${z.prettifyError(error)}`;
  return error instanceof Error ? error.message : String(error);
}
