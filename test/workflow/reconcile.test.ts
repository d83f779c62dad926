import { createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline';
import { describe, expect, it } from 'vitest';
import { reconcile } from '../../src/workflow/reconcile.ts';
import { createReconciler } from '../../src/workflow/reconciler.ts';
import { isShut } from '../../src/workflow/reconcilePath.ts';
import {
  countWrites,
  ids,
  realClock,
  simulateArm,
  wireFaults,
  wireWrites,
} from '../adapters/arm/simulatedArm.ts';
import { describeReconcileContract } from '../contracts/reconcile.ts';
import { driftStores } from '../support/driftStores.ts';
import { foreignRule } from '../support/foreignRule.ts';
import { contoso, liveRow } from '../support/liveRow.ts';
import { createMemoryBudget } from '../support/memoryInventory.ts';
import { createMemoryNetwork, memoryFaults, memoryWrites } from '../support/memoryNetwork.ts';
import { createMemoryLiveRows } from '../support/memoryStores.ts';
import { virtualClock } from '../support/virtualClock.ts';

const nsgId = ids.nsg('web');
const noon = new Date('2026-11-23T12:00:00.000Z');
const foreign = {
  location: 'westeurope',
  properties: {
    flushConnection: false,
    securityRules: [
      foreignRule('web', 300, {
        protocol: 'TCP',
        destinationPortRange: '443',
        sourceAddressPrefix: 'Internet',
        access: 'Allow',
        futureRuleProperty: { nested: [1, null, 'x'] },
      }),
    ],
  },
};

const installation = contoso;
const budget = createMemoryBudget();
const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000003', purpose: 'open' } as const;
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const row = {
  nsgId,
  requestId: '1'.padStart(32, '0'),
  version: 1,
  state: 'opening' as const,
  start: noon.toISOString(),
  end: new Date(noon.getTime() + 3_600_000).toISOString(),
  boxes: [
    {
      protocol: 'Tcp' as const,
      sourceAddressPrefixes: ['203.0.113.7/32'],
      destinationAddressPrefixes: ['10.1.0.4/32'],
      destinationPorts: [22],
    },
  ],
};

describeReconcileContract('the memory', () => {
  const clock = virtualClock(noon);
  const network = createMemoryNetwork({ clock, operationMilliseconds: 1000 });
  network.addNsg(nsgId, foreign);
  return Promise.resolve({
    network,
    clock,
    run: (work) => clock.run(work),
    nsgId,
    missingNsgId: ids.nsg('missing'),
    editElsewhere: () => {
      network.edit(nsgId, (body) => ({ ...body, tags: { owner: 'fabrikam' } }));
      return Promise.resolve();
    },
    faultNextWrite: (fault) => network.fail('write', memoryFaults[fault]),
    faultEveryWrite: (fault, of) => network.fail(memoryWrites[of], memoryFaults[fault], 1000),
    acceptWrites: () => network.clearFaults(),
    writes: (of = 'nsg') => network.calls.filter(({ method }) => method === memoryWrites[of]).length,
    close: () => Promise.resolve(),
  });
});

describeReconcileContract('Azure Resource Manager', async () => {
  const { arm, network } = await simulateArm();
  let elsewhere = 0;
  return {
    network,
    clock: realClock,
    run: (work) => work,
    nsgId,
    missingNsgId: ids.nsg('missing'),
    editElsewhere: async () => {
      const call = { correlationId: '5a11f0a7-0000-4000-8000-00000000e15e' };
      const read = await network.readNsg(nsgId, call);
      if (read.kind !== 'read') throw new Error('It was not read.');
      elsewhere += 1;
      await network.writeNsg(read.nsg, { ...read.nsg.body, tags: { owner: 'fabrikam' } }, call);
    },
    faultNextWrite: (fault) => {
      arm.faults.add({ match: wireWrites.nsg, times: 1, fault: wireFaults[fault] });
    },
    faultEveryWrite: (fault, of) => {
      arm.faults.add({ match: wireWrites[of], fault: wireFaults[fault] });
    },
    acceptWrites: () => arm.faults.clear(),
    writes: (of = 'nsg') => countWrites(arm, of) - (of === 'nsg' ? elsewhere : 0),
    close: () => arm.close(),
  };
});

describe('locks on the resource group', () => {
  it.each([
    ['CanNotDelete', [], [], true],
    ['CanNotDelete', ['nsg'], ['closed-by-rule-deny'], true],
    ['ReadOnly', [], [], false],
  ] as const)('a %s lock, and a policy on %o, end with %o', async (level, policies, told, shut) => {
    const { arm, network, httpClient } = await simulateArm();
    try {
      const live = createMemoryLiveRows();
      const warned: string[] = [];
      const logging = { ...log, warn: (message: string) => warned.push(message) };
      const dependencies = {
        ...driftStores(),
        network,
        live,
        clock: realClock,
        log: logging,
        installation,
        budget,
      };
      const now = Date.now();
      const grant = {
        ...row,
        start: new Date(now - 1000).toISOString(),
        end: new Date(now + 3_600_000).toISOString(),
      };
      await live.insert(grant);
      await reconcile(dependencies, nsgId, call);
      const open = await live.get(nsgId, grant.requestId);
      await live.replace({ ...grant, state: 'closing', version: 2 }, open?.etag ?? '');
      const group = nsgId.replace(/\/providers\/.*$/, '');
      const lock = `${arm.url}${group}/providers/Microsoft.Authorization/locks/keep?api-version=2020-05-01`;
      const { status } = await httpClient.sendRequest(
        createPipelineRequest({
          url: lock,
          method: 'PUT',
          headers: createHttpHeaders({ authorization: 'Bearer x', 'content-type': 'application/json' }),
          body: JSON.stringify({ properties: { level } }),
        }),
      );
      expect(status).toBe(201);
      for (const of of policies) arm.faults.add({ match: wireWrites[of], fault: { kind: 'policy' } });

      const result = await reconcile(dependencies, nsgId, call);

      expect(isShut(result, grant.requestId)).toBe(shut);
      expect(warned).toEqual(told);
    } finally {
      await arm.close();
    }
  });
});

describe('the order of reconcile', () => {
  it('reads the NSG before the rows, so that a revocation in between is never overtaken', async () => {
    const clock = virtualClock(noon);
    const order: string[] = [];
    const network = createMemoryNetwork({ clock, before: ({ method }) => void order.push(method) });
    network.addNsg(nsgId, foreign);
    const live = createMemoryLiveRows();
    await live.insert(row);
    const watched = {
      ...live,
      allOfNsg: (id: string) => {
        order.push('rows');
        return live.allOfNsg(id);
      },
    };

    await clock.run(
      reconcile({ ...driftStores(), network, live: watched, clock, log, installation, budget }, nsgId, call),
    );

    expect(order).toEqual(['read', 'rows', 'write', 'read', 'rows']);
  });

  it('sends no write later than five seconds after its rows were read, and reads again', async () => {
    const clock = virtualClock(noon);
    let slow = true;
    const writes: Date[] = [];
    const network = createMemoryNetwork({
      clock,
      before: async ({ method }) => {
        if (method !== 'write') return;
        // A token that takes its time: the write is judged when it would leave.
        if (slow) await clock.sleep(6000);
        slow = false;
        writes.push(clock.now());
      },
    });
    network.addNsg(nsgId, foreign);
    const live = createMemoryLiveRows();
    await live.insert(row);

    const result = await clock.run(
      reconcile({ ...driftStores(), network, live, clock, log, installation, budget }, nsgId, call),
    );

    expect(writes).toHaveLength(2);
    expect(network.calls.filter(({ method }) => method === 'write')).toHaveLength(1);
    expect(result.kind).toBe('converged');
  });

  it('waits for somebody else’s operation instead of cancelling it', async () => {
    const clock = virtualClock(noon);
    const network = createMemoryNetwork({ clock, operationMilliseconds: 2000 });
    network.addNsg(nsgId, foreign);
    const live = createMemoryLiveRows();
    await live.insert(row);
    const read = await network.readNsg(nsgId, call);
    if (read.kind !== 'read') throw new Error('It was not read.');

    const [theirs, ours] = await clock.run(
      Promise.all([
        network.writeNsg(read.nsg, { ...read.nsg.body, tags: { owner: 'fabrikam' } }, call),
        reconcile({ ...driftStores(), network, live, clock, log, installation, budget }, nsgId, call),
      ]),
    );

    expect(theirs).toEqual({ kind: 'settled' });
    expect(ours.kind).toBe('converged');
  });

  it('does not call settled what an operation is still changing', async () => {
    const clock = virtualClock(noon);
    const network = createMemoryNetwork({ clock, operationMilliseconds: 60_000 });
    network.addNsg(nsgId, foreign);
    const live = createMemoryLiveRows();
    const read = await network.readNsg(nsgId, call);
    if (read.kind !== 'read') throw new Error('It was not read.');
    void network.writeNsg(read.nsg, read.nsg.body, call);

    const result = await clock.run(
      reconcile({ ...driftStores(), network, live, clock, log, installation, budget }, nsgId, call),
    );

    expect(result).toMatchObject({ kind: 'again', reason: { code: 'not-settled' } });
  });

  it('does not answer a caller from rows that were read before the call', async () => {
    const clock = virtualClock(noon);
    const network = createMemoryNetwork({ clock });
    network.addNsg(nsgId, foreign);
    const live = createMemoryLiveRows();
    const slow = {
      ...live,
      allOfNsg: async (id: string) => {
        const rows = await live.allOfNsg(id);
        await clock.sleep(1000);
        return rows;
      },
    };
    const reconcileNsg = createReconciler({
      ...driftStores(),
      network,
      live: slow,
      clock,
      log,
      installation,
      budget,
    });
    const earlier = reconcileNsg(nsgId, call);
    await clock.advanceTo(new Date(noon.getTime() + 500));
    await live.insert(row);

    const [, later] = await clock.run(Promise.all([earlier, reconcileNsg(nsgId.toUpperCase(), call)]));

    expect(later.kind === 'converged' && later.admitted.has(row.requestId)).toBe(true);
  });

  it('runs once at a time for one NSG, however its id is spelled, and goes on after a round that failed', async () => {
    const clock = virtualClock(noon);
    const network = createMemoryNetwork({ clock, operationMilliseconds: 1000 });
    network.addNsg(nsgId, foreign);
    const live = createMemoryLiveRows();
    await live.insert(row);
    let failures = 1;
    const flaky: typeof network = {
      ...network,
      readNsg: async (id, options) => {
        const read = await network.readNsg(id, options);
        failures -= 1;
        if (failures >= 0) throw new Error('It broke off.');
        return read;
      },
    };
    const reconcileNsg = createReconciler({
      ...driftStores(),
      network: flaky,
      live,
      clock,
      log,
      installation,
      budget,
    });

    const [first, second, third] = await clock.run(
      Promise.allSettled([
        reconcileNsg(nsgId, call),
        reconcileNsg(nsgId.toUpperCase(), call),
        reconcileNsg(nsgId, call),
      ]),
    );

    expect(first.status).toBe('rejected');
    expect([second, third]).toMatchObject([
      { value: { kind: 'converged' } },
      { value: { kind: 'converged' } },
    ]);
    expect(network.calls.map(({ method }) => method)).toEqual(['read', 'read', 'write', 'read']);
  });

  it('removes itself what it opened and what ended before it could read it back', async () => {
    const clock = virtualClock(noon);
    const network = createMemoryNetwork({ clock, operationMilliseconds: 5000 });
    network.addNsg(nsgId, foreign);
    const live = createMemoryLiveRows();
    await live.insert({ ...row, end: new Date(noon.getTime() + 3000).toISOString() });

    const result = await clock.run(
      reconcile({ ...driftStores(), network, live, clock, log, installation, budget }, nsgId, call),
    );

    expect(network.calls.filter(({ method }) => method === 'write')).toHaveLength(2);
    expect(result.kind === 'converged' && result.present.size).toBe(0);
    expect(result.kind === 'converged' && result.admitted.size).toBe(0);
  });

  it('begins no further round after twenty seconds', async () => {
    const clock = virtualClock(noon);
    const network = createMemoryNetwork({ clock });
    network.addNsg(nsgId, foreign);
    network.fail('read', { kind: 'unknown' }, 1000);
    const live = createMemoryLiveRows();

    const result = await clock.run(
      reconcile({ ...driftStores(), network, live, clock, log, installation, budget }, nsgId, call),
    );

    expect(result.kind).toBe('again');
    expect(clock.now().getTime() - noon.getTime()).toBeLessThanOrEqual(22_000);
  });

  it('writes nothing when the rows cannot be read', async () => {
    const clock = virtualClock(noon);
    const network = createMemoryNetwork({ clock });
    network.addNsg(nsgId, foreign);
    const live = {
      ...createMemoryLiveRows(),
      allOfNsg: () => Promise.reject(new Error('The table is down.')),
    };

    const result = await clock.run(
      reconcile({ ...driftStores(), network, live, clock, log, installation, budget }, nsgId, call),
    );

    expect(result).toMatchObject({ kind: 'without-rows', tables: 'unreadable' });
    expect(network.calls.map(({ method }) => method)).toEqual(['read', 'read']);
  });
});

describe('a foreign deny that comes before a grant', () => {
  it('is told of by its name with the next write, and not fought', async () => {
    const clock = virtualClock(noon);
    const network = createMemoryNetwork({ clock });
    const rule = (access: string) => foreignRule('their-first-rule', 100, { access });
    const first = (access: string) => ({
      ...foreign,
      properties: { ...foreign.properties, securityRules: [rule(access)] },
    });
    network.addNsg(nsgId, first('Allow'));
    const live = createMemoryLiveRows();
    const grant = (number: number, changes = {}) => liveRow(nsgId, noon, number, changes);
    await live.insert(grant(1));
    await live.insert(grant(2));
    const told: unknown[] = [];
    const dependencies = {
      ...{ ...driftStores(), network, live, clock },
      log: { info: () => undefined, error: () => undefined, warn: (...text: unknown[]) => told.push(text) },
      installation,
      budget,
    };
    const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000005', purpose: 'close' } as const;
    await clock.run(reconcile(dependencies, nsgId, call));
    const bypassed = [1, 2].map((number) => [
      'grant-bypassed',
      expect.objectContaining({ requestId: grant(number).requestId, by: 'their-first-rule' }) as unknown,
    ]);
    expect(told.splice(0)).toEqual(bypassed);

    network.edit(nsgId, (body) => {
      const properties = body['properties'] as { securityRules: { name: string }[] };
      const securityRules = properties.securityRules.map((one) =>
        one.name === 'their-first-rule' ? rule('Deny') : one,
      );
      return { ...body, properties: { ...properties, securityRules } };
    });
    const second = await live.get(nsgId, grant(2).requestId);
    await live.replace(grant(2, { state: 'closing', version: 2 }), second?.etag ?? '');
    await clock.run(reconcile(dependencies, nsgId, call));

    expect(told).toMatchObject([
      ['grant-blocked', { requestId: grant(1).requestId, by: 'their-first-rule' }],
    ]);
  });
});
