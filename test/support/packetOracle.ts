import type { Json, JsonObject } from '../../src/core/network.ts';

/**
 * Says what Azure would do with one packet, from the raw rules alone: the first match in the order of priority decides.
 * It shares no code with the planner, its address arithmetic included.
 */
export interface Packet {
  protocol: 'Tcp' | 'Udp' | 'Icmp';
  family: 4 | 6;
  source: bigint;
  destination: bigint;
  destinationPort: number;
}

/** What the tags mean in this little world. */
const tags: Record<string, string[]> = {
  virtualnetwork: ['10.0.0.0/8', 'fd00::/8'],
  azureloadbalancer: ['168.63.129.16/32'],
};

export function admits(body: JsonObject, packet: Packet): boolean {
  return deciding(body, packet)?.access === 'Allow';
}

/** The inbound rule that decides over a packet. */
export function deciding(body: JsonObject, packet: Packet): { access: string; priority: number } | undefined {
  const properties = body['properties'] as JsonObject;
  const lists = [properties['securityRules'], properties['defaultSecurityRules'] ?? []] as JsonObject[][];
  return lists
    .flat()
    .map((rule) => rule['properties'] as JsonObject)
    .filter((rule) => rule['direction'] === 'Inbound' && matches(rule, packet))
    .map((rule) => ({ access: textOf(rule['access']), priority: Number(rule['priority']) }))
    .sort((a, b) => a.priority - b.priority)[0];
}

/** Whether a raw rule's properties match a packet. */
export function matches(rule: JsonObject, packet: Packet): boolean {
  const any = (one: string, many: string, test: (text: string) => boolean) =>
    [rule[one], ...((rule[many] ?? []) as Json[])].some((text) => typeof text === 'string' && test(text));
  const protocol = textOf(rule['protocol']).toLowerCase();
  return (
    (protocol === '*' || protocol === packet.protocol.toLowerCase()) &&
    any('destinationPortRange', 'destinationPortRanges', (text) =>
      portMatches(text, packet.destinationPort),
    ) &&
    any('sourceAddressPrefix', 'sourceAddressPrefixes', (text) =>
      addressMatches(text, packet.family, packet.source),
    ) &&
    any('destinationAddressPrefix', 'destinationAddressPrefixes', (text) =>
      addressMatches(text, packet.family, packet.destination),
    )
  );
}

/** Whether an address is meant by `*`, a tag, an address or a prefix. */
export function addressMatches(text: string, family: 4 | 6, address: bigint): boolean {
  if (text === '*') return true;
  const tag = text.toLowerCase();
  if (tag === 'internet') {
    return !Object.keys(tags).some((name) => addressMatches(name, family, address));
  }
  const meant = tags[tag];
  if (meant !== undefined) return meant.some((prefix) => addressMatches(prefix, family, address));
  const range = span(text);
  return range.family === family && range.first <= address && address <= range.last;
}

/** First and last address of an address or prefix. */
export function span(text: string): { family: 4 | 6; first: bigint; last: bigint } {
  const [address = '', length] = text.split('/');
  const family = address.includes(':') ? 6 : 4;
  const bits = family === 4 ? 32 : 128;
  const size = 2n ** BigInt(bits - Number(length ?? bits));
  const first = family === 4 ? number4(address) : number6(address);
  return { family, first, last: first + size - 1n };
}

function portMatches(text: string, port: number): boolean {
  if (text === '*') return true;
  const [first = '', last = first] = text.split('-');
  return Number(first) <= port && port <= Number(last);
}

function number4(address: string): bigint {
  return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function number6(address: string): bigint {
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => text.split(':').filter((group) => group !== '');
  const left = groups(head);
  const right = groups(tail ?? '');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
}

/** A text of a raw rule, empty if it is none. */
export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
