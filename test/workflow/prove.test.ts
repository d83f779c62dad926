import { describe, expect, it } from 'vitest';
import type { LiveRow } from '../../src/core/accessRequest.ts';
import type { Json, JsonObject } from '../../src/core/network.ts';
import { readRules } from '../../src/core/nsgBody.ts';
import { plan } from '../../src/core/plan.ts';
import { prove, proveRuleDelete, proveRuleDeny } from '../../src/workflow/prove.ts';
import { reconcile } from '../../src/workflow/reconcile.ts';
import { foreignRule } from '../support/foreignRule.ts';
import { driftStores } from '../support/driftStores.ts';
import { contoso, liveRow } from '../support/liveRow.ts';
import { createMemoryBudget } from '../support/memoryInventory.ts';
import { createMemoryNetwork } from '../support/memoryNetwork.ts';
import { createMemoryLiveRows } from '../support/memoryStores.ts';
import { virtualClock } from '../support/virtualClock.ts';

const noon = new Date('2026-11-23T12:00:00.000Z');
const nsgId =
  '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/contoso/providers/Microsoft.Network/networkSecurityGroups/web';
const installation = contoso;
const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000004', purpose: 'open' } as const;
const body: JsonObject = {
  id: nsgId,
  properties: {
    provisioningState: 'Succeeded',
    securityRules: [
      foreignRule('deny-ssh', 1000, { destinationPortRange: '22', sourceAddressPrefix: 'Internet' }),
    ],
  },
};

const at = (seconds: number) => new Date(noon.getTime() + seconds * 1000).toISOString();
const row = (number: number, changes: Partial<LiveRow> = {}) => liveRow(nsgId, noon, number, changes);

/** A planner that makes the rule of every new grant as wide as the address space. */
const reckless: typeof plan = (input) => {
  const planned = plan(input);
  const before = JSON.stringify(input.body['properties']);
  const widen = (rule: Json): Json => {
    const { name, properties } = rule as { name: string; properties: JsonObject };
    if (!name.startsWith('sallyport-') || before.includes(name)) return rule;
    return { name, properties: { ...properties, sourceAddressPrefix: '0.0.0.0/0' } };
  };
  return planned.securityRules === undefined
    ? planned
    : { ...planned, securityRules: planned.securityRules.map(widen) };
};

function unproven(before: JsonObject, rows: LiveRow[], planner: typeof plan) {
  const planned = planner({ body: before, rows, now: noon, installation });
  return prove({
    ...{ before, rows, now: noon, plan: planned, installation },
    securityRules: planned.securityRules ?? [],
  });
}

describe('a write', () => {
  it('that opens what was granted is proven, and says who can newly reach what', () => {
    const proof = unproven(body, [row(7)], plan);

    expect(proof.kind).toBe('proven');
    expect(proof.kind === 'proven' && proof.changes.join('\n')).toMatch(
      /203\.0\.113\.7.*can now reach.*10\.1\.0\.4/,
    );
  });

  it('that fills an NSG to its last rule is proven, however many grants open and end with it', () => {
    const wide = {
      ...contoso,
      allowBand: { first: 100, last: 1999 },
      baselineBand: { first: 2000, last: 2099 },
    };
    const rules = Array.from({ length: 100 }, (_, index) =>
      foreignRule(`foreign-${index}`, 3000 + index, {
        destinationPortRange: String(8000 + index),
        access: 'Allow',
      }),
    );
    const empty: JsonObject = {
      id: nsgId,
      properties: { provisioningState: 'Succeeded', securityRules: rules },
    };
    const rows = Array.from({ length: 900 }, (_, number) => {
      const [box = expect.fail()] = row(1).boxes;
      const source = { sourceAddressPrefixes: [`198.18.${number >> 8}.${number & 255}/32`] };
      return row(number, { boxes: [{ ...box, ...source }], end: at(number % 2 === 0 ? 60 : 3600) });
    });
    const write = (before: JsonObject, now: Date) => {
      const planned = plan({ body: before, rows, now, installation: wide });
      const securityRules = planned.securityRules ?? [];
      return prove({ before, rows, now, plan: planned, installation: wide, securityRules });
    };

    const open = write(empty, noon);
    expect(open.kind).toBe('proven');
    const half = write(open.kind === 'proven' ? open.body : empty, new Date(at(90)));
    expect(half.kind).toBe('proven');
  });

  it('that would open more than was granted is refused, with a packet that shows it', () => {
    const proof = unproven(body, [row(7)], reckless);

    expect(proof).toMatchObject({ kind: 'refused', reason: { code: 'write-not-proven' } });
    expect(proof.kind === 'refused' && proof.violations[0]).toMatch(/^owned-rule-too-wide: .*10\.1\.0\.4/);
  });

  it('that would drop a foreign rule is refused', () => {
    const careless: typeof plan = (input) => ({
      ...plan(input),
      securityRules: (plan(input).securityRules ?? []).filter(
        (rule) => (rule as { name: string }).name !== 'deny-ssh',
      ),
    });

    expect(unproven(body, [row(7)], careless).kind).toBe('refused');
  });

  it('that is not proven still takes away what has ended, and nothing else', () => {
    const open = unproven(body, [row(1), row(2)], plan);
    if (open.kind !== 'proven') throw new Error(`It is ${open.kind}.`);

    const proof = unproven(open.body, [row(1), row(2, { state: 'closing' }), row(3)], reckless);

    expect(proof).toMatchObject({
      kind: 'removal-only',
      changes: [`sallyport-contoso-${row(2).requestId}-1`],
    });
    const rules = proof.kind === 'removal-only' ? namesIn(proof.body) : [];
    expect(rules).toEqual(['deny-ssh', `sallyport-contoso-${row(1).requestId}-1`]);
  });

  it('that is not proven takes away what has ended beside an owned deny that is left over', () => {
    const open = unproven(body, [row(1), row(2)], plan);
    if (open.kind !== 'proven') throw new Error(`It is ${open.kind}.`);
    const turned = JSON.parse(
      JSON.stringify(open.body, (_, value: JsonObject) =>
        value['name'] === `sallyport-contoso-${row(1).requestId}-1`
          ? { ...value, properties: { ...(value['properties'] as JsonObject), access: 'Deny' } }
          : value,
      ),
    ) as JsonObject;

    const proof = unproven(turned, [row(2, { state: 'closing' }), row(3)], reckless);

    expect(proof).toMatchObject({
      kind: 'removal-only',
      changes: [`sallyport-contoso-${row(2).requestId}-1`],
    });
  });
});

describe('a write of one rule', () => {
  const nobody = {
    protocol: 'Tcp' as const,
    sourceAddressPrefixes: ['192.0.2.0/32'],
    destinationAddressPrefixes: ['192.0.2.0/32'],
    destinationPorts: [9],
  };
  const deny = {
    protocol: 'Tcp',
    sourcePortRange: '*',
    destinationPortRange: '9',
    sourceAddressPrefix: '192.0.2.0/32',
    destinationAddressPrefix: '192.0.2.0/32',
    access: 'Deny',
    priority: 101,
    direction: 'Inbound',
  };
  const name = `sallyport-contoso-${row(2).requestId}-1`;

  /** The rules of 1, live, and of 2 and 3, ended, beside an allow of everything for everybody. */
  function closing(rows = [row(1), row(2, { state: 'closing' }), row(3, { state: 'closing' })]) {
    const web = { name: 'web', properties: { ...deny, access: 'Allow', priority: 400 } };
    const everything = {
      ...{
        sourceAddressPrefix: '*',
        destinationAddressPrefix: '*',
        destinationPortRange: '*',
        protocol: '*',
      },
    };
    const foreign = { ...web, properties: { ...web.properties, ...everything } };
    const open = unproven(withForeign(body, foreign), [row(1), row(2), row(3)], plan);
    if (open.kind !== 'proven') throw new Error(`It is ${open.kind}.`);
    const rule = readRules(open.body, 'contoso').owned.find(({ head }) => head.name === name);
    if (rule === undefined) throw new Error('There is no such rule.');
    return { before: open.body, rows, now: noon, installation, rule };
  }

  it('is proven that deletes a rule of what has ended, beside others that have ended too', () => {
    expect(proveRuleDelete(closing())).toEqual([]);
  });

  it('is refused that deletes or turns a rule of a live grant', () => {
    const live = closing([row(1), row(2), row(3)]);

    expect(proveRuleDelete(live)[0]).toMatch(/^live-grant-lost/);
    expect(proveRuleDeny(live, { name, properties: deny }, nobody)[0]).toMatch(/^live-grant-lost/);
  });

  it('is refused that deletes a rule of somebody else', () => {
    const close = closing();
    const [foreign] = readRules(close.before, 'contoso').foreign;
    if (foreign === undefined) throw new Error('There is no foreign rule.');

    expect(proveRuleDelete({ ...close, rule: foreign })[0]).toMatch(/^foreign-rule-changed/);
  });

  it('is proven that turns it into a deny of what nobody sends', () => {
    expect(proveRuleDeny(closing(), { name, properties: deny }, nobody)).toEqual([]);
  });

  it.each([
    ['denies more than that', { destinationAddressPrefix: '*' }, /^refused-beside-baselines/],
    ['allows', { access: 'Allow' }, /^owned-rule-too-wide/],
    ['takes the priority of a foreign rule', { priority: 400 }, /^priority-taken/],
  ])('is refused that turns it into a rule that %s', (_what, changes, violation) => {
    const turned = { name, properties: { ...deny, ...changes } };

    expect(proveRuleDeny(closing(), turned, nobody)[0]).toMatch(violation);
  });
});

describe('reconcile with a planner that errs', () => {
  function world() {
    const clock = virtualClock(noon);
    const network = createMemoryNetwork({ clock });
    network.addNsg(nsgId, body);
    const errors: string[] = [];
    const log = { info: () => undefined, warn: () => undefined, error: (text: string) => errors.push(text) };
    return {
      ...driftStores(),
      clock,
      network,
      live: createMemoryLiveRows(),
      budget: createMemoryBudget(),
      log,
      installation,
      errors,
    };
  }

  it('opens nothing, sends no write and says so loudly', async () => {
    const here = world();
    await here.live.insert(row(7));

    const result = await here.clock.run(reconcile(here, nsgId, call, reckless));

    expect(result).toMatchObject({ kind: 'refused', reason: { code: 'write-not-proven' } });
    expect(here.network.calls.map(({ method }) => method)).toEqual(['read']);
    expect(here.errors).toEqual(['write-not-proven']);
  });

  it('closes what has ended all the same, and shows that it is gone', async () => {
    const here = world();
    await here.live.insert(row(1));
    await here.clock.run(reconcile(here, nsgId, call));
    const ended = await here.live.get(nsgId, row(1).requestId);
    await here.live.replace({ ...row(1), state: 'closing', version: 2 }, ended?.etag ?? '');
    await here.live.insert(row(7));

    const result = await here.clock.run(reconcile(here, nsgId, call, reckless));

    expect(result).toMatchObject({ kind: 'refused', seen: { present: new Set() } });
    expect(namesIn(here.network.nsg(nsgId) ?? {})).toEqual(['deny-ssh']);
  });
});

function withForeign(nsg: JsonObject, rule: Json): JsonObject {
  const properties = nsg['properties'] as { securityRules: Json[] };
  return { ...nsg, properties: { ...properties, securityRules: [...properties.securityRules, rule] } };
}

function namesIn(nsg: JsonObject): string[] {
  const { securityRules } = nsg['properties'] as { securityRules: { name: string }[] };
  return securityRules.map(({ name }) => name);
}
