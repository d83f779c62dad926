import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** One version for everybody: another one formats, lints and predicts in its own way. */
export const compilerVersion = '0.49.2';

export type Compiler = { kind: 'found'; path: string } | { kind: 'absent'; why: string };

const run = promisify(execFile);

/** What the packages of the compiler are called after. Only that of Linux on x64 was tried. */
export function packageOf(platform: NodeJS.Platform, architecture: string): string {
  const system = { linux: 'linux', darwin: 'osx', win32: 'win' }[platform as string] ?? platform;
  return `Azure.Bicep.CommandLine.${system}-${architecture}`;
}

/**
 * The Bicep compiler: the one of an earlier call in `folder`, else `bicep` of the right version, else one that the .NET
 * SDK fetches from NuGet into `folder`. `absent` where there is neither. Throws an Error if the SDK cannot fetch it.
 */
export async function findCompiler(folder: string): Promise<Compiler> {
  const name = packageOf(process.platform, process.arch);
  const program = process.platform === 'win32' ? 'bicep.exe' : 'bicep';
  const path = join(folder, name.toLowerCase(), compilerVersion, 'tools', program);
  if (existsSync(path)) return { kind: 'found', path };
  const installed = await answerOf('bicep', ['--version']);
  if (installed?.includes(` ${compilerVersion} `) === true) return { kind: 'found', path: 'bicep' };
  const sdk = (await answerOf('dotnet', ['--version']))?.trim();
  if (sdk === undefined) {
    const found = installed === undefined ? 'No Bicep compiler' : `Bicep ${installed.trim()}`;
    return { kind: 'absent', why: `${found} and no .NET SDK is here.` };
  }
  await mkdir(folder, { recursive: true });
  const project = join(folder, 'compiler.csproj');
  await writeFile(project, projectFor(name, sdk.split('.')[0] ?? ''));
  try {
    await run('dotnet', ['restore', project, '--packages', folder, '--nologo'], { env: withoutIcu() });
  } catch (error) {
    const { stdout = '' } = error as { stdout?: string };
    throw new Error(`The .NET SDK could not fetch ${name} ${compilerVersion}:\n${stdout.trim()}`, {
      cause: error,
    });
  }
  return { kind: 'found', path };
}

/** .NET refuses to start without ICU, which small machines lack and which is not needed here. */
export function withoutIcu(): Record<string, string | undefined> {
  return {
    ...process.env,
    DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: '1',
    DOTNET_CLI_TELEMETRY_OPTOUT: '1',
    DOTNET_NOLOGO: '1',
  };
}

function projectFor(name: string, major: string): string {
  return `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net${major}.0</TargetFramework></PropertyGroup>
  <ItemGroup><PackageDownload Include="${name}" Version="[${compilerVersion}]" /></ItemGroup>
</Project>
`;
}

/** What a program prints, or undefined if it is not there or fails. */
async function answerOf(program: string, args: string[]): Promise<string | undefined> {
  try {
    return (await run(program, args, { env: withoutIcu() })).stdout;
  } catch {
    return undefined;
  }
}
