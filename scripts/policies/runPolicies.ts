import { parseArgs } from 'node:util';
import { ApiProblem } from '../jit/api.ts';
import type { Api } from '../jit/api.ts';
import type { CommandOptions, Invocation } from '../jit/command.ts';
import { connect, connectOptions } from '../jit/connect.ts';
import { isUsageError, messageOf } from '../jit/failure.ts';
import { connectHelp } from '../jit/help.ts';
import { problemText } from '../jit/problemText.ts';
import type { Surroundings } from '../jit/surroundings.ts';
import { UsageError } from '../usageError.ts';
import { applyPolicies } from './applyPolicies.ts';
import { awaitProvisioning } from './awaitProvisioning.ts';
import { comparePolicies } from './comparePolicies.ts';
import type { Difference } from './comparePolicies.ts';
import { exportPolicies } from './exportPolicies.ts';
import { policyFileSchema } from './policyFile.ts';
import type { Trouble } from './policyFile.ts';
import { readPolicyFolder } from './policyFolder.ts';
import { comparisonText, differenceJson, doneText, leftOutText, troubleText } from './presentPolicies.ts';
import { listPolicies } from './storedPolicies.ts';

/** Stable: pipelines go by them. */
export const exitCodes = { same: 0, different: 1, wrong: 2, refused: 3, partly: 4 } as const;
type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const options = {
  ...connectOptions,
  prune: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  wait: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} satisfies CommandOptions;

const help = `Usage: npm run policies -- COMMAND DIR [options]

  diff DIR      shows what apply would change, and what is only on the server
  apply DIR     makes the policies what the files of DIR say
  export DIR    writes the policies into files of DIR
  schema        prints the JSON Schema of a file

DIR has one file for each policy: <name>.json, with the body of PUT /api/policies/<name>. If any file is wrong nothing
is changed, and everything that is wrong is said at once. A policy that somebody else changes meanwhile is not overwritten.

Options:
  --prune                   apply, diff: delete what is only on the server; its baselines go
  --dry-run                 apply: as diff
  --wait                    apply: come back when the baselines stand, after five minutes at most
  --json                    apply, diff: the outcome as JSON on standard output, for programs
${connectHelp}
  --help                    this text
A token in SALLYPORT_TOKEN is used before the Azure CLI's. Progress and problems go to standard error.

Exit codes:
  0  done; of diff and --dry-run: no difference
  1  diff and --dry-run: there is a difference
  2  not understood, or something in DIR is wrong; nothing was changed
  3  the app refuses, or does not answer
  4  not everything was done, or applied in time (--wait); what was done is on standard output`;

/** Policies as code. Resolves with the exit code; never rejects, and never prints a token. */
export async function runPolicies(words: readonly string[], around: Surroundings): Promise<ExitCode> {
  try {
    return await run(words, around);
  } catch (error) {
    around.progress(
      error instanceof ApiProblem ? problemText(error.problem, around.columns) : messageOf(error),
    );
    return isUsageError(error) ? exitCodes.wrong : exitCodes.refused;
  }
}

async function run(words: readonly string[], around: Surroundings): Promise<ExitCode> {
  const { values, positionals }: { values: Invocation['options']; positionals: string[] } = parseArgs({
    ...{ args: [...words], options, allowPositionals: true },
  });
  const [command, folder, ...more] = positionals;
  if (values['help'] === true || command === undefined || command === 'help') {
    around.print(help);
    return command === undefined && values['help'] !== true ? exitCodes.wrong : exitCodes.same;
  }
  const isChange = command === 'apply' || command === 'diff';
  if (command === 'schema' && folder === undefined) {
    around.print(JSON.stringify(policyFileSchema(), undefined, 2));
    return exitCodes.same;
  }
  if (!isChange && command !== 'export') {
    throw new UsageError(`There is no command ${command}; there are apply, diff, export and schema.`);
  }
  if (folder === undefined || more.length > 0) throw new UsageError(`${command} takes one folder.`);
  const isDryRun = command === 'diff' || values['dry-run'] === true;
  const isPruned = values['prune'] === true;
  const isAwaited = values['wait'] === true;
  const isJson = values['json'] === true;
  if (isDryRun && isAwaited) throw new UsageError('There is nothing to --wait for where nothing is changed.');
  const how = { isDryRun, isPruned, isAwaited, isJson };
  if (isChange) return bring(folder, how, around, () => connect(values, around.env));
  if (Object.values(how).includes(true)) {
    throw new UsageError('export takes none of --prune, --dry-run, --wait and --json.');
  }
  const { own, others } = await listPolicies(await connect(values, around.env));
  const troubles = await exportPolicies(folder, own, around);
  for (const line of leftOutText(others)) around.progress(line);
  return report(troubles, around) ? exitCodes.partly : exitCodes.same;
}

interface How {
  isDryRun: boolean;
  isPruned: boolean;
  isAwaited: boolean;
  isJson: boolean;
}

/** How long policies are waited for that were put. */
const waitSeconds = 300;

/** Compares the folder with the app and, if that is not all, makes the app what the folder says. */
async function bring(
  folder: string,
  { isDryRun, isPruned, isAwaited, isJson }: How,
  around: Surroundings,
  reach: () => Promise<Api>,
): Promise<ExitCode> {
  const { files, troubles } = await readPolicyFolder(folder);
  if (report(troubles, around, 'Nothing was changed.')) return exitCodes.wrong;
  if (files.length === 0 && isPruned) {
    throw new UsageError(`${folder} has no policy: --prune would delete every one.`);
  }
  const api = await reach();
  const { own, others } = await listPolicies(api);
  const comparison = await comparePolicies(api, files, own, { isPruned });
  const { differences, onlyThere } = comparison;
  const { same } = comparison;
  const answer = (kept: object) => around.print(JSON.stringify({ ...kept, same, onlyThere }, undefined, 2));
  if (isDryRun && isJson) answer({ differences: differences.map(differenceJson) });
  else if (isDryRun) around.print(comparisonText(comparison));
  for (const line of leftOutText(others)) around.progress(line);
  if (report(comparison.troubles, around, 'Nothing was changed.')) return exitCodes.refused;
  if (isDryRun) return differences.length + onlyThere.length > 0 ? exitCodes.different : exitCodes.same;
  const applied: Difference[] = [];
  const failed = await applyPolicies(api, differences, (difference) => {
    applied.push(difference);
    if (!isJson) around.print(doneText(difference));
  });
  if (isAwaited) failed.push(...(await awaitProvisioning(api, applied, around, waitSeconds)));
  if (isJson) answer({ applied: applied.map(differenceJson) });
  for (const name of onlyThere) around.progress(`${name} is only on the server, and stays.`);
  if (report(failed, around, 'What is on standard output was done.')) return exitCodes.partly;
  if (differences.length === 0 && !isJson) around.print('Nothing to change.');
  return exitCodes.same;
}

/** Whether there was anything to tell. */
function report(troubles: readonly Trouble[], around: Surroundings, outcome = ''): boolean {
  if (troubles.length > 0) around.progress(`${troubleText(troubles, around.columns)}\n${outcome}`.trimEnd());
  return troubles.length > 0;
}
