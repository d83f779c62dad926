import { describe, expect, it } from 'vitest';
import type { LiveRow } from '../../src/core/accessRequest.ts';
import type { Json, JsonObject } from '../../src/core/network.ts';
import { planBody } from '../../src/core/nsgBody.ts';
import { plan } from '../../src/core/plan.ts';
import { foreignRule } from '../support/foreignRule.ts';

const installation = {
  id: 'contoso',
  allowBand: { first: 110, last: 112 },
  baselineBand: { first: 113, last: 120 },
};
const wide = {
  id: 'contoso',
  allowBand: { first: 100, last: 2999 },
  baselineBand: { first: 3000, last: 3009 },
};
const noon = new Date('2026-03-04T12:00:00Z');
const alice = 'a'.repeat(32);
const bob = 'b'.repeat(32);

function row(requestId: string, changes: Partial<LiveRow> = {}): LiveRow {
  return {
    nsgId: '/subscriptions/s/nsg',
    requestId,
    version: 1,
    state: 'opening',
    start: '2026-03-04T11:00:00Z',
    end: '2026-03-04T13:00:00Z',
    boxes: [
      {
        protocol: 'Tcp',
        sourceAddressPrefixes: ['203.0.113.7/32'],
        destinationAddressPrefixes: ['10.0.0.4/32'],
        destinationPorts: [22],
      },
    ],
    ...changes,
  };
}

function boxesOn(...ports: number[]): LiveRow['boxes'] {
  return ports.flatMap((port) => row(alice).boxes.map((box) => ({ ...box, destinationPorts: [port] })));
}

function foreign(name: string, priority: number, properties: JsonObject = {}): JsonObject {
  return foreignRule(name, priority, { provisioningState: 'Succeeded', ...properties });
}

const harmless = { access: 'Allow', destinationPortRange: '9' };

function nsg(rules: Json[], provisioningState = 'Succeeded'): JsonObject {
  return { properties: { provisioningState, securityRules: rules } };
}

function run(body: JsonObject, rows: LiveRow[], now = noon) {
  return plan({ body, rows, now, installation });
}

function placesOf(rules: Json[] | undefined): [string, number][] {
  return (rules ?? []).map((rule) => {
    const { name, properties } = rule as { name: string; properties: { priority: number } };
    return [name, properties.priority];
  });
}

/** The rules that are there once this was planned and Azure has settled it. */
function opened(body: JsonObject, rows: LiveRow[]): Json[] {
  return run(body, rows).securityRules ?? [];
}

function changed(rule: Json | undefined, properties: JsonObject): JsonObject {
  const { name, properties: old } = rule as { name: string; properties: JsonObject };
  return { name, properties: { ...old, ...properties } };
}

const aliceRule = `sallyport-contoso-${alice}-1`;
const bobRule = `sallyport-contoso-${bob}-1`;

describe('a baseline', () => {
  const { first } = installation.baselineBand;

  it('stays where it is, whether or not a grant opens or ends beside it', () => {
    const baseline = foreign('sallyport-contoso-baseline-ssh', first, { access: 'Deny' });
    expect(run(nsg([baseline]), []).securityRules).toBeUndefined();
    const open = run(nsg([baseline]), [row(alice)]).securityRules ?? [];
    expect(open).toHaveLength(2);
    expect(open[0]).toBe(baseline);
    expect(run(nsg(open), []).securityRules).toEqual([baseline]);
  });

  it.each([
    ['allows', foreign('sallyport-contoso-baseline-ssh', first, { access: 'Allow' })],
    ['stands elsewhere', foreign('sallyport-contoso-baseline-ssh', first - 1, { access: 'Deny' })],
    ['has the name of a grant', foreign(`sallyport-contoso-${alice}-1`, first, { access: 'Deny' })],
  ])('is none that %s', (_, rule) => {
    expect(run(nsg([rule]), []).securityRules).toEqual([]);
  });
});

describe('what is desired', () => {
  it('has nothing to do for an NSG without grants', () => {
    expect(run(nsg([foreign('deny', 4000)]), [])).toEqual({
      refused: [],
      admitted: [],
      present: [],
      baselines: [],
    });
  });

  it.each(['pending', 'scheduled', 'closing', 'closed', 'denied', 'expired', 'failed'] as const)(
    'leaves a row that is %s out and takes its rule away',
    (state) => {
      expect(run(nsg([]), [row(alice, { state })]).securityRules).toBeUndefined();
      expect(run(nsg(opened(nsg([]), [row(alice)])), [row(alice, { state })]).securityRules).toEqual([]);
    },
  );

  it('begins at the start and ends at the end, to the millisecond (I1)', () => {
    const { start, end } = row(alice);
    const isOpenAt = (time: number) => run(nsg([]), [row(alice)], new Date(time)).securityRules !== undefined;
    expect([-1, 0].map((shift) => isOpenAt(Date.parse(start) + shift))).toEqual([false, true]);
    expect([-1, 0].map((shift) => isOpenAt(Date.parse(end) + shift))).toEqual([true, false]);
  });

  it('takes away owned rules that no row knows, and names that we would not write', () => {
    const allowing = foreign(bobRule, 110, { access: 'Allow' });
    const rules = [allowing, foreign('SALLYPORT-CONTOSO-odd', 111), foreign('keep', 4000)];
    const result = run(nsg(rules), []);
    expect(placesOf(result.securityRules)).toEqual([['keep', 4000]]);
    expect(result.present).toEqual([bob]);
  });

  it('leaves the rules of other installations alone', () => {
    const others = ['sallyport-contoso2', 'sallyport-fabrikam', 'sallyport'].map((name, index) =>
      foreign(`${name}-${alice}-1`, 400 + index),
    );
    expect(run(nsg(others), []).securityRules).toBeUndefined();
  });
});

describe('priorities', () => {
  it('are the lowest that are free, in the order of request ids', () => {
    const rules = opened(nsg([foreign('other', 110, harmless)]), [row(bob), row(alice)]);
    expect(placesOf(rules)).toEqual([
      ['other', 110],
      [aliceRule, 111],
      [bobRule, 112],
    ]);
  });

  it('are not taken by outbound rules', () => {
    const outbound = foreign('out', 110, { direction: 'Outbound' });
    expect(placesOf(opened(nsg([outbound]), [row(alice)]))).toContainEqual([aliceRule, 110]);
  });

  it('stay with a rule that is right, in the very words of Azure', () => {
    const spelled = changed(opened(nsg([]), [row(alice)])[0], {
      priority: 112,
      destinationPortRange: '22-22',
      sourceAddressPrefixes: ['203.0.113.7'],
      sourceAddressPrefix: '',
      etag: 'x',
      provisioningState: 'Succeeded',
    });
    const result = run(nsg([spelled]), [row(alice), row(bob)]);
    expect(result.securityRules?.[0]).toBe(spelled);
    expect(result.admitted).toEqual([alice]);
    expect(placesOf(result.securityRules)).toContainEqual([bobRule, 110]);
  });

  it('stay when a grant is extended, which is one rewritten description', () => {
    const before = opened(nsg([foreign('other', 110, harmless)]), [row(alice), row(bob)]);
    const later = row(bob, { end: '2026-03-04T14:00:00Z' });
    const after = run(nsg(before), [row(alice), later]);
    expect(placesOf(after.securityRules)).toEqual(placesOf(before));
    expect(after.securityRules?.[1]).toBe(before[1]);
    expect(JSON.stringify(after.securityRules?.[2])).toContain('until 2026-03-04T14:00:00.000Z');
    expect(after.admitted).toEqual([alice]);
  });

  it('are not lost by a damaged rule to a new grant', () => {
    const [rule] = opened(nsg([]), [row(bob)]);
    const result = run(nsg([changed(rule, { description: 'mine now' })]), [row(alice), row(bob)]);
    expect(placesOf(result.securityRules)).toEqual([
      [bobRule, 110],
      [aliceRule, 111],
    ]);
  });

  it('are not lost by a right rule to a damaged one of the other direction', () => {
    const [first, second] = opened(nsg([]), [row(alice), row(bob)]);
    const turned = changed(first, { direction: 'Outbound', priority: 111 });
    const result = run(nsg([turned, second ?? null]), [row(alice), row(bob)]);
    expect(result.securityRules?.[1]).toBe(second);
    expect(placesOf(result.securityRules)).toContainEqual([aliceRule, 110]);
  });

  it('are brought back into the band', () => {
    const [rule] = opened(nsg([]), [row(alice)]);
    const result = run(nsg([changed(rule, { priority: 300 })]), [row(alice)]);
    expect(placesOf(result.securityRules)).toEqual([[aliceRule, 110]]);
    expect(result.admitted).toEqual([]);
  });
});

describe('room', () => {
  it('is refused naming the band when the band is full', () => {
    const result = run(nsg([]), [row(alice, { boxes: boxesOn(1, 2, 3) }), row(bob)]);
    expect(result.refused).toMatchObject([{ requestId: bob, reason: { code: 'no-capacity' } }]);
    expect(result.refused[0]?.reason.message).toContain('110 to 112');
  });

  it('goes to all boxes of a grant or to none', () => {
    const result = run(nsg([foreign('other', 111, harmless)]), [
      row(alice, { boxes: boxesOn(1, 2, 3) }),
      row(bob, { boxes: boxesOn(1, 2) }),
    ]);
    expect(placesOf(result.securityRules).map(([name]) => name)).toEqual([
      'other',
      bobRule,
      `${bobRule.slice(0, -1)}2`,
    ]);
    expect(result.refused.map(({ requestId }) => requestId)).toEqual([alice]);
  });

  it('is given up by an open grant that cannot be completed, for the next in the queue', () => {
    const both = opened(nsg([]), [row(bob, { boxes: boxesOn(1, 2, 3) })]);
    const squatted = [...both.slice(0, 2), foreign('squatter', 112, harmless)];
    const rows = [row(alice), row(bob, { boxes: boxesOn(1, 2, 3) })];
    const result = run(nsg(squatted), rows);
    expect(placesOf(result.securityRules)).toEqual([
      ['squatter', 112],
      [aliceRule, 110],
    ]);
    expect(run(nsg(result.securityRules ?? []), rows).securityRules).toBeUndefined();
  });

  it('ends at 1,000 rules', () => {
    const rules = Array.from({ length: 999 }, (_, index) =>
      foreign(`rule-${index}`, 3010 + index, { ...harmless, direction: 'Outbound' }),
    );
    const result = plan({ body: nsg(rules), rows: [row(alice), row(bob)], now: noon, installation: wide });
    expect(result.securityRules).toHaveLength(1000);
    expect(result.refused[0]).toMatchObject({ requestId: bob, reason: { code: 'no-capacity' } });
    expect(result.refused[0]?.reason.message).toContain('1,000 security rules');
  });

  it('that a grant gives up counts for the next in the queue', () => {
    const others = Array.from({ length: 998 }, (_, index) =>
      foreign(`rule-${index}`, 3010 + index, { ...harmless, direction: 'Outbound' }),
    );
    const open = opened(nsg([]), [row(bob, { boxes: boxesOn(1, 2) })]);
    const rows = [row(alice, { boxes: boxesOn(1, 2) }), row(bob, { boxes: boxesOn(1, 2, 3) })];
    const result = plan({ body: nsg([...others, ...open]), rows, now: noon, installation: wide });
    expect(result.refused.map(({ requestId }) => requestId)).toEqual([bob]);
    expect(result.securityRules).toHaveLength(1000);
  });

  it.each(['source', 'destination'])('ends at 4,000 %s prefixes, those of others included', (side) => {
    const many = Array.from({ length: 3999 }, (_, index) => `10.${index >> 8}.${index & 255}.1`);
    const big = foreign('big', 4000, { [`${side}AddressPrefix`]: '', [`${side}AddressPrefixes`]: many });
    const result = run(nsg([big]), [row(alice), row(bob)]);
    expect(placesOf(result.securityRules)).toEqual([
      ['big', 4000],
      [aliceRule, 110],
    ]);
    expect(result.refused[0]?.reason.message).toContain(`4,000 ${side} address prefixes`);
  });

  it('is not asked for when something is closed', () => {
    const rules = [...opened(nsg([]), [row(alice)]), ...[111, 112].map((p) => foreign(`f${p}`, p, harmless))];
    expect(run(nsg(rules), []).securityRules).toHaveLength(2);
  });
});

describe('foreign denies', () => {
  it.each([100, 109, 110, 112])(
    'at priority %i refuse a grant that they meet, with name and priority',
    (priority) => {
      const result = run(nsg([foreign('lockdown', priority)]), [row(alice)]);
      expect(result.securityRules).toBeUndefined();
      expect(result.refused).toMatchObject([
        { requestId: alice, reason: { code: 'blocked-by-foreign-rule' } },
      ]);
      expect(result.refused[0]?.reason.message).toContain(`"lockdown" (priority ${priority})`);
      expect(result.refused[0]?.reason.message).toContain('behind priority 112');
    },
  );

  it('are assumed where an access is not understood', () => {
    const result = run(nsg([foreign('odd', 105, { access: 'Audit' })]), [row(alice)]);
    expect(result.refused).toMatchObject([{ reason: { code: 'blocked-by-foreign-rule' } }]);
  });

  it('after the band are overridden', () => {
    expect(run(nsg([foreign('deny-all', 113)]), [row(alice)]).securityRules).toHaveLength(2);
  });

  it.each<JsonObject>([{ direction: 'Outbound' }, { access: 'Allow' }, { destinationPortRange: '3389' }])(
    'are no matter where they are not about the grant: %j',
    (properties) => {
      expect(run(nsg([foreign('other', 110, properties)]), [row(alice)]).refused).toEqual([]);
    },
  );

  it('that appear later neither close nor move a grant that is open', () => {
    const open = opened(nsg([]), [row(alice)]);
    const result = run(nsg([foreign('lockdown', 100), ...open]), [row(alice), row(bob)]);
    expect(result.securityRules).toBeUndefined();
    expect(result.refused.map(({ requestId }) => requestId)).toEqual([bob]);
  });

  it('that appear later do not refuse the extension of an open grant', () => {
    const open = opened(nsg([]), [row(alice)]);
    const later = row(alice, { end: '2026-03-04T14:00:00Z' });
    const result = run(nsg([foreign('lockdown', 100), ...open]), [later]);
    expect(result.refused).toEqual([]);
    expect(result.securityRules).toHaveLength(2);
  });
});

describe('a rule that somebody took away', () => {
  const grant = row(alice, { boxes: boxesOn(22, 3389) });

  it('is put back where it was', () => {
    const open = opened(nsg([]), [grant]);

    expect(placesOf(run(nsg(open.slice(1)), [grant]).securityRules)).toEqual(
      placesOf([open[1] ?? {}, open[0] ?? {}]),
    );
  });

  it('is not put back before a foreign deny that came meanwhile: then all rules of the grant go', () => {
    const open = opened(nsg([]), [grant]);

    const result = run(nsg([foreign('lockdown', 112), ...open.slice(1)]), [grant]);

    expect(result.refused).toMatchObject([{ requestId: alice, reason: { code: 'blocked-by-foreign-rule' } }]);
    expect(placesOf(result.securityRules)).toEqual([['lockdown', 112]]);
  });
});

describe('an owned rule that was turned into a deny', () => {
  const grant = row(alice);
  const denied = () => opened(nsg([]), [grant]).map((rule) => changed(rule, { access: 'Deny' }));

  it('is taken away when its grant has ended, and is not counted as open meanwhile', () => {
    const result = run(nsg(denied()), [row(alice, { state: 'closed' })]);

    expect(result).toEqual({ securityRules: [], refused: [], admitted: [], present: [], baselines: [] });
  });

  it('admits nobody: the rule of a live grant is written anew', () => {
    const result = run(nsg(denied()), [grant]);

    expect(result).toMatchObject({ refused: [], admitted: [], present: [], baselines: [] });
    expect(result.securityRules).toEqual(opened(nsg([]), [grant]));
  });

  it('is judged like a new one where a foreign deny came meanwhile', () => {
    const result = run(nsg([foreign('lockdown', 112), ...denied()]), [grant]);

    expect(result.refused).toMatchObject([{ requestId: alice, reason: { code: 'blocked-by-foreign-rule' } }]);
    expect(placesOf(result.securityRules)).toEqual([['lockdown', 112]]);
  });
});

describe('provisioning states', () => {
  const rules = opened(nsg([]), [row(alice)]);

  it.each(['Failed', 'Canceled'])('of an NSG that is %s demand the same content once more', (state) => {
    const result = run(nsg(rules, state), [row(alice)]);
    expect(result.securityRules).toEqual(rules);
    expect(result.admitted).toEqual([]);
    expect(run(nsg([foreign('f', 400)], state), []).securityRules).toEqual([foreign('f', 400)]);
  });

  it('of one of our rules demand the same content once more, unless the NSG is still Updating', () => {
    const failed = rules.map((rule) => changed(rule, { provisioningState: 'Failed' }));
    expect(run(nsg(failed), [row(alice)])).toMatchObject({ securityRules: failed, admitted: [] });
    expect(run(nsg(failed, 'Updating'), [row(alice)]).securityRules).toBeUndefined();
  });

  it('of a foreign rule are not ours to cure', () => {
    const body = nsg([foreign('f', 400, { provisioningState: 'Failed' })]);
    expect(run(body, []).securityRules).toBeUndefined();
  });

  it('admit a grant when its rules are Succeeded, or the NSG is and they say nothing', () => {
    const settled = rules.map((rule) => changed(rule, { provisioningState: 'Succeeded' }));
    expect(run(nsg(settled), [row(alice)]).admitted).toEqual([alice]);
    expect(run(nsg(rules), [row(alice)]).admitted).toEqual([alice]);
    expect(run(nsg(rules, 'Updating'), [row(alice)]).admitted).toEqual([]);
  });

  it('do not admit a grant that has a rule too many', () => {
    const extra = changed(
      { ...(rules[0] as JsonObject), name: `sallyport-contoso-${alice}-2` },
      { priority: 111 },
    );
    const result = run(nsg([...rules, extra]), [row(alice)]);
    expect(result).toMatchObject({ admitted: [], present: [alice], securityRules: rules });
  });
});

describe('what is malformed', () => {
  it('stops the plan when a request has two rows', () => {
    expect(() => run(nsg([]), [row(alice), row(alice, { state: 'closing' })])).toThrow(alice);
  });

  it.each<[string, Partial<LiveRow>]>([
    ['no boxes', { boxes: [] }],
    ['a port of 0', { boxes: boxesOn(0) }],
    [
      'no destination',
      { boxes: [{ ...boxesOn(22)[0], destinationAddressPrefixes: [] }] as LiveRow['boxes'] },
    ],
    [
      'any destination',
      { boxes: [{ ...boxesOn(22)[0], destinationAddressPrefixes: ['*'] }] as LiveRow['boxes'] },
    ],
    ['no source', { boxes: [{ ...boxesOn(22)[0], sourceAddressPrefixes: [] }] as LiveRow['boxes'] }],
    ['two families', { boxes: [{ ...boxesOn(22)[0], sourceAddressPrefixes: ['::/0'] }] as LiveRow['boxes'] }],
    [
      'host bits',
      { boxes: [{ ...boxesOn(22)[0], sourceAddressPrefixes: ['10.0.0.1/8'] }] as LiveRow['boxes'] },
    ],
  ])('stops the plan when a desired row has %s, naming it', (_, changes) => {
    expect(() => run(nsg([]), [row(alice, changes)])).toThrow(new RegExp(`${alice} is malformed`));
  });

  it('does not stop the close of a malformed row', () => {
    const rules = opened(nsg([]), [row(alice)]);
    expect(run(nsg(rules), [row(alice, { boxes: [], state: 'closing' })]).securityRules).toEqual([]);
    expect(run(nsg(rules), [row(alice, { end: 'never' })]).securityRules).toEqual([]);
  });

  it.each([
    { ...installation, id: 'con-toso' },
    { ...installation, allowBand: { first: 99, last: 112 } },
    { ...installation, allowBand: { first: 112, last: 111 } },
    { ...installation, allowBand: { first: 110, last: 113 } },
    { ...installation, baselineBand: { first: 113, last: 4097 } },
  ])('stops the plan when the installation is %j', (odd) => {
    expect(() => plan({ body: nsg([]), rows: [], now: noon, installation: odd })).toThrow();
  });

  it.each<JsonObject>([{}, { properties: [] }, { properties: { securityRules: 'none' } }])(
    'stops the plan when the body is %j',
    (body) => {
      expect(() => run(body, [])).toThrow(/NSG body/);
    },
  );
});

describe('planBody', () => {
  it('replaces the list of rules and nothing else', () => {
    const body = {
      tags: { a: 'b' },
      properties: { flushConnection: true, securityRules: [], later: [1] },
      etag: 'x',
    };
    const rules = [foreign('f', 400)];
    expect(planBody(body, rules)).toEqual({
      ...body,
      properties: { ...body.properties, securityRules: rules },
    });
    expect(body.properties.securityRules).toEqual([]);
  });
});
