import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from './processes.ts';

/**
 * Keeps a folder for this process until the function that is given back is called: two storages or two simulators
 * over the same files overwrite each other's state without a word. The lock of a process that has died is taken over.
 * @throws StartError that names the process that has it, or says why the folder cannot be used
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, 'process-id');
  try {
    while (!claim(file)) {
      const holder = Number(readFileSync(file, 'utf8'));
      if (isRunning(holder)) {
        throw new StartError(
          `The folder ${folder} is in use by process ${holder}. End it, or choose another folder with --folder. ` +
            `If that process is none of Sallyport's, delete ${file}.`,
        );
      }
      rmSync(file, { force: true });
    }
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StartError(`The folder ${folder} cannot be used: ${why}. Choose another.`, { cause });
  }
  let isHeld = true;
  return () => {
    if (isHeld) rmSync(file, { force: true });
    isHeld = false;
  };
}

/** Whether the file was not there and is ours now. */
function claim(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function isRunning(processId: number): boolean {
  // Zero and negative numbers name groups of processes.
  if (!Number.isInteger(processId) || processId <= 0) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // Somebody else's process is a running one too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
