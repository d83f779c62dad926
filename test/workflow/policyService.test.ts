import { describe, expect, it } from 'vitest';
import { actions } from '../../src/core/authorization.ts';
import type { Caller } from '../../src/core/caller.ts';
import type { Policy, PolicyEntry } from '../../src/core/policy.ts';
import { policyPartition } from '../../src/core/policyRecord.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import type { PolicyChangeCall, PolicyContent } from '../../src/workflow/contracts.ts';
import { createPolicyService } from '../../src/workflow/policyService.ts';
import { recordPolicies } from '../../src/workflow/recordPolicy.ts';
import { createMemoryAuthorization } from '../support/memoryAuthorization.ts';
import { createMemoryAuditTrail, createMemoryPolicies } from '../support/memoryStores.ts';

const group = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/Contoso-RG';
const machine = (name: string) => `${group}/providers/Microsoft.Compute/virtualMachines/${name}`;
const jitId = `${group}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default`;
const carol: Caller = {
  person: { objectId: 'c'.repeat(8), tenantId: 'contoso', displayName: 'Carol' },
  roles: [],
};
const administrator: Caller = { ...carol, roles: ['Sallyport.Administrator'] };
const call: PolicyChangeCall = { caller: carol, correlationId: 'c0ffee00-0000-4000-8000-000000000009' };

function entryOf(hours: number): PolicyEntry {
  return {
    selector: { virtualMachineIds: [machine('web-1')] },
    ports: [
      {
        number: 22,
        protocol: 'Tcp',
        allowedSourceAddressPrefixes: ['203.0.113.0/24'],
        maxRequestAccessDuration: `PT${hours}H`,
      },
    ],
  };
}

const entry = entryOf(3);

function content(changes: Partial<PolicyContent> = {}, hours = 3): PolicyContent {
  return { entries: [entryOf(hours)], ...changes };
}

function world() {
  const now = new Date('2026-11-23T08:00:00Z');
  const policies = createMemoryPolicies();
  const audit = createMemoryAuditTrail(() => now);
  const authorization = createMemoryAuthorization();
  const logged: string[] = [];
  const started: string[] = [];
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (message: string) => logged.push(message),
  };
  const clock = { now: () => now, sleep: () => Promise.resolve() };
  const dependencies = { policies, audit, authorization, clock, log };
  const runs = {
    start: ({ id, version }: { id: string; version: number }) => {
      started.push(`${id} ${version}`);
      return Promise.resolve();
    },
  };
  const foresee = () => Promise.resolve([{ message: 'Nobody loses anything.' }]);
  const service = createPolicyService(dependencies, runs, foresee);
  const records = async (id: string) => {
    const found = await audit.read(policyPartition(id));
    expect(verifyTrail(policyPartition(id), found)).toEqual([]);
    return found;
  };
  return { service, dependencies, runs, policies, audit, authorization, logged, started, records };
}

async function put(of: ReturnType<typeof world>, id = 'web', changes = content()): Promise<Policy> {
  const result = await of.service.put(id, changes, call);
  if (result.kind !== 'changed') throw new Error(`It was not put: ${JSON.stringify(result)}`);
  return result.policy;
}

describe('putting a policy', () => {
  it('stores, audits and applies a new one, which begins as updating', async () => {
    const of = world();
    const result = await of.service.put('web', content(), call);

    expect(result).toMatchObject({
      kind: 'changed',
      isNew: true,
      policy: {
        version: 1,
        provisioning: { state: 'updating' },
        baseline: { kind: 'internet' },
        journal: [],
        recorded: 1,
      },
    });
    expect(of.started).toEqual(['web 1']);
    expect(await of.records('web')).toMatchObject([
      {
        event: 'policy.put',
        actor: carol.person.objectId,
        correlationId: call.correlationId,
        details: {
          policy: 'web',
          changes: [
            'New: Its ports are kept shut for the internet.',
            `New: Port 22 (Tcp) of ${machine('web-1')} may be asked for from 203.0.113.0/24 for at most PT3H.`,
          ],
        },
      },
    ]);
  });

  it('tells what became different, under the next version', async () => {
    const of = world();
    await put(of);
    const result = await of.service.put('WEB', content({}, 1), call);

    expect(result).toMatchObject({ kind: 'changed', isNew: false, policy: { id: 'web', version: 2 } });
    expect((await of.records('web'))[1]?.details?.['changes']).toEqual([
      expect.stringMatching(/^No longer: Port 22 .* PT3H\.$/),
      expect.stringMatching(/^New: Port 22 .* PT1H\.$/),
    ]);
  });

  it('changes nothing where it was so already', async () => {
    const of = world();
    await put(of);
    expect(await of.service.put('web', content(), call)).toMatchObject({
      kind: 'changed',
      changes: [],
      policy: { version: 1 },
    });
    expect(await of.records('web')).toHaveLength(1);
    expect(of.started).toHaveLength(1);
  });

  it('keeps conditions and baseline that the content leaves out', async () => {
    const of = world();
    await put(
      of,
      'web',
      content({ conditions: { justificationPattern: 'INC.*' }, baseline: { kind: 'none' } }),
    );
    expect(await put(of, 'web', content({}, 1))).toMatchObject({
      conditions: { justificationPattern: 'INC.*' },
      baseline: { kind: 'none' },
    });
  });

  it('goes by the version that is demanded', async () => {
    const of = world();
    const demand = (ifVersion: PolicyChangeCall['ifVersion'], hours: number) =>
      of.service.put('web', content({}, hours), {
        ...call,
        ...(ifVersion === undefined ? {} : { ifVersion }),
      });

    expect(await demand('any', 1)).toEqual({ kind: 'version-mismatch' });
    expect(await demand(1, 1)).toEqual({ kind: 'version-mismatch' });
    expect(await demand('none', 1)).toMatchObject({ kind: 'changed' });
    expect(await demand('none', 2)).toEqual({ kind: 'version-mismatch', version: 1 });
    expect(await demand(2, 2)).toEqual({ kind: 'version-mismatch', version: 1 });
    expect(await demand(1, 2)).toMatchObject({ kind: 'changed', policy: { version: 2 } });
    expect(await demand('any', 3)).toMatchObject({ kind: 'changed', policy: { version: 3 } });
  });

  it('tells by a dry run what would be, and stores nothing', async () => {
    const of = world();
    const result = await of.service.put('web', content(), { ...call, isDryRun: true });

    expect(result).toMatchObject({
      kind: 'changed',
      isNew: true,
      effects: [{ message: 'Nobody loses anything.' }],
    });
    expect(await of.policies.all()).toEqual([]);
    expect(await of.records('web')).toEqual([]);
    expect(of.started).toEqual([]);
  });

  it('counts every one of two at once, and audits each once', async () => {
    const of = world();
    await put(of);
    await Promise.all([1, 2, 4, 5].map((hours) => of.service.put('web', content({}, hours), call)));

    expect((await of.policies.get('web'))?.row).toMatchObject({ version: 5, journal: [], recorded: 5 });
    expect(await of.records('web')).toHaveLength(5);
  });
});

describe('the right to a policy', () => {
  it('takes writing the policy and every machine that it names, and says which is missing', async () => {
    const of = world();
    of.authorization.deny({ scope: machine('web-1'), action: actions.writeVirtualMachine });

    expect(await of.service.put('web', content(), call)).toMatchObject({
      kind: 'not-authorized',
      reasons: [{ code: 'not-authorized', field: 'entries[0].selector.virtualMachineIds[0]' }],
    });
    expect(await of.policies.all()).toEqual([]);
  });

  it('is asked for at every scope of a selector', async () => {
    const of = world();
    const scopes = [group, `${group}-2`];
    of.authorization.deny({ scope: `${group}-2`, action: actions.writePolicy });
    const wide = content({ entries: [{ ...entry, selector: { scopes } }] });

    expect(await of.service.put('web', wide, call)).toMatchObject({
      kind: 'not-authorized',
      reasons: [{ field: 'entries[0].selector.scopes[1]' }],
    });
  });

  it('of a just-in-time policy is asked for at its resource group', async () => {
    const of = world();
    of.authorization.deny({ scope: group, action: actions.writePolicy });

    expect(await of.service.put(jitId, content(), call)).toMatchObject({ kind: 'not-authorized' });
    expect(of.authorization.asked).toContainEqual(
      expect.objectContaining({ scope: group, needed: [actions.writePolicy] }),
    );
  });

  it('to what the policy said before is needed too: nobody takes away what is not theirs', async () => {
    const of = world();
    const other = { ...entry, selector: { virtualMachineIds: [machine('db-1')] } };
    await put(of, 'web', content({ entries: [other] }));
    of.authorization.deny({ scope: machine('db-1'), action: actions.writeVirtualMachine });

    expect(await of.service.put('web', content(), call)).toMatchObject({ kind: 'not-authorized' });
    expect((await of.policies.get('web'))?.row.version).toBe(1);
  });

  it('to delete it is one of its own', async () => {
    const of = world();
    await put(of);
    of.authorization.deny({ action: actions.deletePolicy });

    expect(await of.service.remove('web', call)).toMatchObject({ kind: 'not-authorized' });
  });

  it('to read it narrows the list; administrators see every one', async () => {
    const of = world();
    await put(of, 'web');
    await put(of, 'db', content({ entries: [{ ...entry, selector: { scopes: [`${group}-2`] } }] }));
    of.authorization.deny({ scope: machine('web-1'), action: actions.readPolicy });
    const idsFor = async (caller: Caller) => {
      const listed = await of.service.list({ ...call, caller });
      return listed.kind === 'listed' ? listed.policies.map(({ id }) => id) : listed.kind;
    };

    expect(await idsFor(carol)).toEqual(['db']);
    expect(await idsFor(administrator)).toEqual(['db', 'web']);
    expect(await of.service.find('web', call)).toMatchObject({ kind: 'not-authorized' });
    expect(await of.service.find('web', { ...call, caller: administrator })).toMatchObject({ kind: 'found' });
  });

  it('is nobody’s while Azure does not say', async () => {
    const of = world();
    await put(of);
    of.authorization.fail();

    for (const answer of [
      of.service.put('web', content({}, 1), call),
      of.service.remove('web', call),
      of.service.find('web', call),
      of.service.list(call),
    ]) {
      expect(await answer).toMatchObject({ kind: 'unavailable' });
    }
    expect((await of.policies.get('web'))?.row.version).toBe(1);
  });
});

describe('a list within a scope', () => {
  it('has the just-in-time policies that lie there, in any case', async () => {
    const of = world();
    await put(of, jitId);
    await put(of, 'web');
    const within = async (scope: string) => {
      const listed = await of.service.list(call, scope);
      return listed.kind === 'listed' ? listed.policies.map(({ id }) => id) : listed.kind;
    };

    expect(await within(group.toUpperCase())).toEqual([jitId]);
    expect(await within(`${group}-2`)).toEqual([]);
  });
});

describe('deleting a policy', () => {
  it('keeps its row and goes on counting when it is put again, with nothing of what it knew of machines', async () => {
    const of = world();
    await put(of, 'web', content({ conditions: { flushConnection: true } }));
    const stored = await of.policies.get('web');
    if (stored === undefined) throw new Error('There is no policy.');
    const at = '2026-11-23T07:00:00.000Z';
    const released = [machine('web-1')];
    await of.policies.replace(
      { ...stored.row, released, left: [{ virtualMachineId: machine('web-1'), at }] },
      stored.etag,
    );

    expect(await of.service.remove('web', call)).toMatchObject({
      kind: 'changed',
      policy: { version: 2, isDeleted: true },
    });
    expect(await of.service.find('web', call)).toEqual({ kind: 'not-found' });
    expect(await of.service.remove('web', call)).toEqual({ kind: 'not-found' });
    const again = await put(of);
    expect(again).toMatchObject({ version: 3, conditions: {} });
    expect(again).not.toHaveProperty('released');
    expect(again).not.toHaveProperty('left');
    expect((await of.records('web')).map(({ event }) => event)).toEqual([
      'policy.put',
      'policy.deleted',
      'policy.put',
    ]);
    expect(of.started).toEqual(['web 1', 'web 2', 'web 3']);
  });
});

describe('releasing a machine that has left', () => {
  async function left(of: ReturnType<typeof world>) {
    await put(of);
    const stored = await of.policies.get('web');
    if (stored === undefined) throw new Error('There is no policy.');
    const gone = [{ virtualMachineId: machine('web-9'), at: '2026-11-23T07:00:00.000Z' }];
    await of.policies.replace({ ...stored.row, left: gone }, stored.etag);
  }

  it('is for administrators of Sallyport, and once', async () => {
    const of = world();
    await left(of);
    const ids = [machine('WEB-9')];

    expect(await of.service.release('web', ids, call)).toMatchObject({ kind: 'not-authorized' });
    const asAdministrator = { ...call, caller: administrator };
    expect(await of.service.release('web', ids, asAdministrator)).toMatchObject({
      kind: 'changed',
      policy: { version: 2, released: ids, provisioning: { state: 'updating' } },
    });
    expect(await of.service.release('web', ids, asAdministrator)).toMatchObject({ changes: [] });
    expect((await of.records('web')).map(({ event }) => event)).toEqual(['policy.put', 'policy.released']);
  });

  it('is refused for a machine that has not left', async () => {
    const of = world();
    await left(of);
    const ids = [machine('web-1'), machine('web-9')];

    expect(await of.service.release('web', ids, { ...call, caller: administrator })).toEqual({
      kind: 'not-releasable',
      virtualMachineIds: [machine('web-1')],
    });
  });
});

describe('a change that is stored', () => {
  it('is recorded and applied later where the audit or Durable fails', async () => {
    const of = world();
    const insert = of.audit.insert.bind(of.audit);
    of.audit.insert = () => Promise.reject(new Error('The table is down.'));
    of.runs.start = () => Promise.reject(new Error('Durable is down.'));

    expect(await put(of)).toMatchObject({ version: 1, recorded: 0, journal: [{ number: 1 }] });
    expect(of.logged).toEqual(['policy-not-recorded', 'policy-left-to-sweep']);

    of.audit.insert = insert;
    await recordPolicies(of.dependencies, await of.policies.all());
    expect(await of.records('web')).toHaveLength(1);
    expect((await of.policies.get('web'))?.row).toMatchObject({ journal: [], recorded: 1 });
  });

  it('gets one record although whoever wrote it died before the journal was emptied', async () => {
    const of = world();
    const replace = of.policies.replace.bind(of.policies);
    of.policies.replace = () => Promise.reject(new Error('Dead.'));
    await put(of);
    of.policies.replace = replace;
    expect((await of.policies.get('web'))?.row.journal).toHaveLength(1);

    await recordPolicies(of.dependencies, await of.policies.all());
    await put(of, 'web', content({}, 1));
    expect((await of.records('web')).map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('is numbered after the records of a row that was lost', async () => {
    const of = world();
    await put(of);
    const anew = world();
    const service = createPolicyService({ ...anew.dependencies, audit: of.audit }, anew.runs);

    expect(await service.put('web', content({}, 1), call)).toMatchObject({
      policy: { version: 1, recorded: 2 },
    });
    expect(await of.records('web')).toHaveLength(2);
  });

  it('of another policy is recorded although the audit of one has a gap', async () => {
    const of = world();
    const insert = of.audit.insert.bind(of.audit);
    of.audit.insert = () => Promise.reject(new Error('The table is down.'));
    await put(of, 'a');
    await put(of, 'b');
    of.audit.insert = insert;
    const read = of.audit.read.bind(of.audit);
    of.audit.read = (partition) =>
      partition === policyPartition('a') ? Promise.reject(new Error('A gap.')) : read(partition);
    of.logged.length = 0;

    await recordPolicies(of.dependencies, await of.policies.all());
    expect(of.logged).toEqual(['policy-not-recorded']);
    expect(await of.records('b')).toHaveLength(1);
  });
});
