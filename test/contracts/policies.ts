import { describe, expect, it } from 'vitest';
import { policyEvents, type Policies } from '../../src/core/policy.ts';
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

    it('keeps everything that a row may hold', async () => {
      const policies = await make();
      const full = samplePolicy('web', {
        entries: [
          { selector: { scopes: [jitId.slice(0, 51)], tags: { env: 'prod' } }, ports: [] },
          ...samplePolicy('web').entries,
        ],
        conditions: {
          approval: { approvers: 2, groups: ['44444444-4444-4444-8444-444444444444'] },
          largestSource: { IPv4: 28, IPv6: 64 },
          timeWindows: [{ days: [1, 5], from: '08:00', to: '24:00', timeZone: 'Europe/Berlin' }],
          justificationPattern: 'INC[0-9]+',
          flushConnection: true,
        },
        baseline: { kind: 'everybody', except: ['10.0.0.0/26'] },
        provisioning: { state: 'failed', reasons: [{ code: 'no-capacity', message: 'No room.' }] },
        left: [{ virtualMachineId: jitId, at: '2026-11-23T08:00:00.000Z' }],
        released: [jitId],
        journal: policyEvents.map((event, index) => ({
          number: index + 1,
          event,
          at: '2026-11-23T08:00:00.000Z',
          actor: 'sweep',
          correlationId: 'c0ffee00-0000-4000-8000-000000000000',
          changes: ['It changed.'],
        })),
      });
      await policies.insert(full);
      expect((await policies.list()).map(({ row }) => row)).toEqual([full]);
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
