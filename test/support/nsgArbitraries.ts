import fc from 'fast-check';
import type { LiveRow, RequestedPort } from '../../src/core/accessRequest.ts';
import { boxesOf } from '../../src/core/box.ts';
import type { Installation } from '../../src/core/installation.ts';
import type { JsonObject, VirtualMachineAddress } from '../../src/core/network.ts';
import { span } from './packetOracle.ts';
import type { Packet } from './packetOracle.ts';

/** A small world, so that rules and grants meet often and the band is often full. */
export const installation: Installation = {
  id: 'contoso',
  allowBand: { first: 110, last: 117 },
  baselineBand: { first: 118, last: 120 },
};
export const noon = new Date('2026-03-04T12:00:00Z');

export interface Grant {
  row: LiveRow;
  ports: RequestedPort[];
  addresses: VirtualMachineAddress[];
}

const address6 = (host: number) => (host === 0 ? '2001:db8::' : `2001:db8::${host.toString(16)}`);
const prefix4 = (base: string) =>
  fc.tuple(fc.nat(15), fc.integer({ min: 28, max: 32 })).map(([host, length]) => {
    const size = 2 ** (32 - length);
    return `${base}.${host - (host % size)}/${length}`;
  });
const prefix6 = fc.tuple(fc.nat(15), fc.integer({ min: 124, max: 128 })).map(([host, length]) => {
  const size = 2 ** (128 - length);
  return `${address6(host - (host % size))}/${length}`;
});
/** Its spellings in a rule: a single address with or without its length. */
const spelled = (prefix: fc.Arbitrary<string>) =>
  fc.tuple(prefix, fc.boolean()).map(([text, short]) => (short ? text.replace(/\/(32|128)$/, '') : text));

const sourcePrefix = fc.oneof(
  { weight: 4, arbitrary: prefix4('203.0.113') },
  { weight: 2, arbitrary: prefix6 },
  { weight: 1, arbitrary: fc.constantFrom('0.0.0.0/0', '::/0') },
);
const port = fc.constantFrom(22, 23, 24, 80, 443, 3389);
const protocol = fc.constantFrom('Tcp' as const, 'Udp' as const, '*' as const);

function field(one: string, single: fc.Arbitrary<string>, listed: fc.Arbitrary<string>) {
  return fc.oneof(
    single.map((text): JsonObject => ({ [one]: text, [many(one)]: [] })),
    fc.array(listed, { minLength: 1, maxLength: 3 }).map((texts): JsonObject => ({ [many(one)]: texts })),
  );
}
const many = (one: string) => (one.endsWith('x') ? `${one}es` : `${one}s`);
const tag = fc.constantFrom('*', 'VirtualNetwork', 'Internet', 'AzureLoadBalancer', 'virtualnetwork');
const portText = fc.oneof(
  port.map(String),
  fc.tuple(fc.integer({ min: 20, max: 25 }), fc.nat(4)).map(([first, more]) => `${first}-${first + more}`),
);
const source = spelled(sourcePrefix);
const destination = spelled(fc.oneof(prefix4('10.0.0'), prefix6));

/** A rule of somebody else; its priority and name are given when the list is made. */
const foreignProperties = fc
  .tuple(
    field('sourceAddressPrefix', fc.oneof(source, tag), source),
    field('destinationAddressPrefix', fc.oneof(destination, tag), destination),
    field('destinationPortRange', fc.oneof(portText, fc.constant('*')), portText),
    fc.record({
      protocol: fc.constantFrom('Tcp', 'TCP', 'udp', 'Icmp', '*'),
      access: fc.constantFrom('Allow', 'Deny'),
      direction: fc.constantFrom('Inbound', 'Inbound', 'Inbound', 'Outbound'),
      sourcePortRange: fc.constant('*'),
      provisioningState: fc.constant('Succeeded'),
    }),
    fc.dictionary(fc.constantFrom('description', 'futureProperty', 'x-note'), fc.jsonValue({ maxDepth: 1 }), {
      maxKeys: 2,
    }),
  )
  .map((parts) => Object.assign({}, ...parts) as JsonObject);

/** Lists of foreign rules with unique priorities, some before, in, and after the band; not sorted. */
export function foreignRules(accepts: (priority: number, properties: JsonObject) => boolean = () => true) {
  return fc
    .uniqueArray(fc.tuple(fc.integer({ min: 100, max: 135 }), foreignProperties), {
      maxLength: 12,
      selector: ([priority]) => priority,
    })
    .map((rules) =>
      rules
        .filter(([priority, properties]) => accepts(priority, properties))
        .map(([priority, properties], index): JsonObject => ({
          name: `rule-${index}`,
          id: `/subscriptions/s/rule-${index}`,
          etag: 'W/"1"',
          properties: { ...properties, priority },
        })),
    );
}

export function nsgBody(securityRules: JsonObject[]): JsonObject {
  const rule = (name: string, priority: number, access: string, sourceAddressPrefix: string): JsonObject => ({
    name,
    properties: {
      protocol: '*',
      sourcePortRange: '*',
      destinationPortRange: '*',
      sourceAddressPrefix,
      destinationAddressPrefix: sourceAddressPrefix === 'VirtualNetwork' ? sourceAddressPrefix : '*',
      access,
      priority,
      direction: 'Inbound',
    },
  });
  return {
    name: 'nsg-contoso',
    tags: { owner: 'fabrikam' },
    properties: {
      provisioningState: 'Succeeded',
      futureSetting: { kept: true },
      securityRules,
      defaultSecurityRules: [
        rule('AllowVnetInBound', 65000, 'Allow', 'VirtualNetwork'),
        rule('AllowAzureLoadBalancerInBound', 65001, 'Allow', 'AzureLoadBalancer'),
        rule('DenyAllInBound', 65500, 'Deny', '*'),
      ],
    },
  };
}

const requestedPort: fc.Arbitrary<RequestedPort> = fc.record({
  number: port,
  protocol,
  allowedSourceAddressPrefixes: fc.array(sourcePrefix, { minLength: 1, maxLength: 4 }),
});

/** Grants of dual-stack machines, all desired at noon. */
export const grants: fc.Arbitrary<Grant[]> = fc
  .array(fc.tuple(fc.array(requestedPort, { minLength: 1, maxLength: 3 }), fc.nat(15)), {
    minLength: 1,
    maxLength: 5,
  })
  .map((list) =>
    list.map(([ports, host], index): Grant => {
      const addresses: VirtualMachineAddress[] = [
        { family: 'IPv4', address: `10.0.0.${host}` },
        { family: 'IPv6', address: address6(host) },
      ];
      const row: LiveRow = {
        nsgId: '/subscriptions/s/nsg',
        // Not in the order of the list, so that order is seen to come from the ids.
        requestId: ((index * 7 + 3) % 11).toString(16).padStart(32, '0'),
        version: 1,
        state: index % 2 === 0 ? 'opening' : 'active',
        start: '2026-03-04T11:00:00Z',
        end: '2026-03-04T13:00:00Z',
        boxes: boxesOf(ports, addresses, 'virtualMachines[0]').boxes,
      };
      return { row, ports, addresses };
    }),
  );

/** Whether a packet is of what was granted, judged by the request and not by its boxes. */
export function isGranted({ ports, addresses }: Grant, packet: Packet): boolean {
  const isThere = (text: string, address: bigint) => {
    const range = span(text);
    return range.family === packet.family && range.first <= address && address <= range.last;
  };
  return (
    addresses.some(({ address }) => isThere(address, packet.destination)) &&
    ports.some(
      (entry) =>
        (entry.protocol === '*' || entry.protocol === packet.protocol) &&
        entry.number === packet.destinationPort &&
        entry.allowedSourceAddressPrefixes.some((prefix) => isThere(prefix, packet.source)),
    )
  );
}

const watchedPorts = [22, 23, 24, 80, 443, 3389].flatMap((number) => [number, number - 1, number + 1]);

/**
 * Packets at the borders of rules and grants and one beside them, mixed by the picks, and for each granted source
 * those at its borders that are otherwise as granted.
 */
export function packetsFor(body: JsonObject, granted: Grant[], picks: number[]): Packet[] {
  const texts = JSON.stringify([body, granted]).matchAll(
    /"((?:10\.0\.0|203\.0\.113)\.[0-9./]+|2001:db8::[0-9a-f/]*)"/g,
  );
  const ranges = [...new Set([...texts].map((match) => match[1] ?? ''))].map(span);
  const strangers = ['198.51.100.1', '168.63.129.16', '2001:db8:1::1', 'fd00::1'].map(span);
  const addresses = (family: 4 | 6) =>
    [...ranges, ...strangers].filter((range) => range.family === family).flatMap(borders);
  const byFamily = { 4: addresses(4), 6: addresses(6) };
  const mixed = picks.map((seed): Packet => {
    const family = seed % 3 === 0 ? 6 : 4;
    return {
      family,
      protocol: pick(['Tcp', 'Tcp', 'Udp', 'Icmp'], seed >>> 2),
      source: pick(byFamily[family], seed >>> 4),
      destination: pick(byFamily[family], seed >>> 11),
      destinationPort: pick(watchedPorts, seed >>> 18),
    };
  });
  return [...mixed, ...granted.flatMap(packetsOfGrant)];
}

function packetsOfGrant({ ports, addresses }: Grant): Packet[] {
  return ports.flatMap((entry) =>
    entry.allowedSourceAddressPrefixes.map(span).flatMap((range) =>
      addresses
        .map(({ address }) => span(address))
        .filter(({ family }) => family === range.family)
        .flatMap(({ first: destination }) =>
          borders(range).map((source) => ({
            family: range.family,
            protocol: entry.protocol === '*' ? ('Icmp' as const) : entry.protocol,
            source,
            destination,
            destinationPort: entry.number,
          })),
        ),
    ),
  );
}

function borders({ family, first, last }: { family: 4 | 6; first: bigint; last: bigint }): bigint[] {
  const end = 2n ** (family === 4 ? 32n : 128n);
  return [first - 1n, first, last, last + 1n].filter((address) => address >= 0n && address < end);
}

function pick<T>(list: T[], seed: number): T {
  const item = list[seed % list.length];
  if (item === undefined) throw new Error('Nothing to pick from');
  return item;
}
