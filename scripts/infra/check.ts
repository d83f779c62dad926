/** Checks the templates of `infra` offline: lint, format, and the snapshots of what they would make. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, stripVTControlCharacters } from 'node:util';
import { compilerVersion, findCompiler, withoutIcu } from './compiler.ts';
import { environment, place, predictions, type Prediction } from './deployments.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const infra = join(root, 'infra');

const help = `Usage: npm run infra:check -- [--if-available] [--write]

Checks the templates in infra/ without Azure, with Bicep ${compilerVersion}: its linter (a warning fails too), its format,
and what each parameter file would make against the snapshot beside it.

Options:
  --if-available     Succeed, and say so, where there is no compiler to check with
  --write            Format the files and write the snapshots instead of comparing them
  --cache <folder>   Where the compiler is kept (.sallyport/bicep)
  --help             This text

Exit code: 0 all is well; 1 it is not; 2 there is no compiler, or it could not be started.`;

const absent = `Install one of them and run it again:
  the .NET SDK 8 or newer, which fetches the compiler from NuGet: https://dotnet.microsoft.com/download
  Bicep ${compilerVersion}, as bicep on the path: https://github.com/Azure/bicep/releases/tag/v${compilerVersion}`;

interface Output {
  code: number;
  text: string;
}

type Bicep = (args: string[], folder?: string) => Promise<Output>;

function bicepAt(path: string): Bicep {
  // Nothing of the caller's own environment decides what is predicted.
  const { PATH, HOME, TMPDIR, ...others } = withoutIcu();
  const mine = { PATH, HOME, TMPDIR, ...environment };
  const settings = Object.fromEntries(Object.entries(others).filter(([name]) => name.startsWith('DOTNET_')));
  return (args, folder = infra) =>
    new Promise((resolve, reject) => {
      execFile(path, args, { cwd: folder, env: { ...settings, ...mine } }, (error, stdout, stderr) => {
        const text = stripVTControlCharacters(`${stdout}${stderr}`).trim();
        if (error === null) resolve({ code: 0, text });
        else if (typeof error.code === 'number') resolve({ code: error.code, text });
        else reject(new Error(`The Bicep compiler could not be started: ${error.message}`));
      });
    });
}

/** A line for everything that the linter says: it exits with 0 on warnings, and a wrong property is only a warning. */
async function lint(bicep: Bicep): Promise<string[]> {
  const { code, text } = await bicep(['lint', '--pattern', './**/*.bicep*']);
  const lines = [...new Set(text.split('\n').filter((line) => line !== ''))];
  return code !== 0 && lines.length === 0 ? [`bicep lint ended with ${code}.`] : lines;
}

async function formatted(bicep: Bicep): Promise<string[]> {
  const copy = await mkdtemp(join(tmpdir(), 'sallyport-infra-'));
  try {
    await cp(infra, copy, { recursive: true });
    const { code, text } = await bicep(['format', '--pattern', './**/*.bicep*'], copy);
    if (code !== 0) return [text];
    const differing: string[] = [];
    for (const file of await bicepFiles()) {
      const [is, should] = await Promise.all(
        [infra, copy].map((folder) => readFile(join(folder, file), 'utf8')),
      );
      if (is !== should) differing.push(`infra/${file} is not formatted: npm run infra:check -- --write`);
    }
    return differing;
  } finally {
    await rm(copy, { recursive: true });
  }
}

async function bicepFiles(): Promise<string[]> {
  return (await readdir(infra, { recursive: true })).filter((file) => /\.bicep(param)?$/.test(file));
}

function snapshot(bicep: Bicep, { parameters, resourceGroup }: Prediction, mode: string): Promise<Output> {
  return bicep([
    'snapshot',
    parameters,
    ...['--mode', mode, '--tenant-id', place.tenantId],
    ...['--subscription-id', place.subscriptionId, '--location', place.location],
    ...(resourceGroup === undefined ? [] : ['--resource-group', resourceGroup]),
  ]);
}

async function predicted(bicep: Bicep, prediction: Prediction): Promise<string[]> {
  const { code, text } = await snapshot(bicep, prediction, 'validate');
  if (code === 0 && text === '') return [];
  return [
    `infra/${prediction.parameters} would make something else than its snapshot says:`,
    text,
    'If that is meant: npm run infra:check -- --write, and read the difference before you commit it.',
  ];
}

async function write(bicep: Bicep): Promise<string[]> {
  const outputs = [await bicep(['format', '--pattern', './**/*.bicep*'])];
  for (const prediction of predictions) {
    const output = await snapshot(bicep, prediction, 'overwrite');
    outputs.push(output);
    if (output.code === 0)
      await sortOutputs(join(infra, prediction.parameters.replace('.bicepparam', '.snapshot.json')));
  }
  return outputs.map(({ text }) => text).filter((text) => text !== '');
}

/** The compiler writes the outputs in another order each time, and compares them in any. */
async function sortOutputs(file: string): Promise<void> {
  const { outputs, ...others } = JSON.parse(await readFile(file, 'utf8')) as Record<string, object>;
  const sorted = Object.entries(outputs ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  const content = { ...others, outputs: Object.fromEntries(sorted) };
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      'if-available': { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      cache: { type: 'string', default: join(root, '.sallyport/bicep') },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const compiler = await findCompiler(values.cache);
  if (compiler.kind === 'absent') {
    console.error(`The templates were not checked. ${compiler.why}\n${absent}`);
    return values['if-available'] ? 0 : 2;
  }
  const bicep = bicepAt(compiler.path);
  const problems = values.write ? await write(bicep) : [...(await lint(bicep)), ...(await formatted(bicep))];
  if (!values.write) {
    for (const prediction of predictions) problems.push(...(await predicted(bicep, prediction)));
  }
  problems.forEach((line) => {
    console.error(line);
  });
  if (problems.length > 0) return 1;
  const files = (await bicepFiles()).length;
  console.log(
    values.write
      ? `Formatted ${files} files and wrote ${predictions.length} snapshots.`
      : `${files} files and ${predictions.length} snapshots are as they should be.`,
  );
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
