import { asObject, asText, firstDifference } from './json.ts';
import type { Json, JsonObject } from './json.ts';
import type { OpaqueSets } from './opaqueSets.ts';
import { trafficOfRule } from './traffic.ts';
import type { Traffic } from './traffic.ts';

export type Owner = 'installation' | 'foreign' | 'azure';

/** One rule of the body that was read, of the body to write, or of both. */
export interface Rule {
  name: string;
  owner: Owner;
  raw: Json;
  /** Undefined if it cannot be told: the rule may then stand anywhere. */
  priority: number | undefined;
  /** `unknown` may be either. */
  access: 'allow' | 'deny' | 'unknown';
  traffic: Traffic;
  inBefore: boolean;
  inAfter: boolean;
}

/** An NSG body in parts. */
export interface NsgBody {
  rules: Json[];
  defaultRules: Json[];
  /** Everything but the rules. */
  rest: JsonObject;
}

/** Takes a body apart; throws if it is no NSG body. */
export function readBody(body: JsonObject): NsgBody {
  const properties = body['properties'];
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) {
    throw new Error('The NSG body has no properties');
  }
  const { securityRules = [], ...others } = properties;
  const defaults = properties['defaultSecurityRules'] ?? [];
  if (!Array.isArray(securityRules)) throw new Error('The NSG body has securityRules that are no list');
  return {
    rules: securityRules,
    defaultRules: Array.isArray(defaults) ? defaults : [],
    rest: { ...body, properties: others },
  };
}

/** The name of a raw rule; empty if it has none that is text. */
export function nameOf(raw: Json): string {
  const name = asObject(raw)['name'];
  return typeof name === 'string' ? name : '';
}

/** Whether a rule is this installation's, by its name alone; ARM ignores the case of names. */
export function isOurs(raw: Json, installation: string): boolean {
  return nameOf(raw).toLowerCase().startsWith(`sallyport-${installation}-`);
}

/** The request that an owned rule is named for; undefined if its name is not as we write it. */
export function requestOf(name: string, installation: string): string | undefined {
  return /^([0-9a-f]{32})-\d+$/.exec(name.toLowerCase().slice(`sallyport-${installation}-`.length))?.[1];
}

/**
 * The rules of two bodies that differ in owned rules only, in the order in which they are evaluated. A rule that
 * is the same in both stands there once.
 */
export function mergeRules(before: NsgBody, after: NsgBody, installation: string, sets: OpaqueSets): Rule[] {
  const oldOnes = before.rules.filter((raw) => isOurs(raw, installation));
  const newOnes = after.rules.filter((raw) => isOurs(raw, installation));
  const byName = new Map(oldOnes.map((raw) => [nameOf(raw).toLowerCase(), raw]));
  const kept = new Set<Json>();
  const owned = newOnes.map((raw) => {
    const old = byName.get(nameOf(raw).toLowerCase());
    const same = old !== undefined && firstDifference(old, raw) === undefined;
    if (same) kept.add(old);
    return readRule(raw, 'installation', { inBefore: same, inAfter: true }, sets);
  });
  const both = { inBefore: true, inAfter: true };
  return inOrder(
    [
      ...before.rules
        .filter((raw) => !isOurs(raw, installation))
        .map((raw) => readRule(raw, 'foreign', both, sets)),
      ...before.defaultRules.map((raw) => readRule(raw, 'azure', both, sets)),
      ...oldOnes
        .filter((raw) => !kept.has(raw))
        .map((raw) => readRule(raw, 'installation', { inBefore: true, inAfter: false }, sets)),
      ...owned,
    ],
    sets,
  );
}

/**
 * The rules of two bodies that were read one after the other, in the order in which they are evaluated: whoever changed
 * what. A rule that says the same in both stands there once, whatever Azure notes beside it.
 */
export function mergeReadRules(
  before: NsgBody,
  after: NsgBody,
  installation: string,
  sets: OpaqueSets,
): Rule[] {
  const [old, next] = [before, after].map(({ rules, defaultRules }) => {
    const ours = (raw: Json): Owner => (isOurs(raw, installation) ? 'installation' : 'foreign');
    return new Map<string, { raw: Json; owner: Owner }>([
      ...rules.map((raw) => [wordsOf(raw), { raw, owner: ours(raw) }] as const),
      ...defaultRules.map((raw) => [wordsOf(raw), { raw, owner: 'azure' }] as const),
    ]);
  });
  const keys = new Set([...(old?.keys() ?? []), ...(next?.keys() ?? [])]);
  const rules = [...keys].flatMap((key) => {
    const [inBefore, inAfter] = [old?.has(key) === true, next?.has(key) === true];
    const found = next?.get(key) ?? old?.get(key);
    return found === undefined ? [] : [readRule(found.raw, found.owner, { inBefore, inAfter }, sets)];
  });
  return inOrder(rules, sets);
}

/** What a rule says, without the state that Azure notes in it. */
function wordsOf(raw: Json): string {
  const properties = { ...asObject(asObject(raw)['properties']) };
  delete properties['provisioningState'];
  return JSON.stringify([nameOf(raw).toLowerCase(), properties]);
}

function readRule(
  raw: Json,
  owner: Owner,
  stands: Pick<Rule, 'inBefore' | 'inAfter'>,
  sets: OpaqueSets,
): Rule {
  const name = nameOf(raw);
  const properties = asObject(asObject(raw)['properties']);
  const access = asText(properties['access']).toLowerCase();
  const priority = properties['priority'];
  return {
    name,
    owner,
    raw,
    priority: typeof priority === 'number' && Number.isFinite(priority) ? priority : undefined,
    access: access === 'allow' || access === 'deny' ? access : 'unknown',
    traffic: trafficOfRule(name, properties, sets),
    ...stands,
  };
}

/**
 * By priority. A rule whose priority cannot be told is put into every place, in each as an opaque set of its own:
 * wherever it stands in truth, there is a combination of sets that says so.
 */
function inOrder(rules: Rule[], sets: OpaqueSets): Rule[] {
  const placed = rules
    .filter((rule) => rule.priority !== undefined)
    .sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0));
  const stray = rules.filter((rule) => rule.priority === undefined);
  if (stray.length === 0) return placed;
  return [...placed, undefined].flatMap((rule, place) => [
    ...stray.map((one) => ({
      ...one,
      traffic: {
        ...one.traffic,
        inside: one.traffic.inside | sets.bitOf(`rule ${one.name} standing at place ${place}`),
      },
    })),
    ...(rule === undefined ? [] : [rule]),
  ]);
}
