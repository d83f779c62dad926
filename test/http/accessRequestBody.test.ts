import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { isIPv4, isIPv6 } from 'node:net';
import { parseAccessRequestBody } from '../../src/http/accessRequestBody.ts';
import type { FieldProblem } from '../../src/http/problem.ts';

const group = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/contoso-rg';
const vm = (name: string) => `${group}/providers/Microsoft.Compute/virtualMachines/${name}`;

function aBody(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    virtualMachines: [{ id: vm('web-1'), ports: [{ number: 22 }] }],
    duration: 'PT1H',
    justification: 'Restart the web server',
    ...changes,
  };
}
const withPort = (changes: Record<string, unknown>) =>
  aBody({ virtualMachines: [{ id: vm('web-1'), ports: [{ number: 22, ...changes }] }] });
const withPorts = (count: number, id = vm('web-1')) => ({
  id,
  ports: Array.from({ length: count }, (_, index) => ({ number: index + 1 })),
});

function problemsOf(json: unknown): FieldProblem[] {
  const result = parseAccessRequestBody(json);
  return result.ok ? [] : result.problems;
}
const summaryOf = (json: unknown) => problemsOf(json).map(({ field, code }) => [field, code]);
const without = (name: string) => Object.fromEntries(Object.entries(aBody()).filter(([key]) => key !== name));

describe('the shape of an access request', () => {
  it.each([
    ['a body that is null', null, undefined, 'wrong-type'],
    ['a body that is a list', [], undefined, 'wrong-type'],
    ['a body that is text', 'PT1H', undefined, 'wrong-type'],
    ['no virtual machines', without('virtualMachines'), 'virtualMachines', 'missing'],
    ['no duration', without('duration'), 'duration', 'missing'],
    ['no justification', without('justification'), 'justification', 'missing'],
    ['virtual machines that are an object', aBody({ virtualMachines: {} }), 'virtualMachines', 'wrong-type'],
    ['virtual machines that are null', aBody({ virtualMachines: null }), 'virtualMachines', 'wrong-type'],
    ['an empty list of virtual machines', aBody({ virtualMachines: [] }), 'virtualMachines', 'empty'],
    [
      'a virtual machine that is text',
      aBody({ virtualMachines: [vm('web-1')] }),
      'virtualMachines[0]',
      'wrong-type',
    ],
    ['no id', aBody({ virtualMachines: [{ ports: [{ number: 22 }] }] }), 'virtualMachines[0].id', 'missing'],
    ['no ports', aBody({ virtualMachines: [{ id: vm('a') }] }), 'virtualMachines[0].ports', 'missing'],
    [
      'an empty list of ports',
      aBody({ virtualMachines: [{ id: vm('a'), ports: [] }] }),
      'virtualMachines[0].ports',
      'empty',
    ],
    ['a port that is text', withPort({ number: '22' }), 'virtualMachines[0].ports[0].number', 'wrong-type'],
    [
      'a port with a fraction',
      withPort({ number: 22.5 }),
      'virtualMachines[0].ports[0].number',
      'out-of-range',
    ],
    ['port 0', withPort({ number: 0 }), 'virtualMachines[0].ports[0].number', 'out-of-range'],
    ['port 65536', withPort({ number: 65_536 }), 'virtualMachines[0].ports[0].number', 'out-of-range'],
    [
      'a port beyond all integers',
      withPort({ number: 1e300 }),
      'virtualMachines[0].ports[0].number',
      'out-of-range',
    ],
    ['no port number', withPort({ number: undefined }), 'virtualMachines[0].ports[0].number', 'missing'],
    [
      'another protocol',
      withPort({ protocol: 'Icmp' }),
      'virtualMachines[0].ports[0].protocol',
      'not-allowed',
    ],
    [
      'a protocol that is null',
      withPort({ protocol: null }),
      'virtualMachines[0].ports[0].protocol',
      'wrong-type',
    ],
    [
      'a source that is a list',
      withPort({ allowedSourceAddressPrefix: ['203.0.113.7'] }),
      'virtualMachines[0].ports[0].allowedSourceAddressPrefix',
      'wrong-type',
    ],
    [
      'a source of 65 characters',
      withPort({ allowedSourceAddressPrefix: '1'.repeat(65) }),
      'virtualMachines[0].ports[0].allowedSourceAddressPrefix',
      'too-long',
    ],
    ['an unknown field', aBody({ approvedBy: 'me' }), 'approvedBy', 'unknown'],
    [
      'an unknown field of a port',
      withPort({ priority: 100 }),
      'virtualMachines[0].ports[0].priority',
      'unknown',
    ],
    ['an unknown field with a strange name', aBody({ 'a b"': 1 }), '["a b\\""]', 'unknown'],
    ['a duration that is a number', aBody({ duration: 3600 }), 'duration', 'wrong-type'],
    ['a justification that is a number', aBody({ justification: 1 }), 'justification', 'wrong-type'],
    ['a justification of white space', aBody({ justification: ' \u3000' }), 'justification', 'empty'],
    ['a justification that nobody sees', aBody({ justification: '\u200B\u3164' }), 'justification', 'empty'],
    [
      'a justification of 1,001 characters',
      aBody({ justification: 'x'.repeat(1_001) }),
      'justification',
      'too-long',
    ],
    [
      'an id of a scale set',
      aBody({
        virtualMachines: [
          {
            id: `${group}/providers/Microsoft.Compute/virtualMachineScaleSets/a/virtualMachines/0`,
            ports: [{ number: 22 }],
          },
        ],
      }),
      'virtualMachines[0].id',
      'vm-not-supported',
    ],
    [
      '11 virtual machines',
      aBody({ virtualMachines: Array.from({ length: 11 }, (_, index) => withPorts(1, vm(`a${index}`))) }),
      'virtualMachines',
      'too-many',
    ],
    ['21 ports', aBody({ virtualMachines: [withPorts(21)] }), 'virtualMachines[0].ports', 'too-many'],
    [
      '51 ports in all',
      aBody({ virtualMachines: [withPorts(20, vm('a')), withPorts(20, vm('b')), withPorts(11, vm('c'))] }),
      'virtualMachines',
      'too-many',
    ],
    [
      'a virtual machine twice',
      aBody({ virtualMachines: [withPorts(1), withPorts(2, vm('web-1').toUpperCase())] }),
      'virtualMachines[1]',
      'duplicate',
    ],
    [
      'a port twice',
      aBody({
        virtualMachines: [
          {
            id: vm('a'),
            ports: [
              { number: 22, protocol: 'TCP', allowedSourceAddressPrefix: '203.0.113.7' },
              { allowedSourceAddressPrefix: '203.0.113.7/32', number: 22, protocol: 'tcp' },
            ],
          },
        ],
      }),
      'virtualMachines[0].ports[1]',
      'duplicate',
    ],
  ])('refuses %s', (_name, json, field, code) => {
    expect(summaryOf(json)).toEqual([[field, code]]);
  });

  it('may be as large as its limits', () => {
    const virtualMachines = Array.from({ length: 10 }, (_, index) => withPorts(5, vm(`vm-${index}`)));

    expect(problemsOf(aBody({ virtualMachines, justification: '🔧'.repeat(1_000) }))).toEqual([]);
    expect(problemsOf(aBody({ virtualMachines: [withPorts(20)] }))).toEqual([]);
  });

  it('may ask for one port from two sources and by two protocols', () => {
    const ports = [
      { number: 22, allowedSourceAddressPrefix: '203.0.113.7' },
      { number: 22, allowedSourceAddressPrefix: '203.0.113.8' },
      { number: 22, protocol: 'Tcp', allowedSourceAddressPrefix: '203.0.113.7' },
    ];

    expect(problemsOf(aBody({ virtualMachines: [{ id: vm('web-1'), ports }] }))).toEqual([]);
  });

  it.each(['\n', '\0', '\x7f', '\x85', '\u202E', '\u2066', '\uDC00', '\uD83D x'])(
    'refuses %j in the justification',
    (character) => {
      expect(summaryOf(aBody({ justification: `a${character}b` }))).toEqual([
        ['justification', 'unfit-characters'],
      ]);
    },
  );

  it('is not deceived by members that are named after prototypes', () => {
    const text = JSON.stringify(aBody()).slice(0, -1);

    for (const member of ['__proto__', 'constructor', 'toString']) {
      const json: unknown = JSON.parse(`${text},"${member}":{"admin":true}}`);
      expect(summaryOf(json)).toEqual([[member, 'unknown']]);
    }
    expect(summaryOf(JSON.parse('{"__proto__":{"duration":"PT1H","justification":"x"}}'))).toContainEqual([
      'duration',
      'missing',
    ]);
    expect(Object.hasOwn(Object.prototype, 'admin')).toBe(false);
  });
});

describe('a duration', () => {
  it.each(['PT0S', '-PT1H', 'P1M', 'P1Y', 'PT999999999H', '1h', ''])('is refused as %j', (duration) => {
    expect(summaryOf(aBody({ duration }))).toEqual([['duration', 'duration-malformed']]);
  });
});

describe('a source', () => {
  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['203.0.113.7/24', '203.0.113.0/24'],
    ['::ffff:203.0.113.7', '203.0.113.7/32'],
    ['2001:db8::1/64', '2001:db8::/64'],
  ])('written as %s is refused with the form that would be right', (allowedSourceAddressPrefix, correct) => {
    const [problem] = problemsOf(withPort({ allowedSourceAddressPrefix }));

    expect(problem).toMatchObject({
      field: 'virtualMachines[0].ports[0].allowedSourceAddressPrefix',
      code: 'source-malformed',
      allowed: correct,
    });
    expect(problem?.detail).toContain(correct);
  });

  it.each([
    '010.0.0.1',
    '1.2.3',
    '224.0.0.1',
    'ff02::1',
    '0x0a.0.0.1',
    '*',
    'Internet',
    'VirtualNetwork',
    '',
    ' 203.0.113.7',
    '203.0.113.7/33',
    '203.0.113.7/',
    'fe80::1%eth0',
    '203.0.113.7,198.51.100.7',
    '203.0.113.256',
  ])('written as %j is refused in a sentence', (allowedSourceAddressPrefix) => {
    const [problem] = problemsOf(withPort({ allowedSourceAddressPrefix }));

    expect(problem?.code).toBe('source-malformed');
    expect(problem?.detail).toMatch(/\.$/);
  });

  it.each(['0.0.0.0/0', '::/0'])(
    'written as %s has the right form: it is for the policy',
    (allowedSourceAddressPrefix) => {
      expect(problemsOf(withPort({ allowedSourceAddressPrefix }))).toEqual([]);
    },
  );
});

describe('whatever JSON comes', () => {
  it('is judged without throwing, and what is accepted keeps to an independent reading of the rules', () => {
    // Mostly what may be right: were every part drawn from anything, no whole body would ever be accepted.
    const mostly = (right: fc.Arbitrary<unknown>, anything: fc.Arbitrary<unknown> = fc.jsonValue()) =>
      fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: anything });
    const source = mostly(
      fc.oneof(
        fc.ipV4(),
        fc.ipV6(),
        fc.tuple(fc.ipV4(), fc.nat(40)).map(([address, length]) => `${address}/${length}`),
      ),
      fc.oneof(fc.ipV4Extended(), fc.string()),
    );
    const port = fc.record(
      {
        number: mostly(fc.integer({ min: -1, max: 65_537 })),
        protocol: mostly(fc.constantFrom('tcp', 'UDP', '*'), fc.oneof(fc.constant('Any'), fc.jsonValue())),
        allowedSourceAddressPrefix: source,
      },
      { requiredKeys: ['number'] },
    );
    const virtualMachine = fc.record({
      id: fc.constantFrom(vm('a'), vm('A'), vm('b'), vm('c'), `${vm('d')}/`),
      ports: fc.array(port, { minLength: 1, maxLength: 2 }),
    });
    const body = fc.record({
      virtualMachines: mostly(fc.array(virtualMachine, { minLength: 1, maxLength: 2 })),
      duration: mostly(fc.constantFrom('PT1H', 'P1D', 'P1M')),
      justification: mostly(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 1 }))),
    });
    let accepted = 0;

    fc.assert(
      fc.property(
        fc.oneof({ weight: 9, arbitrary: body }, { weight: 1, arbitrary: fc.jsonValue() }),
        (json) => {
          const result = parseAccessRequestBody(json);
          if (!result.ok) {
            expect(result.problems.length).toBeGreaterThan(0);
            return;
          }
          accepted += 1;
          const { virtualMachines, justification, durationSeconds } = result.body;
          expect(durationSeconds).toBeGreaterThan(0);
          expect(justification).toMatch(/^[^\p{Cc}\p{Cs}]{1,1000}$/u);
          expect(new Set(virtualMachines.map(({ id }) => id.toLowerCase())).size).toBe(
            virtualMachines.length,
          );
          for (const { number, protocol, allowedSourceAddressPrefix } of virtualMachines.flatMap(
            ({ ports }) => ports,
          )) {
            expect(Number.isInteger(number) && number >= 1 && number <= 65_535).toBe(true);
            expect([undefined, 'Tcp', 'Udp', '*']).toContain(protocol);
            if (allowedSourceAddressPrefix === undefined) continue;
            const [address = '', length = ''] = allowedSourceAddressPrefix.split('/');
            expect(isIPv4(address) || isIPv6(address)).toBe(true);
            expect(Number(length)).toBeLessThanOrEqual(isIPv4(address) ? 32 : 128);
          }
        },
      ),
      { numRuns: 1_500 },
    );
    expect(accepted).toBeGreaterThan(0);
  });
});
