import type { Band } from './band.ts';
import type { Installation } from './installation.ts';
import type { Json, JsonObject } from './network.ts';
import { isOwned, parseOwnedName } from './ownedRule.ts';
import { readHead } from './securityRule.ts';
import type { RuleHead } from './securityRule.ts';

/** One rule of a body, and where in the list it stands. */
export interface PlacedRule {
  raw: Json;
  index: number;
  head: RuleHead;
}

/** The rules of an NSG body, told apart by whose they are. */
export interface NsgRules {
  rules: Json[];
  /** As Azure spells it; empty if it is missing. */
  provisioningState: string;
  foreign: PlacedRule[];
  owned: PlacedRule[];
  /** Request id to its owned rules, whatever they say. */
  byRequest: Map<string, PlacedRule[]>;
}

/** The rules in a raw NSG body; throws if it is no NSG body. */
export function readRules(body: JsonObject, installation: string): NsgRules {
  const properties = propertiesOf(body);
  const rules = properties['securityRules'] ?? [];
  if (!Array.isArray(rules)) throw new Error('The NSG body has securityRules that are no list');
  const state = properties['provisioningState'];
  const nsgRules: NsgRules = {
    rules,
    provisioningState: typeof state === 'string' ? state : '',
    foreign: [],
    owned: [],
    byRequest: new Map(),
  };
  rules.forEach((raw, index) => {
    const rule = { raw, index, head: readHead(raw) };
    if (!isOwned(rule.head.name, installation)) {
      nsgRules.foreign.push(rule);
      return;
    }
    nsgRules.owned.push(rule);
    const parsed = parseOwnedName(rule.head.name, installation);
    if (parsed === undefined) return;
    const siblings = nsgRules.byRequest.get(parsed.requestId);
    if (siblings === undefined) nsgRules.byRequest.set(parsed.requestId, [rule]);
    else siblings.push(rule);
  });
  return nsgRules;
}

/** The body to write: the one that was read, with its list of rules replaced and nothing else. */
export function planBody(body: JsonObject, securityRules: Json[]): JsonObject {
  return { ...body, properties: { ...propertiesOf(body), securityRules } };
}

/**
 * Whether an owned rule is a baseline: a deny behind the allows, of no grant. That no row names it is no reason to remove it,
 * for to remove it opens: only a recorded decision on its policy is.
 */
export function isBaseline({ head }: PlacedRule, { id, allowBand }: Pick<Installation, 'id' | 'allowBand'>) {
  const { name, access, priority } = head;
  return (
    isOwned(name, id) &&
    parseOwnedName(name, id) === undefined &&
    access === 'deny' &&
    priority > allowBand.last
  );
}

/** Whether a rule stands among the inbound ones; what is not understood counts, so that no slot is taken twice. */
export function isInbound(rule: PlacedRule): boolean {
  return rule.head.direction !== 'outbound';
}

/** Foreign inbound rules that may deny at the end of the band or earlier, first match first. */
export function foreignDenies(nsgRules: NsgRules, band: Band): PlacedRule[] {
  return nsgRules.foreign
    .filter((rule) => isInbound(rule) && rule.head.access !== 'allow' && !(rule.head.priority > band.last))
    .sort((a, b) => a.head.priority - b.head.priority || 0);
}

function propertiesOf(body: JsonObject): JsonObject {
  const properties = body['properties'];
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) {
    throw new Error('The NSG body has no properties');
  }
  return properties;
}
