import { invalidFormat, providerError } from './errors.ts';
import type { JsonObject, Nsg, Rule, RuleProperties } from './resource.ts';
import { isObject, without } from './resource.ts';

const LISTS = [
  'sourcePortRanges',
  'destinationPortRanges',
  'sourceAddressPrefixes',
  'destinationAddressPrefixes',
] as const;
const SINGLES = [
  'description',
  'sourcePortRange',
  'destinationPortRange',
  'sourceAddressPrefix',
  'destinationAddressPrefix',
] as const;
const GROUPS = ['sourceApplicationSecurityGroups', 'destinationApplicationSecurityGroups'] as const;
const PROTOCOLS = ['tcp', 'udp', 'icmp', 'esp', 'ah', '*'];

const REQUIRED = ['protocol', 'access', 'priority', 'direction'] as const;
const KNOWN = new Set<string>([...SINGLES, ...LISTS, ...GROUPS, ...REQUIRED]);

/**
 * Reads a rule as a request (or a state file) gives it: access and direction get Azure's casing, the protocol keeps
 * its own, read-only properties are dropped and unknown ones are kept. Throws the provider's 400 for what it cannot read.
 */
export function readRule(name: string, body: unknown): Rule {
  if (!isObject(body) || !isObject(body['properties'])) {
    throw invalidFormat('InvalidJson', `Security rule ${name} has no properties.`);
  }
  const unknown = without(body, 'id', 'etag', 'type', 'name', 'properties');
  const properties = withoutEmpty(without(body['properties'], 'provisioningState'));
  for (const key of SINGLES) expect(properties[key], key, 'a string', isString);
  for (const key of LISTS) expect(properties[key], key, 'a list of strings', isListOf(isString));
  for (const key of GROUPS) expect(properties[key], key, 'a list of ids', isListOf(hasId));
  for (const key of REQUIRED) {
    if (properties[key] === undefined) throw missingParameter(name, key);
  }
  expect(properties['priority'], 'priority', 'an integer', Number.isInteger);
  expect(properties['protocol'], 'protocol', 'a protocol', (value) => isOneOf(value, PROTOCOLS));
  const access = cased(properties['access'], 'access', ['Allow', 'Deny']);
  const direction = cased(properties['direction'], 'direction', ['Inbound', 'Outbound']);
  return {
    ...unknown,
    name,
    properties: { ...(properties as RuleProperties), access, direction, provisioningState: 'Updating' },
  };
}

/** The rule as Azure shows it: fixed key order, the plural lists always there, unknown properties last. */
export function renderRule(nsg: Nsg, rule: Rule): JsonObject {
  const { name, properties, ...unknown } = rule;
  const known: JsonObject = {};
  const remaining: JsonObject = { ...properties };
  const take = (key: string, otherwise?: unknown): void => {
    const value = remaining[key] ?? otherwise;
    if (value !== undefined) known[key] = value;
    Reflect.deleteProperty(remaining, key);
  };
  take('provisioningState');
  take('description');
  take('protocol');
  for (const key of SINGLES.slice(1)) take(key);
  for (const key of ['access', 'priority', 'direction']) take(key);
  for (const key of LISTS) take(key, []);
  for (const key of GROUPS) take(key);
  return {
    name,
    id: `${nsg.id}/securityRules/${name}`,
    etag: `W/"${nsg.etag}"`,
    type: 'Microsoft.Network/networkSecurityGroups/securityRules',
    properties: { ...known, ...remaining },
    ...unknown,
  };
}

/** In the fields that the provider knows, null means "not given", and so does an empty list. */
function withoutEmpty(properties: JsonObject): JsonObject {
  const empty = (key: string, value: unknown): boolean =>
    KNOWN.has(key) && (value === null || (Array.isArray(value) && value.length === 0));
  return Object.fromEntries(Object.entries(properties).filter(([key, value]) => !empty(key, value)));
}

function missingParameter(name: string, key: string) {
  return providerError(
    400,
    'SecurityRuleParametersMissing',
    `Required security rule parameters are missing for security rule with Id: ${name}. ` +
      `Security rule must specify ${key.charAt(0).toUpperCase()}${key.slice(1)}.`,
  );
}

function expect(value: unknown, key: string, what: string, test: (value: unknown) => boolean): void {
  if (value !== undefined && !test(value)) {
    throw invalidFormat('InvalidJson', `Property ${key} must be ${what}, not ${JSON.stringify(value)}.`);
  }
}

function cased(value: unknown, key: string, allowed: string[]): string {
  const match = allowed.find((word) => isString(value) && word.toLowerCase() === value.toLowerCase());
  if (match !== undefined) return match;
  throw invalidFormat('InvalidJson', `Property ${key} must be one of ${allowed.join(', ')}.`);
}

function isOneOf(value: unknown, lowerCased: string[]): boolean {
  return isString(value) && lowerCased.includes(value.toLowerCase());
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function hasId(value: unknown): boolean {
  return isObject(value) && isString(value['id']);
}

function isListOf(test: (value: unknown) => boolean) {
  return (value: unknown): boolean => Array.isArray(value) && value.every(test);
}
