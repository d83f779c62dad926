import { aggregate, canonicalPrefix } from './address.ts';
import type { Json, JsonObject } from './network.ts';

/** What planning needs to know of any rule, foreign ones included. */
export interface RuleHead {
  /** Empty if the rule has none. */
  name: string;
  /** NaN if it has none. */
  priority: number;
  /** Lower case, as are direction and access. */
  access: string;
  direction: string;
  description: string;
  provisioningState: string | undefined;
}

/**
 * What a rule says, whatever its spelling: singular or plural, order, case, `10.0.0.1` or `10.0.0.1/32`, `22` or
 * `22-22`. Its priority and description are not part of it. Plain strings, so that it can be stored and compared.
 */
export interface RuleMeaning {
  protocol: string;
  access: string;
  direction: string;
  /** `22`, `8000-8010`, `*`; adjacent ones united. What is not understood stays as text, in lower case. */
  sourcePorts: string[];
  destinationPorts: string[];
  /** Canonical prefixes, `*`, tags in lower case, `asg:<id>`; anything else as text. */
  sources: string[];
  destinations: string[];
}

/** Reads the simple fields of a raw rule; never throws. */
export function readHead(raw: Json): RuleHead {
  const rule = asObject(raw);
  const properties = asObject(rule['properties']);
  const state = properties['provisioningState'];
  return {
    name: textOf(rule['name']),
    priority: typeof properties['priority'] === 'number' ? properties['priority'] : NaN,
    access: textOf(properties['access']).toLowerCase(),
    direction: textOf(properties['direction']).toLowerCase(),
    description: textOf(properties['description']),
    provisioningState: typeof state === 'string' ? state : undefined,
  };
}

/** Reads what a raw rule says; never throws, whoever wrote the rule. */
export function readMeaning(raw: Json): RuleMeaning {
  const properties = asObject(asObject(raw)['properties']);
  const values = (one: string, many: string) => valuesOf(properties[one], properties[many]);
  const groups = (many: string) =>
    valuesOf(undefined, properties[many]).map(
      (group) => `asg:${textOf(asObject(group)['id']) || textOf(group)}`,
    );
  const head = readHead(raw);
  return {
    protocol: textOf(properties['protocol']).toLowerCase(),
    access: head.access,
    direction: head.direction,
    sourcePorts: canonicalPorts(values('sourcePortRange', 'sourcePortRanges')),
    destinationPorts: canonicalPorts(values('destinationPortRange', 'destinationPortRanges')),
    sources: canonicalAddresses([
      ...values('sourceAddressPrefix', 'sourceAddressPrefixes'),
      ...groups('sourceApplicationSecurityGroups'),
    ]),
    destinations: canonicalAddresses([
      ...values('destinationAddressPrefix', 'destinationAddressPrefixes'),
      ...groups('destinationApplicationSecurityGroups'),
    ]),
  };
}

/** Whether two rules say the same. */
export function sameMeaning(a: RuleMeaning, b: RuleMeaning): boolean {
  return (
    a.protocol === b.protocol &&
    a.access === b.access &&
    a.direction === b.direction &&
    sameList(a.sourcePorts, b.sourcePorts) &&
    sameList(a.destinationPorts, b.destinationPorts) &&
    sameList(a.sources, b.sources) &&
    sameList(a.destinations, b.destinations)
  );
}

/** How many addresses and ports a raw rule lists, per field: Azure limits each to 4,000 in one NSG. */
export function countValues(
  raw: Json,
): [sources: number, destinations: number, ports: number, sourcePorts: number] {
  const properties = asObject(asObject(raw)['properties']);
  const count = (one: string, many: string) => valuesOf(properties[one], properties[many]).length;
  return [
    count('sourceAddressPrefix', 'sourceAddressPrefixes'),
    count('destinationAddressPrefix', 'destinationAddressPrefixes'),
    count('destinationPortRange', 'destinationPortRanges'),
    count('sourcePortRange', 'sourcePortRanges'),
  ];
}

/** The first and last port of a canonical port text, or undefined if it is not understood. */
export function portRange(text: string): [first: number, last: number] | undefined {
  if (text === '*') return [0, 65535];
  const [, first, last] = /^(0|[1-9]\d{0,4})(?:-(0|[1-9]\d{0,4}))?$/.exec(text) ?? [];
  if (first === undefined) return undefined;
  const range: [number, number] = [Number(first), Number(last ?? first)];
  return range[0] <= range[1] && range[1] <= 65535 ? range : undefined;
}

function canonicalPorts(values: Json[]): string[] {
  const texts = values.map((value) => textOf(value).toLowerCase());
  const ranges = texts.map(portRange).filter((range) => range !== undefined);
  const united: [number, number][] = [];
  for (const [first, last] of ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const top = united.at(-1);
    if (top !== undefined && first <= top[1] + 1) top[1] = Math.max(top[1], last);
    else united.push([first, last]);
  }
  return [
    ...united.map(([first, last]) =>
      first === last ? `${first}` : first === 0 && last === 65535 ? '*' : `${first}-${last}`,
    ),
    ...sortedSet(texts.filter((text) => portRange(text) === undefined)),
  ];
}

function canonicalAddresses(values: Json[]): string[] {
  const prefixes: string[] = [];
  const others: string[] = [];
  for (const value of values) {
    const text = textOf(value);
    // `*` stays apart from 0.0.0.0/0: it covers IPv6 as well.
    const prefix = canonicalPrefix(text);
    if (prefix === undefined) others.push(text.toLowerCase());
    else prefixes.push(prefix);
  }
  return [...aggregate(prefixes), ...sortedSet(others)];
}

/** The portal and the CLI rewrite singular to plural and back; the API answers unused lists as `[]`. */
function valuesOf(one: Json | undefined, many: Json | undefined): Json[] {
  const listed = Array.isArray(many) ? many : [many];
  return [one, ...listed].filter(
    (value): value is Json => value !== undefined && value !== null && value !== '',
  );
}

function sortedSet(texts: string[]): string[] {
  return [...new Set(texts)].sort();
}

function sameList(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}

function textOf(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value.trim() : JSON.stringify(value);
}

function asObject(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
