import { parseArgs } from 'node:util';
import { UsageError } from '../usageError.ts';
import { ApiProblem } from './api.ts';
import { auditCommand } from './auditCommand.ts';
import type { Command, CommandOptions, Invocation } from './command.ts';
import { connect, connectOptions } from './connect.ts';
import { isUsageError, messageOf } from './failure.ts';
import { healthCommand } from './healthCommand.ts';
import { commandHelp, generalHelp } from './help.ts';
import { approveCommand, denyCommand, reviewCommand } from './decideCommands.ts';
import { extendCommand } from './extendCommand.ts';
import { endCommand, listCommand, showCommand } from './lifeCommands.ts';
import { problemText } from './problemText.ts';
import { recommendationsCommand } from './recommendationsCommand.ts';
import { requestCommand } from './requestCommand.ts';
import { exitCodes } from './surroundings.ts';
import type { ExitCode, Surroundings } from './surroundings.ts';
import { vmsCommand } from './virtualMachines.ts';

export const commands: Readonly<Record<string, Command>> = {
  vms: vmsCommand,
  request: requestCommand,
  list: listCommand,
  show: showCommand,
  approve: approveCommand,
  deny: denyCommand,
  review: reviewCommand,
  extend: extendCommand,
  end: endCommand,
  recommendations: recommendationsCommand,
  audit: auditCommand,
  health: healthCommand,
};

const common: CommandOptions = {
  ...connectOptions,
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
};

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
  const api = await connect(values, around.env);
  return command.run({ api, around, words: positionals, options: values, json: values['json'] === true });
}
