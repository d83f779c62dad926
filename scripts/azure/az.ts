import { execFile } from 'node:child_process';
import * as z from 'zod';

/** Runs a program with arguments and answers what it prints. Throws an Error with what it says when it fails. */
export type Run = (program: string, args: string[]) => Promise<string>;

/** Of this machine. On Windows az and azd are scripts, which only a shell starts. */
export const runHere: Run = (program, args) =>
  new Promise((resolve, reject) => {
    const shell = process.platform === 'win32';
    const given = shell ? args.map((argument) => `"${argument.replaceAll('"', '\\"')}"`) : args;
    execFile(program, given, { shell, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.code === 'ENOENT') reject(new Error(`${program} is not installed, or not on the path.`));
      else reject(new Error(`${program} ${args.slice(0, 3).join(' ')} failed: ${stderr.trim()}`));
    });
  });

/** What `az` answers, as JSON; undefined where it answers nothing. */
export async function az(run: Run, ...args: string[]): Promise<unknown> {
  const text = (await run('az', [...args, '--output', 'json'])).trim();
  return text === '' ? undefined : JSON.parse(text);
}

/** Address of Azure Resource Manager in the cloud that the Azure CLI is signed in to, without a slash at its end. */
export async function resourceManagerAt(run: Run): Promise<string> {
  const address = await az(run, 'cloud', 'show', '--query', 'endpoints.resourceManager');
  return z
    .url({ protocol: /^https$/ })
    .parse(address)
    .replace(/\/$/, '');
}

/** A call of Microsoft Graph with the account of the Azure CLI; `prefer` is the header of that name. */
export function rest(
  run: Run,
  method: 'get' | 'patch' | 'post',
  url: string,
  { body, prefer }: { body?: object; prefer?: string } = {},
): Promise<unknown> {
  const headers = [
    ...(body === undefined ? [] : ['Content-Type=application/json']),
    ...(prefer === undefined ? [] : [`Prefer=${prefer}`]),
  ];
  return az(
    run,
    ...['rest', '--method', method, '--url', encodeURI(url)],
    ...(headers.length === 0 ? [] : ['--headers', ...headers]),
    ...(body === undefined ? [] : ['--body', JSON.stringify(body)]),
  );
}
