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

type Test<T> = (value: T) => boolean;

/** Whether packets get in, by the rules of this body. */
export function judgeOf(body: JsonObject): Test<Packet> {
  const properties = body['properties'] as JsonObject;
  const lists = [properties['securityRules'], properties['defaultSecurityRules'] ?? []] as JsonObject[][];
  const rules = lists
    .flat()
    .map((rule) => rule['properties'] as JsonObject)
    .filter((rule) => rule['direction'] === 'Inbound')
    .sort((a, b) => Number(a['priority']) - Number(b['priority']))
    .map((rule) => ({ allows: textOf(rule['access']).toLowerCase() === 'allow', matches: matcherOf(rule) }));
  return (packet) => rules.find((rule) => rule.matches(packet))?.allows ?? false;
}

/** Whether packets match a rule, given its raw properties. */
export function matcherOf(rule: JsonObject): Test<Packet> {
  const anyOf = <T>(one: string, many: string, read: (text: string) => Test<T>): Test<T> => {
    const tests = [rule[one], ...((rule[many] ?? []) as Json[])]
      .filter((text) => typeof text === 'string')
      .map(read);
    return (value) => tests.some((test) => test(value));
  };
  const protocol = textOf(rule['protocol']).toLowerCase();
  const port = anyOf('destinationPortRange', 'destinationPortRanges', portTest);
  const source = anyOf('sourceAddressPrefix', 'sourceAddressPrefixes', addressTest);
  const destination = anyOf('destinationAddressPrefix', 'destinationAddressPrefixes', addressTest);
  return (packet) =>
    (protocol === '*' || protocol === packet.protocol.toLowerCase()) &&
    port(packet.destinationPort) &&
    source({ family: packet.family, value: packet.source }) &&
    destination({ family: packet.family, value: packet.destination });
}

interface Address {
  family: 4 | 6;
  value: bigint;
}

/** Whether an address is meant by `*`, a tag, an address or a prefix. */
function addressTest(text: string): Test<Address> {
  if (text === '*') return () => true;
  const tag = text.toLowerCase();
  if (tag === 'internet') {
    const inside = Object.keys(tags).map(addressTest);
    return (address) => !inside.some((test) => test(address));
  }
  const meant = (tags[tag] ?? [text]).map(span);
  return ({ family, value }) =>
    meant.some((range) => range.family === family && range.first <= value && value <= range.last);
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

function portTest(text: string): Test<number> {
  if (text === '*') return () => true;
  const [first = '', last = first] = text.split('-');
  return (port) => Number(first) <= port && port <= Number(last);
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
