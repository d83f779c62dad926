import { UsageError } from '../usageError.ts';
import type { Invocation } from './command.ts';

/** ARM ids of the virtual machines that the words name. Throws UsageError if one is no id. */
export function virtualMachineIds({ words }: Invocation): Promise<string[]> {
  if (words.length === 0) throw new UsageError('Name a virtual machine, by its ARM id.');
  const odd = words.find((word) => !word.startsWith('/'));
  if (odd !== undefined) throw new UsageError(`${odd} is no ARM id: /subscriptions/…/virtualMachines/….`);
  return Promise.resolve(words);
}
