import { describe, expect, it } from 'vitest';
import type { Policies } from '../../src/core/policy.ts';
import { samplePolicy } from './samples.ts';

const jitId =
  '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/Contoso-Prod/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default';

/** What every implementation of Policies does. `make` returns an empty one. */
export function describePoliciesContract(name: string, make: () => Promise<Policies>): void {
  describe(`Policies: ${name}`, () => {
    it('lists what was inserted, and no more', async () => {
      const policies = await make();
      expect(await policies.list()).toEqual([]);
      await policies.insert(samplePolicy('web'));
      await policies.insert(samplePolicy(jitId));
      const listed = (await policies.list()).map(({ row }) => row);
      expect(listed).toHaveLength(2);
      expect(listed).toEqual(expect.arrayContaining([samplePolicy('web'), samplePolicy(jitId)]));
    });

    it('finds a policy whatever the case of its id', async () => {
      const policies = await make();
      await policies.insert(samplePolicy(jitId));
      expect((await policies.get(jitId.toUpperCase()))?.row).toEqual(samplePolicy(jitId));
      expect(await policies.get('web')).toBeUndefined();
    });

    it('refuses a second one of the same name in another case', async () => {
      const policies = await make();
      await policies.insert(samplePolicy('Web'));
      expect(await policies.insert(samplePolicy('web'))).toBe('exists');
      expect((await policies.get('web'))?.row.id).toBe('Web');
    });

    it('replaces only what is still as it was read', async () => {
      const policies = await make();
      const first = await policies.insert(samplePolicy('web'));
      if (first === 'exists') throw new Error('It was there already.');
      const second = await policies.replace(samplePolicy('web', { version: 2 }), first.etag);
      expect(second).toMatchObject({ row: { version: 2 } });
      expect(await policies.replace(samplePolicy('web', { version: 3 }), first.etag)).toBe('changed');
      expect((await policies.get('web'))?.row.version).toBe(2);
      expect(await policies.replace(samplePolicy('other'), first.etag)).toBe('changed');
    });

    it('keeps a deleted one, and does not list it', async () => {
      const policies = await make();
      await policies.insert(samplePolicy('web', { isDeleted: true }));
      expect(await policies.list()).toEqual([]);
      expect((await policies.all()).map(({ row }) => row.id)).toEqual(['web']);
      expect((await policies.get('web'))?.row.isDeleted).toBe(true);
    });
  });
}
