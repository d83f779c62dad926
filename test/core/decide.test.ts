import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { protocols } from '../../src/core/accessRequest.ts';
import { containsPrefix } from '../../src/core/address.ts';
import { decide } from '../../src/core/decide.ts';
import type { Asked } from '../../src/core/decide.ts';
import { formatDuration, parseDuration } from '../../src/core/duration.ts';
import { effectivePolicy } from '../../src/core/effectivePolicy.ts';
import { policyFor } from '../support/policyFor.ts';
import type { Policy, PolicyConditions, PolicyPort } from '../../src/core/policy.ts';

const id =
  '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-1';

function aPort(changes: Partial<PolicyPort> = {}): PolicyPort {
  return {
    number: 22,
    protocol: 'Tcp',
    allowedSourceAddressPrefixes: ['203.0.113.0/24', '2001:db8::/48'],
    maxRequestAccessDuration: 'PT3H',
    ...changes,
  };
}

function aPolicy(...ports: PolicyPort[]): Policy {
  return policyFor('web-1-ssh', id, ports);
}

/** Noon on a Monday in Berlin. */
const monday = new Date('2026-11-23T11:00:00Z');

type AskedPort = Asked['virtualMachines'][number]['ports'][number];

/** A source that `aPort` allows, unless told otherwise. */
function ask(number: number, changes: Partial<AskedPort> = {}): AskedPort {
  return { number, allowedSourceAddressPrefix: '203.0.113.7/32', ...changes };
}

function judge(
  policies: Policy | Policy[],
  ports: AskedPort[],
  durationSeconds = 3600,
  { justification = 'INC0042', start = monday } = {},
) {
  return decide({
    submission: { virtualMachines: [{ id, ports }], durationSeconds, justification },
    policies: [effectivePolicy([policies].flat(), { id })],
    start,
  });
}

function codesOf(result: ReturnType<typeof decide>): (readonly [string, string | undefined])[] {
  return result.decision.reasons.map(({ code, field }) => [code, field] as const);
}

describe('a request within the policy', () => {
  it('is granted exactly as asked', () => {
    const asked = { number: 22, protocol: 'Tcp', allowedSourceAddressPrefix: '203.0.113.7/32' } as const;

    const result = judge(aPolicy(aPort()), [asked]);

    expect(result.decision).toMatchObject({ outcome: 'granted', policies: ['web-1-ssh'] });
    expect(codesOf(result)).toEqual([['within-policy', undefined]]);
    expect(result.virtualMachines).toEqual([
      { id, ports: [{ number: 22, protocol: 'Tcp', allowedSourceAddressPrefixes: ['203.0.113.7/32'] }] },
    ]);
  });

  it("is granted the policy's protocol where it names none", () => {
    const result = judge(aPolicy(aPort({ protocol: '*' })), [ask(22)]);

    expect(result.virtualMachines[0]?.ports).toEqual([
      { number: 22, protocol: '*', allowedSourceAddressPrefixes: ['203.0.113.7/32'] },
    ]);
  });

  it('is granted one protocol where the policy allows any', () => {
    const result = judge(aPolicy(aPort({ protocol: '*' })), [ask(22, { protocol: 'Udp' })]);

    expect(result.virtualMachines[0]?.ports[0]?.protocol).toBe('Udp');
  });

  it('may use the maximum to the second', () => {
    expect(judge(aPolicy(aPort()), [ask(22)], 10_800).decision.outcome).toBe('granted');
    expect(judge(aPolicy(aPort()), [ask(22)], 10_801).decision.outcome).toBe('denied');
  });

  it('may use the protocol whose maximum it keeps to, where both are there', () => {
    const policy = aPolicy(
      aPort({ maxRequestAccessDuration: 'PT1H' }),
      aPort({ protocol: 'Udp', maxRequestAccessDuration: 'PT8H' }),
    );

    const result = judge(policy, [ask(22)], 7_200);

    expect(result.virtualMachines[0]?.ports[0]?.protocol).toBe('Udp');
  });

  it('may be open to everybody where the policy allows that very range and it is named', () => {
    for (const everybody of ['0.0.0.0/0', '::/0']) {
      const policy = aPolicy(aPort({ allowedSourceAddressPrefixes: [everybody] }));

      expect(judge(policy, [{ number: 22, allowedSourceAddressPrefix: everybody }]).decision.outcome).toBe(
        'granted',
      );
    }
  });
});

describe('a request outside the policy', () => {
  it('is denied where it names no virtual machine, or one without a port', () => {
    const of = (virtualMachines: Asked['virtualMachines']) =>
      codesOf(
        decide({
          submission: { virtualMachines, durationSeconds: 3600, justification: '' },
          policies: virtualMachines.map(() => effectivePolicy([aPolicy(aPort())], { id })),
          start: monday,
        }),
      );

    expect(of([])).toEqual([['no-policy', 'virtualMachines']]);
    expect(of([{ id, ports: [] }])).toEqual([['port-not-in-policy', 'virtualMachines[0].ports']]);
    expect(
      of([
        { id, ports: [ask(22)] },
        { id, ports: [] },
      ]),
    ).toEqual([['port-not-in-policy', 'virtualMachines[1].ports']]);
  });

  it('is denied where there is no policy', () => {
    expect(codesOf(judge([], [ask(22)]))).toEqual([['no-policy', 'virtualMachines[0].id']]);
  });

  it('is denied another port, naming those that may be asked for', () => {
    const result = judge(aPolicy(aPort(), aPort({ number: 3389 })), [ask(23)]);

    expect(result.decision.reasons).toMatchObject([
      { code: 'port-not-in-policy', field: 'virtualMachines[0].ports[0].number', allowed: [22, 3389] },
    ]);
    expect(result.virtualMachines).toEqual([]);
  });

  it.each(['Udp', '*'] as const)('is denied protocol %s where the policy says Tcp', (protocol) => {
    const result = judge(aPolicy(aPort()), [ask(22, { protocol })]);

    expect(result.decision.reasons).toMatchObject([
      {
        code: 'protocol-not-in-policy',
        field: 'virtualMachines[0].ports[0].protocol',
        allowed: ['Tcp'],
      },
    ]);
  });

  it('is denied any protocol where the policy allows Tcp and Udp one by one', () => {
    const policy = aPolicy(aPort(), aPort({ protocol: 'Udp' }));

    expect(codesOf(judge(policy, [ask(22, { protocol: '*' })]))).toEqual([
      ['protocol-not-in-policy', 'virtualMachines[0].ports[0].protocol'],
    ]);
  });

  it.each(['0.0.0.0/0', '::/0', '203.0.112.0/23', '198.51.100.7/32', '2001:db8::/47', '2001:db9::1/128'])(
    'is denied the source %s',
    (allowedSourceAddressPrefix) => {
      const result = judge(aPolicy(aPort()), [{ number: 22, allowedSourceAddressPrefix }]);

      expect(result.decision.reasons).toMatchObject([
        {
          code: 'source-not-in-policy',
          field: 'virtualMachines[0].ports[0].allowedSourceAddressPrefix',
          allowed: ['203.0.113.0/24', '2001:db8::/48'],
        },
      ]);
    },
  );

  it('is denied a source that only two allowed prefixes together hold', () => {
    const policy = aPolicy(aPort({ allowedSourceAddressPrefixes: ['203.0.113.0/25', '203.0.113.128/25'] }));

    expect(
      judge(policy, [{ number: 22, allowedSourceAddressPrefix: '203.0.113.0/24' }]).decision.outcome,
    ).toBe('denied');
  });

  it('is denied a longer duration, naming the least maximum of its ports', () => {
    const policy = aPolicy(aPort(), aPort({ number: 3389, maxRequestAccessDuration: 'PT1H' }));

    const result = judge(policy, [ask(22), ask(3389)], 86_400);

    expect(result.decision.reasons).toMatchObject([
      { code: 'duration-exceeds-policy', field: 'duration', allowed: 'PT1H' },
    ]);
  });

  it('is denied where policies for the port have no source in common', () => {
    const policies = [
      policyFor('a', id, [aPort({ allowedSourceAddressPrefixes: ['203.0.113.0/24'] })]),
      policyFor('b', id, [aPort({ allowedSourceAddressPrefixes: ['198.51.100.0/24'] })]),
    ];

    expect(judge(policies, [ask(22)]).decision.reasons).toMatchObject([
      { code: 'source-not-in-policy', allowed: [] },
    ]);
  });

  it('is denied everything where a maximum cannot be read', () => {
    const policy = aPolicy(aPort({ maxRequestAccessDuration: 'P1M' }));

    expect(judge(policy, [ask(22)], 1).decision.outcome).toBe('denied');
  });

  it('is told all that is wrong at once, and granted nothing of the rest', () => {
    const effective = effectivePolicy([aPolicy(aPort())], { id });
    const result = decide({
      submission: {
        virtualMachines: [
          { id, ports: [ask(22), ask(23), ask(22, { protocol: 'Udp' })] },
          { id: id.replace('web-1', 'web-2'), ports: [ask(22)] },
          {
            id: id.replace('web-1', 'web-3'),
            ports: [{ number: 22, allowedSourceAddressPrefix: '0.0.0.0/0' }],
          },
        ],
        durationSeconds: 86_400,
        justification: '',
      },
      policies: [effective, undefined, effective],
      start: monday,
    });

    expect(codesOf(result)).toEqual([
      ['port-not-in-policy', 'virtualMachines[0].ports[1].number'],
      ['protocol-not-in-policy', 'virtualMachines[0].ports[2].protocol'],
      ['no-policy', 'virtualMachines[1].id'],
      ['source-not-in-policy', 'virtualMachines[2].ports[0].allowedSourceAddressPrefix'],
      ['duration-exceeds-policy', 'duration'],
    ]);
    expect(result.virtualMachines).toEqual([]);
  });
});

describe('what a policy demands beyond ports, sources and durations', () => {
  const asked = ask(22, { protocol: 'Tcp' });
  const demanding = (conditions: PolicyConditions) => policyFor('strict', id, [aPort()], { conditions });

  it('is approval, of which every rule of every policy counts once', () => {
    const rule = { approvers: 1, groups: [] };
    const two = { approvers: 2, groups: ['33333333-3333-4333-8333-333333333333'] };
    const policies = [
      policyFor('a', id, [aPort()], { conditions: { approval: rule } }),
      policyFor('b', id, [aPort()], { conditions: { approval: two } }),
      policyFor('c', id, [aPort()], { conditions: { approval: { ...rule } } }),
    ];

    const result = judge(policies, [asked]);

    expect(result.decision).toMatchObject({ outcome: 'needs-approval', policies: ['a', 'b', 'c'] });
    expect(codesOf(result)).toEqual([['approval-needed', undefined]]);
    expect(result.approval).toHaveLength(2);
    expect(result.approval).toEqual(expect.arrayContaining([rule, two]));
    expect(result.virtualMachines[0]?.ports[0]?.allowedSourceAddressPrefixes).toEqual(['203.0.113.7/32']);
  });

  it('needs no approval of what no such policy names', () => {
    const policies = [
      policyFor('a', id, [aPort({ number: 3389 })], {
        conditions: { approval: { approvers: 1, groups: [] } },
      }),
      policyFor('b', id, [aPort()]),
    ];

    expect(judge(policies, [asked]).decision.outcome).toBe('granted');
    expect(judge(policies, [asked, ask(3389)]).decision.outcome).toBe('needs-approval');
  });

  it('is a source no larger than a prefix length, of each family its own', () => {
    const policy = demanding({ largestSource: { IPv4: 28, IPv6: 64 } });
    const from = (allowedSourceAddressPrefix: string) =>
      judge(policy, [ask(22, { allowedSourceAddressPrefix })]);

    expect(from('203.0.113.0/28').decision.outcome).toBe('granted');
    expect(from('2001:db8::/64').decision.outcome).toBe('granted');
    for (const prefix of ['203.0.113.0/27', '2001:db8::/63']) {
      expect(from(prefix).decision.reasons).toMatchObject([
        {
          code: 'source-too-large',
          field: 'virtualMachines[0].ports[0].allowedSourceAddressPrefix',
          allowed: { IPv4: 28, IPv6: 64 },
        },
      ]);
    }
  });

  it('is a justification that matches as a whole', () => {
    const policy = demanding({ justificationPattern: 'INC[0-9]{4}' });
    const saying = (justification: string) => judge(policy, [asked], 3600, { justification });

    expect(saying('INC0042').decision.outcome).toBe('granted');
    for (const justification of ['see INC0042', 'INC0042 ', 'INC42', '']) {
      expect(saying(justification).decision.reasons).toMatchObject([
        { code: 'justification-not-accepted', field: 'justification', allowed: ['INC[0-9]{4}'] },
      ]);
    }
  });

  it('is met by nothing where a stored pattern cannot be read', () => {
    const policy = demanding({ justificationPattern: '(?=x)' });

    expect(codesOf(judge(policy, [asked]))).toEqual([['justification-not-accepted', 'justification']]);
  });

  const berlin = { days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00', timeZone: 'Europe/Berlin' };
  it.each([
    ['at its beginning', '2026-11-23T07:00:00Z', 'granted'],
    ['a moment before', '2026-11-23T06:59:59Z', 'denied'],
    ['in its last minute', '2026-11-23T16:59:59Z', 'granted'],
    ['at its end', '2026-11-23T17:00:00Z', 'denied'],
    ['on another day', '2026-11-22T11:00:00Z', 'denied'],
    ['an hour earlier by summer time', '2026-07-06T06:00:00Z', 'granted'],
  ])('is a window of the week, by the clock of its zone: %s', (_, start, outcome) => {
    const result = judge(demanding({ timeWindows: [berlin] }), [asked], 3600, { start: new Date(start) });

    expect(result.decision.outcome).toBe(outcome);
    if (outcome === 'denied') expect(codesOf(result)).toEqual([['outside-time-window', 'start']]);
  });

  it('is any window of one policy, and one of each of several policies', () => {
    const night = { ...berlin, from: '22:00', to: '24:00' };
    const start = new Date('2026-11-23T22:30:00Z');
    const either = demanding({ timeWindows: [berlin, night] });
    const only = policyFor('day', id, [aPort()], { conditions: { timeWindows: [berlin] } });

    expect(judge(either, [asked], 3600, { start }).decision.outcome).toBe('granted');
    expect(judge([either, only], [asked], 3600, { start }).decision.outcome).toBe('denied');
    expect(judge([either, only], [asked]).decision.outcome).toBe('granted');
  });

  it.each([{ timeZone: 'Europe/Atlantis' }, { from: 'morning' }])(
    'is met at no time where a stored window cannot be read: %j',
    (broken) => {
      const policy = demanding({ timeWindows: [{ ...berlin, ...broken }] });
      expect(codesOf(judge(policy, [asked]))).toEqual([['outside-time-window', 'start']]);
    },
  );

  it('tells who opens what is needed later: the least maximum and whether flows are cut', () => {
    const policies = [
      policyFor('a', id, [aPort(), aPort({ number: 3389, maxRequestAccessDuration: 'PT8H' })]),
      policyFor('b', id, [aPort({ number: 3389, maxRequestAccessDuration: 'PT2H' })], {
        conditions: { flushConnection: true },
      }),
    ];

    expect(judge(policies, [asked])).toMatchObject({ maximumSeconds: 10_800, flushConnection: false });
    expect(judge(policies, [asked, ask(3389)])).toMatchObject({
      maximumSeconds: 7_200,
      flushConnection: true,
    });
  });
});

describe('whatever is granted', () => {
  const prefix = fc.constantFrom(
    '0.0.0.0/0',
    '203.0.113.0/24',
    '203.0.113.0/25',
    '203.0.113.7/32',
    '198.51.100.0/24',
    '::/0',
    '2001:db8::/48',
    '2001:db8::1/128',
  );
  const number = fc.constantFrom(22, 3389);
  const protocol = fc.constantFrom(...protocols);
  const entry = fc.record({
    number,
    protocol,
    allowedSourceAddressPrefixes: fc.uniqueArray(prefix, { minLength: 1, maxLength: 3 }),
    maxRequestAccessDuration: fc.integer({ min: 1, max: 8 }).map((hours) => formatDuration(hours * 3600)),
  });
  const asked = fc.record(
    { number, protocol, allowedSourceAddressPrefix: prefix },
    { requiredKeys: ['number', 'allowedSourceAddressPrefix'] },
  );

  it('is never wider than any entry of the policy that names the port, and never more or less than was asked', () => {
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 1, maxLength: 4 }),
        fc.array(asked, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 8 * 3600 }),
        (entries, ports, durationSeconds) => {
          const { decision, virtualMachines } = judge(aPolicy(...entries), ports, durationSeconds);
          if (decision.outcome === 'denied') {
            expect(virtualMachines).toEqual([]);
            expect(decision.reasons.length).toBeGreaterThan(0);
            return;
          }
          const granted = virtualMachines[0]?.ports ?? [];
          expect(granted.map((port) => port.number)).toEqual(ports.map((port) => port.number));
          for (const [index, port] of granted.entries()) {
            const want = ports[index];
            if (want?.protocol !== undefined) expect(port.protocol).toBe(want.protocol);
            expect(port.allowedSourceAddressPrefixes).toEqual([want?.allowedSourceAddressPrefix]);
            const naming = entries.filter(
              (entry) =>
                entry.number === port.number &&
                (entry.protocol === '*' || port.protocol === '*' || entry.protocol === port.protocol),
            );
            expect(naming.some((entry) => entry.protocol === '*' || entry.protocol === port.protocol)).toBe(
              true,
            );
            for (const entry of naming) {
              const maximum = parseDuration(entry.maxRequestAccessDuration);
              expect(maximum.ok && durationSeconds <= maximum.seconds).toBe(true);
              for (const source of port.allowedSourceAddressPrefixes) {
                expect(
                  entry.allowedSourceAddressPrefixes.some((allowed) => containsPrefix(allowed, source)),
                ).toBe(true);
              }
            }
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('is granted with every narrowing of what the policy allows', () => {
    fc.assert(
      fc.property(entry, fc.integer({ min: 1, max: 3600 }), (only, durationSeconds) => {
        for (const allowedSourceAddressPrefix of only.allowedSourceAddressPrefixes) {
          const port = { number: only.number, protocol: only.protocol, allowedSourceAddressPrefix };
          expect(judge(aPolicy(only), [port], durationSeconds).decision.outcome).toBe('granted');
        }
      }),
    );
  });
});
