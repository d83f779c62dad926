import { describe, expect, it } from 'vitest';
import type { LiveRow } from '../../src/core/accessRequest.ts';
import { contentHash } from '../../src/core/canonicalJson.ts';
import { decideDrift, type DriftInput } from '../../src/core/drift.ts';
import type { JsonObject } from '../../src/core/network.ts';
import { planBody } from '../../src/core/nsgBody.ts';
import { plan } from '../../src/core/plan.ts';
import { readMeaning } from '../../src/core/securityRule.ts';
import { foreignRule } from '../support/foreignRule.ts';
import { contoso, liveRow } from '../support/liveRow.ts';

const nsg = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/web';
const start = new Date('2026-03-04T12:00:00.000Z');
const now = after(30);
const readAt = start.toISOString();
const [rule1, rule2] = [1, 2].map((number) => `sallyport-contoso-${'7'.padStart(32, '0')}-${number}`) as [
  string,
  string,
];
const [box] = liveRow(nsg, start, 7).boxes;
if (box === undefined) throw new Error('A row has a box.');

/** A grant of ports 22 and 23 (each a rule of its own) that is active. */
const grant = liveRow(nsg, start, 7, {
  state: 'active',
  boxes: [box, { ...box, destinationPorts: [23, 24] }],
});
const empty: JsonObject = { properties: { provisioningState: 'Succeeded', securityRules: [] } };
const open = planned(empty, [grant]);
const seen = seenIn(open, grant);

function after(minutes: number): Date {
  return new Date(start.getTime() + minutes * 60_000);
}

function planned(body: JsonObject, rows: LiveRow[], at = now): JsonObject {
  return planBody(body, plan({ body, rows, now: at, installation: contoso }).securityRules ?? rulesOf(body));
}

function rulesOf(body: JsonObject): { name: string; properties: JsonObject }[] {
  const { securityRules } = body['properties'] as {
    securityRules: { name: string; properties: JsonObject }[];
  };
  return securityRules;
}

/** The row as it is noted after this body was read back. */
function seenIn(body: JsonObject, row: LiveRow): LiveRow {
  const rules = rulesOf(body).map((rule) => [
    rule.name.slice(rule.name.lastIndexOf('-') + 1),
    contentHash(readMeaning(rule)),
  ]);
  const hashes = Object.fromEntries(rules) as Record<string, string>;
  return { ...row, seen: { version: row.version, state: 'open', rules: hashes, changes: [], readAt } };
}

function edit(name: string, properties: JsonObject | undefined, body = open): JsonObject {
  const rules = rulesOf(body).flatMap((rule) =>
    rule.name !== name
      ? [rule]
      : properties === undefined
        ? []
        : [{ ...rule, properties: { ...rule.properties, ...properties } }],
  );
  return planBody(body, rules);
}

function decide(body: JsonObject, changes: Partial<DriftInput> = {}) {
  const rows = changes.rows ?? [seen];
  return decideDrift({ body, rows, earlier: rows, now, installation: 'contoso', ...changes });
}

function found(body: JsonObject, changes: Partial<DriftInput> = {}) {
  return decide(body, changes).found.map(({ event, rule, sure, accepted }) => ({
    ...{ event, rule, sure },
    ...(accepted === undefined ? {} : { accepted }),
  }));
}

describe('nothing that others did', () => {
  it.each<[string, JsonObject]>([
    ['an NSG as it was planned', open],
    ['another spelling', edit(rule1, { sourceAddressPrefix: '', sourceAddressPrefixes: ['203.0.113.7'] })],
    ['another description', edit(rule1, { description: 'mine now' })],
    ['another priority', edit(rule1, { priority: 180 })],
    ['rules of others', planBody(open, [...rulesOf(open), foreignRule('deny-all', 1000)])],
    [
      'rules of another installation with a similar name',
      planBody(open, [
        ...rulesOf(open),
        foreignRule(rule1.replace('contoso', 'contoso2'), 200),
        foreignRule(rule1.replace('contoso', 'contos'), 201),
        foreignRule('sallyport-contoso', 202),
      ]),
    ],
  ])('is %s', (_, body) => {
    expect(decide(body)).toEqual({ found: [], unsure: false, rows: [seen] });
  });

  it('is what an extension, a closing or an end of ours leaves', () => {
    const extended = { ...seen, version: 2, end: after(180).toISOString() };
    expect(found(open, { rows: [extended] })).toEqual([]);
    expect(found(open, { rows: [{ ...seen, state: 'closing' }] })).toEqual([]);
    expect(found(empty, { rows: [{ ...seen, state: 'closing' }] })).toEqual([]);
    expect(found(open, { now: after(60) })).toEqual([]);
    expect(found(edit(rule1, undefined), { now: after(60) })).toEqual([]);
  });

  it('is a rule of ours that denies and belongs to nothing: a close that could do no more has left it', () => {
    expect(found(edit(rule1, { access: 'Deny' }), { rows: [] })).toEqual([
      { event: 'leftover-closed', rule: rule2, sure: true },
    ]);
  });
});

describe('a rule that somebody deleted', () => {
  const body = edit(rule1, undefined);

  it('is accepted if it was noted as open before the NSG was read', () => {
    const decision = decide(body);
    expect(decision.found).toMatchObject([
      {
        ...{ event: 'rule-deleted', rule: rule1, requestId: grant.requestId, sure: true },
        accepted: { number: 1, form: 'absent' },
        reasons: [{ code: 'change-accepted' }],
      },
    ]);
    expect(decision.rows).toEqual([{ ...seen, accepted: { 1: 'absent' } }]);
    expect(planned(body, decision.rows)).toEqual(body);
  });

  it('is looked for again if that was noted only afterwards: another worker has written it meanwhile', () => {
    const decision = decide(body, { earlier: [grant] });
    expect(decision.unsure).toBe(true);
    expect(decision.found).toMatchObject([{ sure: false }]);
    expect(decideDrift({ body, rows: [seen], now, installation: 'contoso' }).unsure).toBe(true);
  });

  it('is written again if it was never noted as open, or in another form', () => {
    const nothing = { found: [], unsure: false };
    expect(decide(body, { rows: [grant] })).toEqual({ ...nothing, rows: [grant] });
    const other = seenIn(edit(rule1, { destinationPortRange: '25' }), grant);
    expect(decide(body, { rows: [other] })).toEqual({ ...nothing, rows: [other] });
    const shut = { ...seen, seen: { version: 1, state: 'shut' as const, rules: {}, changes: [], readAt } };
    expect(decide(body, { rows: [shut] })).toEqual({ ...nothing, rows: [shut] });
  });

  it('is accepted after it had been narrowed, and is not found twice', () => {
    const narrow = edit(rule2, { destinationPortRange: '23', destinationPortRanges: [] });
    const [narrowed] = decide(narrow).rows;
    if (narrowed === undefined) throw new Error('There was a row.');
    const noted = seenIn(narrow, narrowed);
    expect(found(narrow, { rows: [noted] })).toEqual([]);
    const gone = edit(rule2, undefined);
    expect(found(gone, { rows: [noted] })).toMatchObject([{ event: 'rule-deleted', rule: rule2 }]);
    const accepted = { ...noted, accepted: { 2: 'absent' as const } };
    expect(decide(gone, { rows: [accepted] })).toEqual({ found: [], unsure: false, rows: [accepted] });
  });

  it('is left as it is and nobody blamed within the last minute, and while the NSG is not settled', () => {
    const updating = {
      ...body,
      properties: { ...(body['properties'] as JsonObject), provisioningState: 'Updating' },
    };
    for (const [nsgBody, at] of [
      [body, after(59.5)],
      [updating, now],
    ] as const) {
      const decision = decide(nsgBody, { now: at });
      expect(decision.found).toEqual([]);
      expect(decision.rows).toEqual([{ ...seen, accepted: { 1: 'absent' } }]);
    }
  });

  it('is written again in the first minute of a grant that is still opening: clocks differ', () => {
    const opening = { ...seen, state: 'opening' as const };
    expect(decide(body, { rows: [opening], now: after(0.5) })).toMatchObject({ found: [], rows: [opening] });
    expect(found(body, { rows: [opening], now: after(2) })).toMatchObject([{ event: 'rule-deleted' }]);
    expect(found(body, { now: after(0.5) })).toMatchObject([{ event: 'rule-deleted' }]);
  });
});

describe('a rule that somebody narrowed', () => {
  it.each<[string, JsonObject]>([
    ['to one port', { destinationPortRange: '24', destinationPortRanges: [] }],
    ['to a part of its source ports', { sourcePortRange: '1024-65535' }],
  ])('%s is accepted as it is', (_, properties) => {
    const body = edit(rule2, { ...properties, provisioningState: 'Succeeded', aPropertyOfTheFuture: 7 });
    const decision = decide(body);
    expect(decision.found).toMatchObject([{ event: 'rule-narrowed', rule: rule2, sure: true }]);
    const form = decision.rows[0]?.accepted?.[2];
    expect(form).toMatchObject({ ...properties, aPropertyOfTheFuture: 7 });
    for (const name of ['provisioningState', 'priority', 'description'])
      expect(form).not.toHaveProperty(name);
    expect(planned(body, decision.rows)).toEqual(body);
    const restored = rulesOf(planned(open, decision.rows)).find(({ name }) => name === rule2);
    expect(restored?.properties).toMatchObject(properties);
  });

  it.each<[string, JsonObject]>([
    ['a deny', { access: 'Deny' }],
    ['a deny of everything', { access: 'Deny', sourceAddressPrefix: '*', destinationPortRange: '*' }],
    ['an outbound deny', { access: 'Deny', direction: 'Outbound' }],
  ])('to %s is accepted as deleted, for it would shut what others were granted', (_, properties) => {
    const decision = decide(edit(rule1, properties));
    expect(decision.found).toMatchObject([
      { event: 'rule-narrowed', accepted: { number: 1, form: 'absent' } },
    ]);
    expect(planned(edit(rule1, properties), decision.rows)).toEqual(edit(rule1, undefined));
  });

  it('is put back if the rule was never noted as open', () => {
    const body = edit(rule2, { sourcePortRange: '1024-65535' });
    expect(decide(body, { rows: [grant] })).toEqual({ found: [], unsure: false, rows: [grant] });
  });
});

describe('a rule that somebody widened', () => {
  it.each<[string, JsonObject]>([
    ['by source', { sourceAddressPrefix: '203.0.113.0/24' }],
    ['by a tag', { sourceAddressPrefix: 'Internet' }],
    ['by port', { destinationPortRange: '22-23' }],
    ['by protocol', { protocol: '*' }],
    ['by destination', { destinationAddressPrefix: '*' }],
    ['into the other direction', { direction: 'Outbound' }],
    ['into what nobody can read', { access: 'Maybe' }],
    ['in one way and narrowed in another', { destinationPortRange: '23', sourcePortRange: '1024-65535' }],
  ])('%s is told, whether noted as open or not, and put right', (_, properties) => {
    const body = edit(rule1, properties);
    for (const row of [seen, grant, { ...seen, end: after(180).toISOString() }]) {
      expect(found(body, { rows: [row] })).toEqual([{ event: 'rule-widened', rule: rule1, sure: true }]);
      expect(decide(body, { rows: [row] }).rows).toEqual([row]);
      expect(planned(body, [row])).toEqual(planned(open, [row]));
    }
  });

  it('is told of a grant that is being closed as well', () => {
    const body = edit(rule1, { sourceAddressPrefix: '*' });
    expect(found(body, { rows: [{ ...seen, state: 'closing' }] })).toMatchObject([{ event: 'rule-widened' }]);
  });

  it('is another finding in another form, and the same one in the same', () => {
    const keys = ['*', '203.0.113.0/24', '*'].map(
      (sourceAddressPrefix) => decide(edit(rule1, { sourceAddressPrefix })).found[0]?.key,
    );
    expect(keys[0]).toBe(keys[2]);
    expect(keys[0]).not.toBe(keys[1]);
  });

  it('beyond what was accepted is told, unless it says exactly what was granted', () => {
    const narrow = edit(rule2, {
      destinationPortRange: '23',
      destinationPortRanges: [],
      sourcePortRange: '80',
    });
    const [row] = decide(narrow).rows;
    if (row === undefined) throw new Error('There was a row.');
    const accepted = seenIn(narrow, row);
    const between = edit(rule2, { destinationPortRange: '23', destinationPortRanges: [] });
    expect(found(between, { rows: [accepted] })).toMatchObject([{ event: 'rule-widened', rule: rule2 }]);
    // A worker that had read the rows before that writes this.
    expect(found(open, { rows: [accepted] })).toEqual([]);
    for (const body of [between, open]) {
      const put = rulesOf(planned(body, [accepted])).find(({ name }) => name === rule2);
      expect(put?.properties).toMatchObject({ sourcePortRange: '80', destinationPortRange: '23' });
    }
  });
});

describe('a rule with our name', () => {
  const extra = (name: string, properties: JsonObject = {}) =>
    planBody(open, [...rulesOf(open), foreignRule(name, 200, { access: 'Allow', ...properties })]);

  it.each([
    'sallyport-contoso-admin',
    `${rule1}0`.replace('-10', '-01'),
    rule1.replace(/-1$/, '-3'),
    `${rule1}-copy`,
    rule1.slice(0, -2),
  ])('that we never gave is tampered with: %s', (name) => {
    expect(found(extra(name))).toEqual([{ event: 'rule-tampered', rule: name, sure: true }]);
    expect(planned(extra(name), [seen])).toEqual(open);
  });

  it('of no grant that is known is left over, once its row was gone before the NSG was read', () => {
    const body = edit(rule2, undefined);
    expect(found(body, { rows: [] })).toEqual([{ event: 'leftover-closed', rule: rule1, sure: true }]);
    expect(found(body, { rows: [], earlier: [seen] })).toMatchObject([{ sure: false }]);
  });

  it('of a grant that had ended before the NSG was read came late', () => {
    const body = edit(rule2, undefined);
    const closed = { ...grant, state: 'closed' as const };
    expect(found(body, { rows: [closed] })).toEqual([
      { event: 'late-open-reverted', rule: rule1, sure: true },
    ]);
    const closing = { ...grant, state: 'closing' as const };
    expect(found(body, { rows: [closed], earlier: [closing] })).toMatchObject([{ sure: false }]);
  });

  it('of a row that cannot be read says nothing', () => {
    expect(found(open, { rows: [{ ...seen, boxes: [], state: 'closing' }] })).toEqual([]);
  });
});
