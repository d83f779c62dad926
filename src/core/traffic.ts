import { canonicalPrefix, rangeOf, rangesOverlap } from './address.ts';
import type { AddressRange } from './address.ts';
import type { Box } from './accessRequest.ts';
import { portRange } from './securityRule.ts';
import type { RuleMeaning } from './securityRule.ts';

/** The packets that a rule or a box is about, as numbers; `any` stands for what cannot be told from the text as well. */
export interface Traffic {
  /** Lower case. */
  protocol: string;
  sources: AddressRange[] | 'any';
  destinations: AddressRange[] | 'any';
  ports: [first: number, last: number][] | 'any';
}

const protocolsApart: ReadonlySet<string> = new Set(['tcp', 'udp', 'icmp', 'icmpv6', 'esp', 'ah']);

/** The packets of a box; throws if a prefix is not canonical. */
export function trafficOfBox(box: Box): Traffic {
  return {
    protocol: box.protocol.toLowerCase(),
    sources: box.sourceAddressPrefixes.map(rangeOf),
    destinations: box.destinationAddressPrefixes.map(rangeOf),
    ports: box.destinationPorts.map((port) => [port, port]),
  };
}

/**
 * The packets that a rule may be about: tags, application security groups and whatever is not understood count as
 * any, so that doubt refuses a grant and never opens one. Source ports are left out: a client may choose them.
 */
export function trafficOfRule(rule: RuleMeaning): Traffic {
  return {
    protocol: rule.protocol,
    sources: addressRanges(rule.sources),
    destinations: addressRanges(rule.destinations),
    ports: understood(rule.destinationPorts, portRange),
  };
}

/** Whether there may be a packet that both are about. */
export function trafficMeets(a: Traffic, b: Traffic): boolean {
  return (
    protocolsMeet(a.protocol, b.protocol) &&
    meet(a.ports, b.ports, (one, other) => one[0] <= other[1] && other[0] <= one[1]) &&
    meet(a.destinations, b.destinations, rangesOverlap) &&
    meet(a.sources, b.sources, rangesOverlap)
  );
}

function protocolsMeet(a: string, b: string): boolean {
  return a === b || !protocolsApart.has(a) || !protocolsApart.has(b);
}

function meet<T>(a: T[] | 'any', b: T[] | 'any', overlap: (one: T, other: T) => boolean): boolean {
  if (a === 'any' || b === 'any') return true;
  return a.some((one) => b.some((other) => overlap(one, other)));
}

function addressRanges(texts: string[]): AddressRange[] | 'any' {
  return understood(texts, (text) => (canonicalPrefix(text) === text ? rangeOf(text) : undefined));
}

function understood<T>(texts: string[], read: (text: string) => T | undefined): T[] | 'any' {
  const all = texts.map(read).filter((value) => value !== undefined);
  return all.length === 0 || all.length < texts.length ? 'any' : all;
}
