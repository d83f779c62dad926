import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { standingBaselines } from '../../../src/core/guard/standingBaselines.ts';
import { guard } from '../../../src/core/guard/guard.ts';
import type { GuardInput, GuardResult } from '../../../src/core/guard/guard.ts';
import type { JsonObject } from '../../../src/core/network.ts';
import { alice, aliceRule, bob, bobRule, body, everything, grant, input, rule } from './samples.ts';

function judge(changes: Partial<GuardInput>): GuardResult {
  return guard(input(changes));
}

function kindsOf(result: GuardResult): string[] {
  return result.verdict === 'refused' ? [...new Set(result.violations.map(({ kind }) => kind))] : [];
}

function differenceOf(result: GuardResult) {
  if (result.verdict !== 'proven') expect.fail(JSON.stringify(result));
  return result.difference;
}

const open = body(rule(aliceRule, 100));

describe('what a write may newly admit', () => {
  it('is what a live grant admits', () => {
    const { admitted, refused } = differenceOf(judge({ after: open, grants: [grant(alice)] }));
    expect(admitted).toContainEqual({
      direction: 'Inbound',
      family: 'IPv4',
      protocols: ['Tcp'],
      sources: ['203.0.113.7'],
      destinations: ['10.1.0.4'],
      sourcePorts: ['0-65535'],
      destinationPorts: ['22'],
      inside: [],
      outside: ['source in VirtualNetwork'],
      before: 'DenyAllInBound',
      after: aliceRule,
    });
    expect(refused).toEqual([]);
  });

  it('is nothing where no grant is live', () => {
    const result = judge({ after: open });
    expect(result).toMatchObject({
      verdict: 'refused',
      violations: [
        {
          kind: 'owned-rule-too-wide',
          rule: aliceRule,
          message: 'An owned rule would admit what no live grant admits: 203.0.113.7 to 10.1.0.4 on Tcp 22.',
          sample: { protocol: 'Tcp', source: '203.0.113.7', destination: '10.1.0.4', destinationPort: 22 },
        },
      ],
    });
  });

  it('may be granted by two grants together', () => {
    const both = rule(aliceRule, 100, { destinationPortRange: '22-23' });
    const other = grant(bob, { destinationPorts: [23] });
    expect(judge({ after: body(both), grants: [grant(alice), other] }).verdict).toBe('proven');
  });

  it.each<[string, JsonObject]>([
    ['another source', { sourceAddressPrefix: '203.0.113.6/31' }],
    ['everybody', { sourceAddressPrefix: '*' }],
    ['a service tag', { sourceAddressPrefix: 'Internet' }],
    [
      'an application security group',
      { sourceAddressPrefix: '', sourceApplicationSecurityGroups: [{ id: '/subscriptions/s/web' }] },
    ],
    ['the other family', { sourceAddressPrefix: '::/0', destinationAddressPrefix: '::/0' }],
    ['another destination', { destinationAddressPrefix: '10.1.0.4/31' }],
    ['another port', { destinationPortRanges: ['23'] }],
    ['every port', { destinationPortRange: '*' }],
    ['another protocol', { protocol: 'Udp' }],
    ['every protocol', { protocol: '*' }],
    ['ESP, which has no port', { protocol: 'Esp' }],
    ['what it does not understand', { protocol: 'Sctp' }],
    ['outbound packets', { direction: 'Outbound' }],
    ['a direction that it does not understand', { direction: 'Sideways' }],
    ['an access that it does not understand', { access: 'Audit', destinationPortRange: '*' }],
  ])('is not %s', (_, properties) => {
    const result = judge({ after: body(rule(aliceRule, 100, properties)), grants: [grant(alice)] });
    expect(kindsOf(result)).toContain('owned-rule-too-wide');
  });

  it('holds the ICMP of a grant of every protocol, whichever way Azure reads a port there, but no other port', () => {
    const everyProtocol = { protocol: '*' as const };
    const live = [grant(alice, everyProtocol)];
    expect(judge({ after: body(rule(aliceRule, 100, everyProtocol)), grants: live }).verdict).toBe('proven');
    const wide = rule(aliceRule, 100, { protocol: 'Icmp', destinationPortRange: '*' });
    expect(kindsOf(judge({ after: body(wide), grants: live }))).toEqual(['owned-rule-too-wide']);
  });

  it('is not what a foreign deny up to the end of the allow band refuses, of which there may be a member', () => {
    const deny = (priority: number, source: string) =>
      rule('theirs', priority, { ...everything, access: 'Deny', sourceAddressPrefix: source });
    const write = (theirs: JsonObject) =>
      judge({ before: body(theirs), after: body(theirs, rule(aliceRule, 100)), grants: [grant(alice)] });
    expect(kindsOf(write(deny(249, '203.0.113.0/24')))).toEqual(['foreign-deny-overridden']);
    expect(kindsOf(write(deny(249, 'Internet')))).toEqual(['foreign-deny-overridden']);
    expect(kindsOf(write(deny(249, '198.51.100.0/24')))).toEqual([]);
    expect(kindsOf(write(deny(250, '203.0.113.0/24')))).toEqual([]);
  });
});

describe('what a write may newly refuse', () => {
  it('is what an ended grant or a leftover admitted', () => {
    const { admitted, refused } = differenceOf(judge({ before: open }));
    expect(admitted).toEqual([]);
    expect(refused.map(({ sources, before, after }) => [sources, before, after])).toContainEqual([
      ['203.0.113.7'],
      aliceRule,
      'DenyAllInBound',
    ]);
  });

  it('is what a rule admitted in excess', () => {
    const wide = rule(aliceRule, 100, { sourceAddressPrefix: '*' });
    const { refused } = differenceOf(judge({ before: body(wide), after: open, grants: [grant(alice)] }));
    expect(refused.map(({ sources }) => sources)).toContainEqual([
      '0.0.0.0-203.0.113.6',
      '203.0.113.8-255.255.255.255',
    ]);
  });

  it('is not a packet of a live grant', () => {
    expect(kindsOf(judge({ before: open, grants: [grant(alice)] }))).toEqual(['live-grant-lost']);
  });

  it('is not a packet of a live grant of which a rule with another owner lets in a part', () => {
    const partly = rule('theirs', 300, { sourceAddressPrefix: 'Internet' });
    const before = body(rule(aliceRule, 100), partly);
    expect(kindsOf(judge({ before, after: body(partly), grants: [grant(alice)] }))).toEqual([
      'live-grant-lost',
    ]);
  });

  it('may be of a live grant that was declined', () => {
    expect(judge({ before: open, grants: [{ ...grant(alice), declined: true }] }).verdict).toBe('proven');
  });

  it('may be of a live grant whose rule stands behind a foreign deny, when another grant ends', () => {
    const deny = rule('theirs', 110, { ...everything, access: 'Deny' });
    const stays = rule(bobRule, 120);
    const before = body(rule(aliceRule, 100), deny, stays);
    expect(judge({ before, after: body(deny, stays), grants: [grant(bob)] }).verdict).toBe('proven');
    expect(kindsOf(judge({ before, after: body(deny), grants: [grant(bob)] }))).toEqual(['live-grant-lost']);
  });

  it('is what a baseline keeps shut, and nothing else that others admit', () => {
    const theirs = rule('theirs', 300, { ...everything, sourceAddressPrefix: 'Internet' });
    const shut = rule('sallyport-contoso-baseline-1', 250, {
      access: 'Deny',
      sourceAddressPrefix: 'Internet',
    });
    const baselines = [
      { ...grant('').boxes[0], sourceAddressPrefixes: ['Internet'] },
    ] as GuardInput['baselines'];
    const write = { before: body(theirs), after: body(theirs, shut) };
    expect(judge({ ...write, ...(baselines && { baselines }) }).verdict).toBe('proven');
    expect(kindsOf(judge(write))).toEqual(['refused-beside-baselines']);
  });
});

describe('a baseline', () => {
  const shutBoxes = grant('').boxes.map((box) => ({ ...box, sourceAddressPrefixes: ['Internet'] }));
  const theirs = rule('theirs', 300, { ...everything, sourceAddressPrefix: 'Internet' });
  const row = { virtualMachineId: '/subscriptions/S/vm', state: 'standing', boxes: shutBoxes };
  const { standing: baselines, keys: decided } = standingBaselines([row]);
  const name = `sallyport-contoso-deny-${[...decided].join()}-1`;
  const shut = rule(name, 250, { access: 'Deny', sourceAddressPrefix: 'Internet' });
  const write = { before: body(theirs, shut), after: body(theirs), decided };

  it('stays while it stands', () => {
    expect(kindsOf(judge({ ...write, baselines }))).toEqual(['baseline-opened']);
  });

  it('gives back what others admit when it ends by a row of it, whatever the case of its id', () => {
    const ending = [{ ...row, virtualMachineId: '/SUBSCRIPTIONS/s/VM', state: 'ending' }];
    const { standing, keys } = standingBaselines(ending);
    expect(standing).toEqual([]);
    const { admitted } = differenceOf(judge({ ...write, decided: keys }));
    expect(admitted.map(({ before, after }) => [before, after])).toContainEqual([name, 'theirs']);
  });

  it.each<[string, JsonObject[]]>([
    ['goes', []],
    ['is narrowed', [rule(name, 250, { access: 'Deny', sourceAddressPrefix: '203.0.113.0/24' })]],
    ['is moved', [rule(name, 251, { access: 'Deny', sourceAddressPrefix: 'Internet' })]],
    [
      'is written otherwise',
      [rule(name.toUpperCase(), 250, { access: 'deny', sourceAddressPrefix: 'Internet' })],
    ],
  ])(
    'without a row is not touched: a write by which it %s is refused, also where nobody would notice',
    (_, left) => {
      const others = { ...row, virtualMachineId: '/subscriptions/s/other' };
      for (const foreign of [[theirs], []]) {
        const change = { before: body(...foreign, shut), after: body(...foreign, ...left) };
        expect(kindsOf(judge({ ...change, ...keysOf(others) }))).toContain('deny-without-decision');
      }
    },
  );

  it('is not written where it would come before grants', () => {
    const early = rule(name, 120, { access: 'Deny', sourceAddressPrefix: 'Internet' });
    const change = { before: body(theirs), after: body(theirs, early), decided, baselines };
    expect(kindsOf(judge(change))).toEqual(['deny-before-grants']);
  });

  function keysOf(other: typeof row) {
    return { decided: standingBaselines([other]).keys };
  }
});

describe('an owned rule that stays', () => {
  it('is refused when its grant has ended, although nothing changes', () => {
    expect(kindsOf(judge({ before: open, after: open }))).toEqual(['owned-rule-too-wide']);
  });

  it('is refused when its grant has ended, although a foreign rule hides it today', () => {
    const hidden = body(rule('theirs', 90, { ...everything, access: 'Deny' }), rule(aliceRule, 100));
    expect(kindsOf(judge({ before: hidden, after: hidden }))).toEqual(['owned-rule-too-wide']);
  });

  it.each<[string, JsonObject, string]>([
    ['the name', rule(aliceRule.toUpperCase(), 101), 'name-taken'],
    ['the priority', rule(bobRule, 100), 'priority-taken'],
  ])('does not have %s of another', (_, second, kind) => {
    const after = body(rule(aliceRule, 100), second);
    expect(kindsOf(judge({ after, grants: [grant(alice), grant(bob)] }))).toContain(kind);
  });
});

describe('everything that is not ours', () => {
  const theirs = [
    rule('first', 300),
    rule('second', 310, { access: 'Deny', futureProperty: { a: [1, null] } }),
  ];
  const [first, second] = theirs;
  const before = body(...theirs);
  const changed = (
    change: (copy: { tags?: JsonObject; location?: string; properties: JsonObject }) => void,
  ) => {
    const copy = structuredClone(before) as unknown as { properties: JsonObject };
    change(copy);
    return copy as unknown as JsonObject;
  };

  it('is compared as JSON values: the order of members does not matter', () => {
    const turned = Object.fromEntries(Object.entries(before).reverse());
    expect(judge({ before, after: turned }).verdict).toBe('proven');
  });

  it.each<[string, JsonObject, string]>([
    ['a tag is added', changed((nsg) => (nsg.tags = { owner: 'contoso' })), 'body-changed'],
    ['a property is lost', changed((nsg) => delete nsg.location), 'body-changed'],
    ['flushConnection is set', changed((nsg) => (nsg.properties['flushConnection'] = true)), 'body-changed'],
    [
      'a default rule is lost',
      changed((nsg) => (nsg.properties['defaultSecurityRules'] = [])),
      'body-changed',
    ],
    ['a rule is lost', body(first ?? {}), 'foreign-rule-changed'],
    ['a rule is added', body(...theirs, rule('third', 320)), 'foreign-rule-changed'],
    ['rules change places', body(second ?? {}, first ?? {}), 'foreign-rule-changed'],
    ['a priority is changed', body(rule('first', 301), second ?? {}), 'foreign-rule-changed'],
    [
      'an unknown property of a rule is changed',
      body(first ?? {}, rule('second', 310, { access: 'Deny', futureProperty: { a: [1] } })),
      'foreign-rule-changed',
    ],
    [
      "another installation's rule is added",
      body(...theirs, rule(`sallyport-contoso2-${alice}-1`, 320)),
      'foreign-rule-changed',
    ],
  ])('is refused to be changed: %s', (_, after, kind) => {
    expect(kindsOf(judge({ before, after, grants: [grant(alice)] }))).toEqual([kind]);
  });
});

describe('foreign rules that are not understood', () => {
  it.each<[string, JsonObject]>([
    ['nothing at all', { name: 'odd' }],
    ['no rule', { name: 'odd', properties: null }],
    ['odd fields', rule('odd', 90, { sourceAddressPrefix: 7, destinationPortRange: '1,2', protocol: [] })],
    ['an odd access', rule('odd', 90, { access: 'Audit' })],
    ['no priority', rule('odd', 90, { priority: 'soon' })],
    ['host bits', rule('odd', 90, { sourceAddressPrefix: '203.0.113.7/24', access: 'Allow' })],
  ])('do not keep a grant from being closed: %s', (_, odd) => {
    const before = body(odd, rule(aliceRule, 100));
    expect(judge({ before, after: body(odd) }).verdict).toBe('proven');
  });

  it('may deny from any place if they have no priority', () => {
    const odd = rule('odd', 90, { ...everything, access: 'Deny', priority: 'soon' });
    const result = judge({
      before: body(odd),
      after: body(odd, rule(aliceRule, 100)),
      grants: [grant(alice)],
    });
    expect(kindsOf(result)).toEqual(['foreign-deny-overridden']);
  });
});

describe('the budget', () => {
  it('ends the proof when it is spent', () => {
    expect(judge({ after: open, grants: [grant(alice)], budget: 3 })).toEqual({ verdict: 'over-budget' });
  });

  it('does not hide what was found before', () => {
    const after = body(rule(aliceRule, 100, { protocol: '*' }));
    const results = Array.from({ length: 200 }, (_, budget) => judge({ after, budget }));
    const first = results.findIndex(({ verdict }) => verdict === 'refused');
    expect(first).toBeGreaterThan(0);
    expect(results.slice(0, first).every(({ verdict }) => verdict === 'over-budget')).toBe(true);
    expect(results.slice(first).every(({ verdict }) => verdict === 'refused')).toBe(true);
  });
});

describe('our own input', () => {
  it.each<[string, Partial<GuardInput>]>([
    ['an installation id', { installation: 'Contoso-1' }],
    ['a body', { before: {} }],
    ['a source', { grants: [grant(alice, { sourceAddressPrefixes: ['Internet'] })] }],
    ['a source with host bits', { grants: [grant(alice, { sourceAddressPrefixes: ['203.0.113.7/24'] })] }],
    ['a destination', { grants: [grant(alice, { destinationAddressPrefixes: [] })] }],
    ['a port', { grants: [grant(alice, { destinationPorts: [65536] })] }],
    ['a family', { grants: [grant(alice, { sourceAddressPrefixes: ['2001:db8::1'] })] }],
  ])('is refused loudly where %s is malformed', (_, changes) => {
    expect(() => judge(changes)).toThrow(/malformed|no properties/);
  });
});

describe('the source of the guard', () => {
  it('shares no code with the planner: it imports nothing from outside of its folder but a hash', () => {
    const folder = new URL('../../../src/core/guard/', import.meta.url);
    const imports = readdirSync(folder).flatMap((file) =>
      [...readFileSync(new URL(file, folder), 'utf8').matchAll(/from '([^']+)'|import\(/g)].map(
        ([text, specifier]) => specifier ?? text,
      ),
    );
    expect(imports.length).toBeGreaterThan(20);
    expect(imports.filter((specifier) => !/^(\.\/[a-zA-Z]+\.ts|node:crypto)$/.test(specifier))).toEqual([]);
  });
});
