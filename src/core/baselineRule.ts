import type { BaselineRow } from './baseline.ts';
import { machineKey } from './baseline.ts';
import { isOwned } from './ownedRule.ts';
import type { UnplacedRule } from './ownedRule.ts';

/** As much of a machine's key as stands in the names of its rules. */
const shortLength = 16;

/** What the names of a machine's baseline rules hold: 16 hexadecimal digits. */
export function shortKey(virtualMachineId: string): string {
  return machineKey(virtualMachineId).slice(0, shortLength);
}

/** The name of the n-th baseline rule of a machine, n from 1; at most 80 characters, as Azure demands. */
export function baselineName(installation: string, virtualMachineId: string, number: number): string {
  return `sallyport-${installation}-deny-${shortKey(virtualMachineId)}-${number}`;
}

/** What the name of a baseline rule says, or undefined if it is not as this installation would write it. */
export function parseBaselineName(
  name: string,
  installation: string,
): { key: string; number: number } | undefined {
  if (!isOwned(name, installation)) return undefined;
  const rest = name.toLowerCase().slice(`sallyport-${installation}-`.length);
  const [, key, number] = /^deny-([0-9a-f]{16})-([1-9]\d{0,3})$/.exec(rest) ?? [];
  return key === undefined ? undefined : { key, number: Number(number) };
}

/** The rules of one baseline: one deny for each box. */
export function baselineRules(
  row: Pick<BaselineRow, 'virtualMachineId' | 'boxes'>,
  installation: string,
): UnplacedRule[] {
  const machine = nameOfMachine(row.virtualMachineId).slice(0, 64);
  const description = `Sallyport baseline of ${machine}: shut unless access is granted. Managed: do not edit.`;
  return row.boxes.map((box, index) => ({
    name: baselineName(installation, row.virtualMachineId, index + 1),
    description,
    box,
    access: 'Deny',
  }));
}

/** The last part of a virtual machine's id. */
export function nameOfMachine(virtualMachineId: string): string {
  return virtualMachineId.slice(virtualMachineId.lastIndexOf('/') + 1);
}
