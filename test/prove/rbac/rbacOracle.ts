/**
 * What somebody may do in a small tenant, worked out from how it truly is: a tree of scopes, the members of groups, and
 * sets of actions out of the few that there are. It shares no code with the product.
 */
import {
  everybody,
  parents,
  universe,
  type Denial,
  type RbacWorld,
  type RolePermission,
} from './rbacWorld.ts';

/** Action → why it is allowed or not. Only those that begin with `allowed` are. */
export function explain(world: RbacWorld, person: string, scope: string): Map<string, string> {
  const own = new Set([person, ...groupsHolding(world, person)]);
  const above = scopesFrom(scope);
  const reasons = new Map(universe.map((action) => [action, 'no role']));

  for (const assignment of world.assignments) {
    if (!own.has(assignment.principal) || !above.has(assignment.scope)) continue;
    if (assignment.isConditional || assignment.broken !== undefined) continue;
    for (const permission of world.roles.get(assignment.role) ?? []) {
      for (const action of allowedBy(permission)) reasons.set(action, `allowed by ${assignment.role}`);
    }
  }
  for (const denial of world.denials) {
    if (!isAbout(denial, person, own) || !isThere(denial, scope, above)) continue;
    for (const action of forbiddenBy(denial)) reasons.set(action, `forbidden by ${denial.id}`);
  }
  return reasons;
}

/** Every group that a person is in, through other groups too. */
export function groupsHolding({ groups }: RbacWorld, person: string): Set<string> {
  const holding = new Set<string>();
  // As often as there are groups: by then nothing new can come.
  for (let round = 0; round < groups.size; round += 1) {
    for (const [group, members] of groups) {
      if (members.some((member) => member === person || holding.has(member))) holding.add(group);
    }
  }
  return holding;
}

/** A scope and all that are above it. */
export function scopesFrom(scope: string): Set<string> {
  const found = new Set<string>();
  for (let at: string | undefined = scope; at !== undefined; at = parents[at]) found.add(at);
  return found;
}

function allowedBy({ actions, notActions, isConditional }: RolePermission): string[] {
  if (isConditional || !Array.isArray(actions) || notActions === 'broken') return [];
  const taken = named(notActions ?? []);
  return [...named(actions)].filter((action) => !taken.has(action));
}

function forbiddenBy({ permissions, broken }: Denial): Set<string> {
  if (broken === 'permissions') return new Set(universe);
  const forbidden = new Set<string>();
  for (const { actions, notActions, dataActions } of permissions) {
    const isOfDataAlone = actions === undefined && Array.isArray(dataActions);
    const spared = named(Array.isArray(notActions) ? notActions : []);
    const meant = isOfDataAlone ? [] : Array.isArray(actions) ? named(actions) : universe;
    for (const action of meant) if (!spared.has(action)) forbidden.add(action);
  }
  return forbidden;
}

function isAbout({ principals, excluded, broken }: Denial, person: string, own: Set<string>): boolean {
  if (excluded.includes(person)) return false;
  // Azure still knows whom a denial speaks of whose list was garbled on the way.
  return broken === 'principals' || principals.some((id) => id === everybody || own.has(id));
}

function isThere({ scope, isOfThisScopeOnly, broken }: Denial, asked: string, above: Set<string>): boolean {
  // Azure still lists it for what is below; that it was meant for one scope alone cannot be seen any more.
  return isOfThisScopeOnly && broken !== 'scope' ? scope === asked : above.has(scope);
}

/** Those of all actions that one of the patterns names. */
function named(patterns: string[]): Set<string> {
  return new Set(universe.filter((action) => patterns.some((pattern) => isNamed(pattern, action))));
}

const memory = new Map<string, boolean>();

/** Letter by letter: a star stands for nothing, or for one letter more. */
function isNamed(pattern: string, action: string): boolean {
  const key = `${pattern}\n${action}`;
  const known = memory.get(key);
  if (known !== undefined) return known;
  let reached = new Set([0]);
  for (const letter of pattern) {
    const next = new Set<number>();
    for (const at of reached) {
      if (letter === '*') for (let to = at; to <= action.length; to += 1) next.add(to);
      else if (at < action.length && isSameLetter(letter, action.charAt(at))) next.add(at + 1);
    }
    reached = next;
  }
  const is = reached.has(action.length);
  memory.set(key, is);
  return is;
}

function isSameLetter(one: string, other: string): boolean {
  return one === other || (/[a-z]/i.test(one) && one.toUpperCase() === other.toUpperCase());
}
