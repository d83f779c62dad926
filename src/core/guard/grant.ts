import { readPrefix } from './addressText.ts';
import type { Family } from './addressText.ts';
import { asText } from './json.ts';
import type { JsonObject } from './json.ts';
import type { OpaqueSets } from './opaqueSets.ts';
import type { Cell } from './region.ts';
import { common } from './spans.ts';
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
  /** Of one that somebody has narrowed only what the rule with these raw properties admits as well. */
  boxes: (GrantedBox & { narrowedTo?: JsonObject })[];
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
  const parts = grant.boxes.map((box) => {
    checkBox(box, `grant ${grant.requestId}`, box.sourceAddressPrefixes);
    const whole = inboundTraffic(box, sets);
    if (box.narrowedTo === undefined) return (space: Space) => cellsIn(space, whole, sets);
    const narrowed = allowedTraffic(box.narrowedTo, sets);
    return (space: Space) => commonCells(cellsIn(space, whole, sets), narrowed(space));
  });
  return {
    requestId: grant.requestId,
    declined: grant.declined === true,
    cells: (space) => parts.flatMap((cells) => cells(space)),
  };
}

/** Reads a baseline; throws if it is malformed. */
export function readBaseline(box: Baseline, sets: OpaqueSets): Claim {
  checkBox(box, 'baseline', []);
  const traffic = inboundTraffic(box, sets);
  return { requestId: '', declined: false, cells: (space) => cellsIn(space, traffic, sets) };
}

/** What a raw rule admits; nothing if it does not say that it allows. */
function allowedTraffic(properties: JsonObject, sets: OpaqueSets): (space: Space) => Cell[] {
  const traffic = trafficOfRule('that was accepted', properties, sets);
  return (space) =>
    asText(properties['access']).toLowerCase() === 'allow' ? cellsIn(space, traffic, sets) : [];
}

/** What is in a cell of each list: the box is what was granted, whatever its accepted form says. */
function commonCells(granted: Cell[], narrowed: Cell[]): Cell[] {
  const both = granted.flatMap((a) =>
    narrowed.map((b) => ({
      protocols: a.protocols & b.protocols,
      source: common(a.source, b.source),
      sourcePort: common(a.sourcePort, b.sourcePort),
      destination: common(a.destination, b.destination),
      destinationPort: common(a.destinationPort, b.destinationPort),
      inside: a.inside | b.inside,
    })),
  );
  return both.filter(
    ({ protocols, source, sourcePort, destination, destinationPort }) =>
      protocols !== 0 &&
      [source, sourcePort, destination, destinationPort].every((spans) => spans.length > 0),
  );
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
