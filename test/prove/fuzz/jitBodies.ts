import { vmId } from '../../support/grantWorld.ts';
import type { Random } from '../random.ts';
import { brokenAskedPorts, brokenMachines, brokenPolicyPorts } from './jitBreaks.ts';
import type { Break, Members } from './jitBreaks.ts';

/** A body that is right, or wrong at one place, whose field a refusal must name. */
export interface JitBody {
  json: unknown;
  field?: string;
}

const otherGroup = vmId.replace(/resourceGroups\/[^/]+/, 'resourceGroups/another-rg');
const sources = [
  ...['*', '*', '*', '203.0.113.0/24', '203.0.113.0/24', '203.0.112.0/23', '203.0.113.7'],
  ...['198.51.100.0/24', '2001:db8::/48'],
];
const askedSources = ['203.0.113.7', '203.0.113.9', '203.0.113.0/28', '203.0.112.0/23', '2001:db8::7', '*'];
const durations = ['PT1H', 'PT3H', 'PT3H', 'PT5M', 'PT90M', 'P1D', 'PT10800S'];
const askedDurations = ['PT5M', 'PT30M', 'PT60S', 'PT1H', 'PT1H', 'PT3H', 'PT3H1S'];
const forged = {
  requests: [
    {
      virtualMachines: [{ id: vmId, ports: [{ number: 22, status: 'Initiated', endTimeUtc: '2099-01-01' }] }],
      requestor: 'mallory@fabrikam.example',
    },
  ],
  provisioningState: 'Succeeded',
  appendMode: true,
};

/** A policy for everybody. */
export const widePolicy = {
  properties: {
    virtualMachines: [
      {
        id: vmId,
        ports: [22, 3389].map((number) => ({
          number,
          protocol: '*',
          allowedSourceAddressPrefix: '*',
          maxRequestAccessDuration: 'P1D',
        })),
      },
    ],
  },
};

/** What Microsoft documents for a policy, in all its spellings. */
export function aPolicyBody(random: Random): JitBody {
  const ports = [22, 3389].slice(0, 1 + random.below(2)).map((number) => ({
    number: random.oneIn(4) ? String(number) : number,
    protocol: random.pick(['TCP', 'tcp', 'UDP', '*', '*']),
    ...(random.oneIn(3)
      ? { allowedSourceAddressPrefixes: [random.pick(sources), random.pick(sources)] }
      : { allowedSourceAddressPrefix: random.pick(sources) }),
    maxRequestAccessDuration: random.pick(durations),
  }));
  const virtualMachines: Members[] = [{ id: inSomeCase(random), ports }];
  const right = (machines: unknown, more: Members = {}): unknown => ({
    ...(random.oneIn(2) && { kind: 'Basic' }),
    ...(random.oneIn(4) && { id: 'x', name: 'other', type: 'x', location: 'elsewhere', etag: 'x' }),
    properties: {
      virtualMachines: machines,
      ...(random.oneIn(2) && forged),
      ...(random.oneIn(3) && { sallyport: extension(random) }),
      ...more,
    },
  });
  if (!random.oneIn(2)) return { json: right(virtualMachines) };
  const at = 'properties.virtualMachines';
  const roots: readonly [string, unknown][] = [
    ...[[], null, {}, 'x', 7].map((machines) => [at, right(machines)] as [string, unknown]),
    [`${at}[0].id`, right([{ id: otherGroup, ports }])],
    [`${at}[0].id`, right([{ id: vmId.replace('11111111', '99999999'), ports }])],
    [`${at}[0].publicIpAddress`, right([{ id: vmId, ports, publicIpAddress: '203.0.113.9' }])],
    [`${at}[1]`, right([...virtualMachines, { id: vmId.toLowerCase(), ports }])],
    ['properties.state', right(virtualMachines, { state: 'Succeeded' })],
    ['properties.sallyport', right(virtualMachines, { sallyport: random.pick(['x', 7, [], true]) })],
    ['properties.sallyport.approval', right(virtualMachines, { sallyport: { approval: {} } })],
    ['properties.sallyport.conditions', right(virtualMachines, { sallyport: { conditions: [] } })],
    [
      'properties.sallyport.conditions.approval',
      right(virtualMachines, { sallyport: { conditions: { approval: { approvers: 0, groups: [] } } } }),
    ],
    ['properties', { kind: 'Basic' }],
    ['properties', { properties: random.pick<unknown>([null, [], 'x', 7]) }],
    ['owner', { ...(right(virtualMachines) as Members), owner: 'x' }],
    ['', random.pick<unknown>([null, [], 'x', 7, true])],
  ];
  return broken(random, { at, virtualMachines, right, ports: brokenPolicyPorts, roots });
}

/** What Microsoft documents for an initiate, in all its spellings. */
export function anInitiateBody(random: Random): JitBody {
  const ends = ['2026-11-23T13:00:00Z', '2026-11-23T14:59:59.1234567Z', '2026-11-23T15:00:10'];
  const ports = Array.from({ length: random.oneIn(2) ? 1 : 1 + random.below(3) }, () => ({
    number: random.pick<unknown>([22, 22, 22, '22', 3389, random.oneIn(4) ? 443 : 22]),
    ...(random.oneIn(4) && { protocol: random.pick(['TCP', 'udp', '*', null]) }),
    ...(random.oneIn(2) && { allowedSourceAddressPrefix: random.pick(askedSources) }),
    ...(random.oneIn(2) ? { duration: random.pick(askedDurations) } : { endTimeUtc: random.pick(ends) }),
    ...(random.oneIn(4) && { status: 'Revoked', statusReason: 'Expired', mappedPort: 9 }),
  }));
  const virtualMachines: Members[] = [{ id: inSomeCase(random), ports }];
  const right = (machines: unknown, more: Members = {}): unknown => ({
    virtualMachines: machines,
    ...(random.oneIn(2) && { justification: random.pick(['Ticket 4711', 'INC0042', '']) }),
    ...(random.oneIn(3) && { requestor: 'mallory@fabrikam.example', startTimeUtc: '2020-01-01T00:00:00Z' }),
    ...more,
  });
  if (!random.oneIn(2)) return { json: right(virtualMachines) };
  const at = 'virtualMachines';
  const roots: readonly [string, unknown][] = [
    ...[[], null, {}, 'x', Array<unknown>(11).fill(virtualMachines[0])].map(
      (machines) => [at, right(machines)] as [string, unknown],
    ),
    [`${at}[1]`, right([...virtualMachines, { id: vmId.toLowerCase(), ports }])],
    ...['requests', 'start', 'breakGlass', 'sallyport', 'state', 'priority', '__proto__'].map(
      (name) =>
        [name, right(virtualMachines, Object.fromEntries([[name, []]]) as Members)] as [string, unknown],
    ),
    ...[7, 'x'.repeat(4_000), 'a\nb', 'a\u202eb', []].map(
      (justification) => ['justification', right(virtualMachines, { justification })] as [string, unknown],
    ),
    ['', random.pick<unknown>([null, [], 'x', 7, true])],
  ];
  return broken(random, { at, virtualMachines, right, ports: brokenAskedPorts, roots });
}

function broken(
  random: Random,
  parts: {
    at: string;
    virtualMachines: readonly Members[];
    right: (machines: unknown) => unknown;
    ports: readonly Break[];
    roots: readonly [string, unknown][];
  },
): JitBody {
  const { at, right } = parts;
  const [machine = {}] = parts.virtualMachines;
  if (random.oneIn(4)) {
    const [field, json] = random.pick(parts.roots);
    return { json, field };
  }
  if (random.oneIn(4)) {
    const [path, members] = random.pick(brokenMachines);
    return { json: right([laidOver(machine, members)]), field: `${at}[0]${path}` };
  }
  const ports = machine['ports'] as Members[];
  const index = random.below(ports.length);
  const [path, members] = random.pick(parts.ports);
  const changed = ports.map((port, each) => (each === index ? laidOver(port, members) : port));
  return { json: right([{ ...machine, ports: changed }]), field: `${at}[0].ports[${index}]${path}` };
}

function laidOver(right: Members, members: Break[1]): unknown {
  if (typeof members === 'function') return members(right);
  // `__proto__` as a name of its own, as JSON.parse makes it.
  return Object.fromEntries([...Object.entries(right), ...Object.entries(members)]);
}

function extension(random: Random): unknown {
  const conditions = {
    ...(random.oneIn(2) && { approval: { approvers: 1 + random.below(2), groups: [] } }),
    ...(random.oneIn(2) && { largestSource: { IPv4: random.pick([24, 28, 32]) } }),
    ...(random.oneIn(3) && { justificationPattern: random.pick(['INC[0-9]{4}', '.*']) }),
  };
  return random.pick<unknown>([
    null,
    { conditions },
    { conditions },
    { conditions: null, version: 7 },
    { baseline: { kind: random.pick(['internet', 'none', 'everybody']) } },
  ]);
}

function inSomeCase(random: Random): string {
  return random.oneIn(4) ? random.pick([vmId.toUpperCase(), vmId.toLowerCase()]) : vmId;
}
