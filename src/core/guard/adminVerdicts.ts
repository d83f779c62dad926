import { packetsOf } from './difference.ts';
import { readBaseline } from './grant.ts';
import type { GrantedBox } from './grant.ts';
import { asObject, asText } from './json.ts';
import type { Json, JsonObject } from './json.ts';
import { createOpaqueSets } from './opaqueSets.ts';
import type { OpaqueSets } from './opaqueSets.ts';
import { cut, regionOf, touches, without } from './region.ts';
import type { Cell, Region } from './region.ts';
import { countSteps, OverBudget } from './steps.ts';
import type { Steps } from './steps.ts';
import { cellsIn, spaces, trafficOfRule } from './traffic.ts';
import type { Space } from './traffic.ts';

/** A security admin rule as Azure answers it, and what names it. */
export interface AdminRule {
  /** Rules of one list are evaluated by priority; which of two lists comes first, nobody says. */
  list: string;
  properties: JsonObject;
}

/** What one rule does to packets of a box before any network security group is asked. */
export interface AdminVerdict {
  /** Its place among the rules that were given. */
  rule: number;
  access: 'deny' | 'always-allow';
  /** Whether it, or another with the same access, does so for some packet whatever the tags and groups hold. */
  isCertain: boolean;
  /** Prefixes; `*` is everybody, and tags stand by name. */
  sources: string[];
}

export interface AdminVerdicts {
  verdicts: AdminVerdict[];
  /** No packet of the box gets as far as a network security group. */
  isKeptOut: boolean;
}

type Access = 'allow' | 'deny' | 'always-allow' | 'unknown';

interface PlacedRule {
  index: number;
  list: string;
  access: Access;
  /** Undefined if it cannot be told: the rule may then stand anywhere. */
  priority: number | undefined;
  cells: Cell[];
}

/** Packets, and every rule that may be the first to match them; none where no rule does. */
interface Piece {
  region: Region;
  rules: PlacedRule[];
}

/**
 * What security admin rules decide of the packets of a box: the first match by priority. Service tags, network groups and what
 * cannot be read are sets of which only the name is known, and a verdict that depends on one is not certain; nor is one
 * that depends on the order of rules of two lists, or of the same priority. Undefined beyond the budget of elementary
 * steps; throws if the box is malformed.
 */
export function adminVerdicts({
  rules,
  box,
  budget,
}: {
  rules: readonly AdminRule[];
  box: GrantedBox;
  budget: number;
}): AdminVerdicts | undefined {
  const sets = createOpaqueSets();
  const steps = countSteps(budget);
  const asked = readBaseline(box, sets);
  const apart = sets.bitOf('source in VirtualNetwork') | sets.bitOf('source in Internet');
  const verdicts: AdminVerdict[] = [];
  let isKeptOut = true;
  try {
    // A box names ports; packets that have none are not what is asked.
    for (const space of spaces.filter(({ ported }) => ported)) {
      const placed = placeRules(rules, space, sets);
      const pieces = asked
        .cells(space)
        .flatMap((cell) => piecesOf(regionOf(cell), placed, steps))
        .filter(({ region }) => (region.inside & apart) !== apart);
      if (pieces.some((piece) => !does(piece, 'deny'))) isKeptOut = false;
      for (const access of ['deny', 'always-allow'] as const) {
        verdicts.push(...verdictsOf(access, pieces, { space, sets, steps }));
      }
    }
  } catch (error) {
    if (error instanceof OverBudget) return undefined;
    throw error;
  }
  return { verdicts: joined(verdicts), isKeptOut };
}

function placeRules(rules: readonly AdminRule[], space: Space, sets: OpaqueSets): PlacedRule[] {
  return rules
    .map(({ list, properties }, index): PlacedRule => {
      const priority = properties['priority'];
      const traffic = trafficOfRule(String(index), wordsOfNsg(properties), sets);
      return {
        index,
        list,
        access: accessOf(properties),
        priority: typeof priority === 'number' && Number.isFinite(priority) ? priority : undefined,
        cells: cellsIn(space, traffic, sets),
      };
    })
    .sort((a, b) => (a.priority ?? -1) - (b.priority ?? -1));
}

function accessOf(properties: JsonObject): Access {
  switch (asText(properties['access']).toLowerCase()) {
    case 'allow':
      return 'allow';
    case 'deny':
      return 'deny';
    case 'alwaysallow':
      return 'always-allow';
    default:
      return 'unknown';
  }
}

/** The same in the words of a security rule. A network group is a set like an application security group: by its id. */
function wordsOfNsg(properties: JsonObject): JsonObject {
  const side = (value: Json | undefined) => {
    const items = (Array.isArray(value) ? value : []).map(asObject);
    const isGroup = (item: JsonObject) => asText(item['addressPrefixType']).toLowerCase() === 'networkgroup';
    return {
      prefixes: items.filter((item) => !isGroup(item)).map((item) => item['addressPrefix'] ?? 'nothing'),
      groups: items.filter(isGroup).map((item) => ({ id: item['addressPrefix'] ?? null })),
    };
  };
  const [sources, destinations] = [side(properties['sources']), side(properties['destinations'])];
  const protocol = asText(properties['protocol']);
  return {
    direction: properties['direction'] ?? null,
    protocol: protocol.toLowerCase() === 'any' ? '*' : protocol,
    sourceAddressPrefixes: sources.prefixes,
    sourceApplicationSecurityGroups: sources.groups,
    destinationAddressPrefixes: destinations.prefixes,
    destinationApplicationSecurityGroups: destinations.groups,
    sourcePortRanges: properties['sourcePortRanges'] ?? null,
    destinationPortRanges: properties['destinationPortRanges'] ?? null,
  };
}

/** A region by the rules that decide it, those in doubt about their order together. */
function piecesOf(start: Region, rules: readonly PlacedRule[], steps: Steps): Piece[] {
  const pieces: Piece[] = [];
  let left = [start];
  rules.forEach((rule, place) => {
    for (const cell of rule.cells) {
      left = left.flatMap((region) => {
        if (!touches(region, cell, steps)) return [region];
        const { inner, rest } = cut(region, cell, steps);
        pieces.push(...inDoubt({ region: inner, rules: [rule] }, rule, rules.slice(place + 1), steps));
        return rest;
      });
    }
  });
  return [...pieces, ...left.map((region) => ({ region, rules: [] }))];
}

/** A piece by those of the later rules that may as well come first. */
function inDoubt(piece: Piece, first: PlacedRule, later: readonly PlacedRule[], steps: Steps): Piece[] {
  let parts = [piece];
  for (const rule of later) {
    const isSurelyAfter =
      rule.list === first.list && first.priority !== undefined && rule.priority !== first.priority;
    if (isSurelyAfter || rule.access === first.access) continue;
    for (const cell of rule.cells) {
      parts = parts.flatMap((part) => {
        if (part.rules.includes(rule) || !touches(part.region, cell, steps)) return [part];
        const { inner, rest } = cut(part.region, cell, steps);
        const both = { region: inner, rules: [...part.rules, rule] };
        return [both, ...rest.map((region) => ({ ...part, region }))];
      });
    }
  }
  return parts;
}

/** Whether every rule that may come first has this access. */
function does({ rules }: Piece, access: Access): boolean {
  return rules.length > 0 && rules.every((rule) => rule.access === access);
}

function verdictsOf(
  access: AdminVerdict['access'],
  pieces: readonly Piece[],
  { space, sets, steps }: { space: Space; sets: OpaqueSets; steps: Steps },
): AdminVerdict[] {
  // A packet is certain where no membership of opaque sets makes it anything else.
  const others = pieces.filter((piece) => !does(piece, access)).map(({ region }) => pointsOf(region));
  return pieces.flatMap((piece) => {
    const rules = piece.rules.filter((rule) => rule.access === access || rule.access === 'unknown');
    if (rules.length === 0) return [];
    const isCertain = does(piece, access) && without([pointsOf(piece.region)], others, steps).length > 0;
    const { sources, inside } = packetsOf(space, piece.region, sets);
    const tags = inside.flatMap((set) =>
      /^source in |^group /.test(set) ? [set.replace('source in ', '')] : [],
    );
    const isEverybody = sources.includes('0.0.0.0/0') || sources.includes('::/0');
    const named = tags.length > 0 ? [tags.join(' and ')] : isEverybody ? ['*'] : sources;
    return rules.map(({ index }) => ({ rule: index, access, isCertain, sources: named }));
  });
}

/** The packets of a region whatever sets they are in. */
function pointsOf(region: Region): Region {
  return { ...region, inside: 0n, outside: 0n };
}

/** One verdict for each rule and access: certain if any of its pieces is. */
function joined(verdicts: readonly AdminVerdict[]): AdminVerdict[] {
  const found = new Map<string, AdminVerdict>();
  for (const one of verdicts) {
    const key = `${one.rule} ${one.access}`;
    const earlier = found.get(key);
    found.set(key, {
      ...one,
      isCertain: one.isCertain || earlier?.isCertain === true,
      sources: [...new Set([...(earlier?.sources ?? []), ...one.sources])],
    });
  }
  return [...found.values()].sort((a, b) => a.rule - b.rule);
}
