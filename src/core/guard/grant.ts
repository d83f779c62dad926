import { readPrefix } from './addressText.ts';
import type { Family } from './addressText.ts';
import type { OpaqueSets } from './opaqueSets.ts';
import type { Cell } from './region.ts';
import { cellsIn, trafficOfRule } from './traffic.ts';
import type { Space, Traffic } from './traffic.ts';

/** What a grant admits as a cross product; the same shape as a live row's. */
export interface GrantedBox {
  protocol: 'Tcp' | 'Udp' | '*';
  /** Addresses or prefixes without host bits; with the destinations all of one family. */
  sourceAddressPrefixes: string[];
  destinationAddressPrefixes: string[];
  /** 0 to 65535. */
  destinationPorts: number[];
}

/** A grant that is live now. */
export interface LiveGrant {
  requestId: string;
  boxes: GrantedBox[];
  /** The planner says that it cannot be opened, with a reason: its packets may be refused, and need not be kept. */
  declined?: boolean;
}

/** What a baseline that stands now keeps shut: as a box, but tags and `*` may be sources. */
export type Baseline = GrantedBox;

/** A grant or a baseline as sets of packets. */
export interface Claim {
  requestId: string;
  declined: boolean;
  cells(space: Space): Cell[];
}

/** Reads a live grant; throws an Error that names it if a box is malformed: it is our own, nothing is guessed. */
export function readGrant(grant: LiveGrant, sets: OpaqueSets): Claim {
  const traffics = grant.boxes.map((box) => {
    checkBox(box, `grant ${grant.requestId}`, box.sourceAddressPrefixes);
    return inboundTraffic(box, sets);
  });
  return claim(grant.requestId, grant.declined === true, traffics, sets);
}

/** Reads a baseline; throws if it is malformed. */
export function readBaseline(box: Baseline, sets: OpaqueSets): Claim {
  checkBox(box, 'baseline', []);
  return claim('', false, [inboundTraffic(box, sets)], sets);
}

function claim(requestId: string, declined: boolean, traffics: Traffic[], sets: OpaqueSets): Claim {
  return {
    requestId,
    declined,
    cells: (space) => traffics.flatMap((traffic) => cellsIn(space, traffic, sets)),
  };
}

function inboundTraffic(box: GrantedBox, sets: OpaqueSets): Traffic {
  const properties = {
    direction: 'Inbound',
    protocol: box.protocol,
    sourceAddressPrefixes: box.sourceAddressPrefixes,
    destinationAddressPrefixes: box.destinationAddressPrefixes,
    sourcePortRange: '*',
    destinationPortRanges: box.destinationPorts.map(String),
  };
  return trafficOfRule('', properties, sets);
}

function checkBox(box: GrantedBox, of: string, sources: string[]): void {
  const fail = (problem: string) => {
    throw new Error(`A box of the ${of} is malformed: ${problem}`);
  };
  if (!['Tcp', 'Udp', '*'].includes(box.protocol)) fail('its protocol is none of Tcp, Udp and *');
  if (box.sourceAddressPrefixes.length === 0) fail('it has no source');
  if (box.destinationAddressPrefixes.length === 0) fail('it has no destination');
  if (box.destinationPorts.length === 0) fail('it has no port');
  if (box.destinationPorts.some((port) => !Number.isInteger(port) || port < 0 || port > 65535)) {
    fail('a port is no whole number from 0 to 65535');
  }
  const found = new Set<Family>();
  for (const text of [...sources, ...box.destinationAddressPrefixes]) {
    const prefix = readPrefix(text);
    if (prefix === undefined) fail(`${JSON.stringify(text)} is no address or prefix`);
    else found.add(prefix.family);
  }
  if (found.size > 1) fail('it mixes address families');
}
