import { describe, expect, it } from 'vitest';
import type { EffectivePolicies } from '../../src/core/effectivePolicy.ts';
import { samplePolicy, vmId } from './samples.ts';

/** What every implementation of EffectivePolicies does. `make` returns an empty one. */
export function describePoliciesContract(name: string, make: () => Promise<EffectivePolicies>): void {
  describe(`EffectivePolicies: ${name}`, () => {
    it('has no policy for a machine that nobody protected', async () => {
      const policies = await make();
      await policies.put(samplePolicy('Web-1'));
      expect(await policies.forVirtualMachine(vmId('Web-2'))).toBeUndefined();
    });

    it('finds the policy whatever the case of the id', async () => {
      const policies = await make();
      const policy = samplePolicy('Web-1');
      await policies.put(policy);
      expect(await policies.forVirtualMachine(vmId('Web-1').toUpperCase())).toEqual(policy);
    });

    it('replaces the policy of a machine', async () => {
      const policies = await make();
      await policies.put(samplePolicy('Web-1'));
      const narrower = samplePolicy('Web-1', { virtualMachineId: vmId('WEB-1'), ports: [] });
      await policies.put(narrower);
      expect(await policies.forVirtualMachine(vmId('Web-1'))).toEqual(narrower);
    });

    it('refuses a second policy of another name for the same machine, naming the first', async () => {
      const policies = await make();
      const policy = samplePolicy('Web-1');
      await policies.put(policy);
      await expect(policies.put(samplePolicy('Web-1', { id: 'second' }))).rejects.toThrow(/default/);
      expect(await policies.forVirtualMachine(vmId('Web-1'))).toEqual(policy);
    });
  });
}
