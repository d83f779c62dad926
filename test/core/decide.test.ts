import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { protocols } from '../../src/core/accessRequest.ts';
import { containsPrefix } from '../../src/core/address.ts';
import { decide } from '../../src/core/decide.ts';
import type { Asked } from '../../src/core/decide.ts';
import { formatDuration, parseDuration } from '../../src/core/duration.ts';
import type { EffectivePolicy } from '../../src/core/effectivePolicy.ts';
import type { PolicyPort } from '../../src/core/policy.ts';

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

function aPolicy(...ports: PolicyPort[]): EffectivePolicy {
  return { id: 'web-1-ssh', virtualMachineId: id, ports };
}

type AskedPort = Asked['virtualMachines'][number]['ports'][number];

/** A source that `aPort` allows, unless told otherwise. */
function ask(number: number, changes: Partial<AskedPort> = {}): AskedPort {
  return { number, allowedSourceAddressPrefix: '203.0.113.7/32', ...changes };
}

function judge(policy: EffectivePolicy | undefined, ports: AskedPort[], durationSeconds = 3600) {
  return decide({
    submission: { virtualMachines: [{ id, ports }], durationSeconds },
    policies: [policy],
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

  it('needs one entry that admits it where the port is there twice', () => {
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
  it('is denied where there is no policy', () => {
    expect(codesOf(judge(undefined, [ask(22)]))).toEqual([['no-policy', 'virtualMachines[0].id']]);
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

  it('is denied what no single entry admits, although each part is in some entry', () => {
    const policy = aPolicy(
      aPort({ allowedSourceAddressPrefixes: ['203.0.113.0/24'], maxRequestAccessDuration: 'PT1H' }),
      aPort({ allowedSourceAddressPrefixes: ['198.51.100.0/24'], maxRequestAccessDuration: 'PT8H' }),
    );

    const result = judge(policy, [{ number: 22, allowedSourceAddressPrefix: '203.0.113.7/32' }], 7_200);

    expect(result.decision.reasons).toMatchObject([{ code: 'duration-exceeds-policy', allowed: 'PT1H' }]);
  });

  it('is denied everything where a maximum cannot be read', () => {
    const policy = aPolicy(aPort({ maxRequestAccessDuration: 'P1M' }));

    expect(judge(policy, [ask(22)], 1).decision.outcome).toBe('denied');
  });

  it('is told all that is wrong at once, and granted nothing of the rest', () => {
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
      },
      policies: [aPolicy(aPort()), undefined, aPolicy(aPort())],
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

  it('is never wider than one entry of the policy, and never more or less than was asked', () => {
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
            const holder = entries.find((candidate) => {
              const maximum = parseDuration(candidate.maxRequestAccessDuration);
              return (
                candidate.number === port.number &&
                (candidate.protocol === '*' || candidate.protocol === port.protocol) &&
                maximum.ok &&
                durationSeconds <= maximum.seconds &&
                port.allowedSourceAddressPrefixes.every((source) =>
                  candidate.allowedSourceAddressPrefixes.some((allowed) => containsPrefix(allowed, source)),
                )
              );
            });
            expect(holder).toBeDefined();
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
