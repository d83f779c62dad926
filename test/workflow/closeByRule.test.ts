import { describe, expect, it } from 'vitest';
import type { LiveRow, RequestState } from '../../src/core/accessRequest.ts';
import type { JsonObject } from '../../src/core/network.ts';
import { ownedRules, rawRule } from '../../src/core/ownedRule.ts';
import { closeByRule } from '../../src/workflow/closeByRule.ts';
import { foreignRule } from '../support/foreignRule.ts';
import { contoso, liveRow } from '../support/liveRow.ts';
import { createMemoryNetwork, type MemoryCall, type MemoryNetwork } from '../support/memoryNetwork.ts';
import { createMemoryLiveRows } from '../support/memoryStores.ts';
import { virtualClock } from '../support/virtualClock.ts';

const noon = new Date('2026-11-23T12:00:00.000Z');
const nsgId =
  '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/contoso/providers/Microsoft.Network/networkSecurityGroups/web';
const installation = contoso;
const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000005', waitForOthers: 3 };
const foreign = foreignRule('web', 300, {
  protocol: 'Tcp',
  sourceAddressPrefix: 'Internet',
  access: 'Allow',
  futureRuleProperty: { nested: [1] },
});

const row = (number: number, state: RequestState = 'closing') => liveRow(nsgId, noon, number, { state });

function ruleOf(grant: LiveRow, priority: number): JsonObject {
  const [rule] = ownedRules(grant, installation.id);
  if (rule === undefined) throw new Error('A grant has a box.');
  return rawRule(rule, priority);
}

const nameOf = (grant: LiveRow) => `sallyport-contoso-${grant.requestId}-1`;

/** An NSG in which these grants have their rules, whatever their rows say, beside other rules. */
async function world(
  rows: LiveRow[],
  options: { others?: JsonObject[]; before?: (call: MemoryCall) => void | Promise<void> } = {},
) {
  const clock = virtualClock(noon);
  const network = createMemoryNetwork({
    clock,
    operationMilliseconds: 1000,
    before: (made) => options.before?.(made),
  });
  const securityRules = [
    foreign,
    ...(options.others ?? []),
    ...rows.map((grant, index) => ruleOf(grant, 100 + index)),
  ];
  network.addNsg(nsgId, { location: 'westeurope', properties: { securityRules } });
  const live = createMemoryLiveRows();
  for (const grant of rows) await live.insert(grant);
  const told: string[] = [];
  const note = (message: string) => told.push(message);
  const log = { info: () => undefined, warn: note, error: note };
  const dependencies = { network, live, clock, log, installation };
  return { ...dependencies, told, close: () => clock.run(closeByRule(dependencies, nsgId, call)) };
}

function namesIn(network: MemoryNetwork): string[] {
  const { securityRules } = network.nsg(nsgId)?.['properties'] as { securityRules: { name: string }[] };
  return securityRules.map(({ name }) => name);
}

const methodsOf = (network: MemoryNetwork) => network.calls.map(({ method }) => method);

describe('closing rule by rule', () => {
  it('touches no rule of a live grant, of somebody else, or of a name that we would not write', async () => {
    const live = [row(1, 'active'), row(2, 'opening')];
    const theirs = ['sallyport-fabrikam-00000000000000000000000000000009-1', 'sallyport-contoso-odd'];
    const others = theirs.map((name, index) => ({
      ...ruleOf(row(9), 200 + index),
      name,
    }));
    const here = await world([...live, row(3)], { others });

    const seen = await here.close();

    expect(namesIn(here.network)).toEqual(['web', ...theirs, ...live.map(nameOf)]);
    expect(methodsOf(here.network)).toEqual(['read', 'deleteRule', 'read']);
    expect([...(seen?.present ?? [])]).toEqual(live.map(({ requestId }) => requestId));
  });

  it('closes what no row knows, and what is past its end', async () => {
    const past = { ...row(1, 'active'), end: noon.toISOString() };
    const here = await world([past], { others: [ruleOf(row(2), 150)] });

    expect((await here.close())?.present).toEqual(new Set());
    expect(namesIn(here.network)).toEqual(['web']);
  });

  it('reads the NSG and then the rows anew for each rule', async () => {
    const order: string[] = [];
    const here = await world([row(1), row(2)], { before: ({ method }) => void order.push(method) });
    const ofNsg = here.live.ofNsg.bind(here.live);
    here.live.ofNsg = (id) => {
      order.push('rows');
      return ofNsg(id);
    };

    await here.close();

    expect(order).toEqual([
      ...['read', 'rows', 'deleteRule'],
      ...['read', 'rows', 'deleteRule'],
      ...['read', 'rows'],
    ]);
  });

  it.each([
    ['deleteRule', 'closed-by-rule-delete'],
    ['writeRule', 'closed-by-rule-deny'],
  ] as const)('sends no %s later than five seconds after its rows were read', async (slow, told) => {
    let isSlow = true;
    const here = await world([row(1)], {
      before: async ({ method }) => {
        if (method === slow && isSlow) {
          isSlow = false;
          await here.clock.sleep(5001);
        }
      },
    });
    if (slow === 'writeRule') here.network.fail('deleteRule', { kind: 'refused' });

    await here.close();

    expect(methodsOf(here.network).slice(-4)).toEqual(['read', 'read', slow, 'read']);
    expect(here.told).toEqual([told]);
  });

  it.each(['unknown-after-commit', 'superseded', 'unknown', 'locked'] as const)(
    'believes what it reads when the deletion ends %s',
    async (kind) => {
      const here = await world([row(1)]);
      here.network.fail('deleteRule', { kind });

      const seen = await here.close();

      expect(seen?.present).toEqual(new Set());
      expect(here.told).toEqual(['closed-by-rule-delete']);
      expect(methodsOf(here.network)).not.toContain('writeRule');
    },
  );

  it('does not call closed what has failed on its way to the hosts', async () => {
    const here = await world([row(1)]);
    here.network.fail('deleteRule', { kind: 'operation-failed' });

    expect(await here.close()).toBeUndefined();
    expect(here.told).toEqual([]);
  });

  it('does not call its own what somebody else has closed', async () => {
    const here = await world([row(1)], {
      before: ({ method }) => {
        if (method === 'writeRule') {
          here.network.edit(nsgId, (body) => ({
            ...body,
            properties: { ...(body['properties'] as JsonObject), securityRules: [foreign] },
          }));
        }
      },
    });
    here.network.fail('deleteRule', { kind: 'not-permitted' });
    here.network.fail('writeRule', { kind: 'not-permitted' });

    expect((await here.close())?.present).toEqual(new Set());
    expect(here.told).toEqual([]);
  });

  it('asks Azure nothing more when it is throttled', async () => {
    const here = await world([row(1), row(2)]);
    here.network.fail('deleteRule', { kind: 'throttled' });

    expect(await here.close()).toBeUndefined();
    expect(methodsOf(here.network)).toEqual(['read', 'deleteRule']);
  });

  it('waits for somebody else’s operation, but not for ever', async () => {
    const here = await world([row(1)]);
    const read = await here.network.readNsg(nsgId, call);
    if (read.kind !== 'read') throw new Error('It was not read.');
    void here.network.writeNsg(read.nsg, read.nsg.body, call);

    await here.close();

    expect(methodsOf(here.network).filter((method) => method === 'deleteRule')).toHaveLength(1);
    expect(here.clock.now().getTime() - noon.getTime()).toBeGreaterThanOrEqual(2000);
  });

  it('closes a few of many at a time, and says of the others that they are open', async () => {
    const rows = Array.from({ length: 40 }, (_, index) => row(index + 1));
    const here = await world(rows);

    const first = await here.close();
    const left = first?.present.size ?? 0;
    await here.close();

    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(40);
    expect(namesIn(here.network).length - 1).toBeLessThan(left);
  });

  it('closes the others when one can be neither deleted nor turned', async () => {
    const here = await world([row(1), row(2)]);
    here.network.fail('deleteRule', { kind: 'refused' });
    here.network.fail('writeRule', { kind: 'refused' });

    expect((await here.close())?.present).toEqual(new Set([row(1).requestId]));
    expect(namesIn(here.network)).toEqual(['web', nameOf(row(1))]);
  });

  it('turns the rule of an IPv6 grant into one that Azure takes', async () => {
    const grant = row(1);
    const [box] = grant.boxes;
    if (box === undefined) throw new Error('A grant has a box.');
    grant.boxes = [
      { ...box, sourceAddressPrefixes: ['2001:db8::7/128'], destinationAddressPrefixes: ['fd00:1::4/128'] },
    ];
    const here = await world([grant]);
    here.network.fail('deleteRule', { kind: 'not-permitted' });

    await here.close();

    expect(JSON.stringify(here.network.nsg(nsgId))).not.toMatch(/2001:db8|fd00/);
    expect(here.told).toEqual(['closed-by-rule-deny']);
  });
});
