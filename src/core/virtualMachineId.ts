import { canonicalId } from './resourceId.ts';

/** A virtual machine's ARM id, taken apart. */
export interface VirtualMachineId {
  /** As it was written. */
  id: string;
  /** Equal for ids that name the same virtual machine. */
  key: string;
  subscriptionId: string;
  resourceGroup: string;
  name: string;
}

export type VirtualMachineIdResult =
  | { ok: true; virtualMachine: VirtualMachineId }
  | { ok: false; code: 'vm-id-malformed' | 'vm-not-supported'; problem: string };

const form =
  '/subscriptions/{guid}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{name}';

/**
 * ASCII only, although Azure takes other letters in group names: with Unicode, two different groups can have the
 * same lower-case name (the Kelvin sign becomes `k`), and one machine's policy would speak for another. For the same
 * reason the `u` flag, which folds like that, is not set. No name ends with a period, so `.` and `..` are none.
 */
const pattern =
  /^\/subscriptions\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/resourceGroups\/([a-z0-9_().-]{0,89}[a-z0-9_()-])\/providers\/Microsoft\.Compute\/virtualMachines\/([a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9_])?)$/i;
const scaleSet = /\/virtualMachineScaleSets\//i;

/** Reads the ARM id of a virtual machine; keywords and names in any case, nothing before or after. */
export function parseVirtualMachineId(text: string): VirtualMachineIdResult {
  if (scaleSet.test(text)) {
    return {
      ok: false,
      code: 'vm-not-supported',
      problem: `Instances of Uniform scale sets are not supported; the id of a virtual machine has the form ${form}.`,
    };
  }
  const [, subscriptionId, resourceGroup, name] = pattern.exec(text) ?? [];
  if (subscriptionId === undefined || resourceGroup === undefined || name === undefined) {
    return {
      ok: false,
      code: 'vm-id-malformed',
      problem: `This is not the id of a virtual machine. It must have the form ${form}, without percent-encoding or a trailing slash.`,
    };
  }
  return {
    ok: true,
    virtualMachine: { id: text, key: canonicalId(text), subscriptionId, resourceGroup, name },
  };
}
