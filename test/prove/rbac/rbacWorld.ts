import type { Random } from '../random.ts';

/** Azure RBAC as it truly is in a small tenant: who is in which group, and what was assigned to whom where. */
export interface RbacWorld {
  people: string[];
  /** Group → members, other groups among them. */
  groups: Map<string, string[]>;
  roles: Map<string, RolePermission[]>;
  assignments: Assignment[];
  denials: Denial[];
}

/** `broken` is what somebody's tool left there instead of a list. */
type Patterns = string[] | 'broken' | undefined;

export interface RolePermission {
  actions: Patterns;
  notActions: Patterns;
  dataActions: Patterns;
  isConditional: boolean;
}

export interface Assignment {
  scope: string;
  role: string;
  principal: string;
  isConditional: boolean;
  broken?: 'scope' | 'principal' | 'role';
}

export interface Denial {
  id: string;
  scope: string;
  permissions: RolePermission[];
  principals: string[];
  excluded: string[];
  isOfThisScopeOnly: boolean;
  broken?: 'scope' | 'permissions' | 'principals';
}

const subscription = '/subscriptions/11111111-2222-4333-8444-555555555555';
const group = `${subscription}/resourceGroups`;
const machines = 'providers/Microsoft.Compute/virtualMachines';
export const managementGroup = '/providers/Microsoft.Management/managementGroups/contoso';
export const everybody = '00000000-0000-0000-0000-000000000000';

/** Scope → the one above it. Names begin like others on purpose. */
export const parents: Readonly<Record<string, string | undefined>> = {
  '/': undefined,
  [managementGroup]: '/',
  [subscription]: managementGroup,
  [`${group}/web`]: subscription,
  [`${group}/web-2`]: subscription,
  [`${group}/web/${machines}/vm`]: `${group}/web`,
  [`${group}/web/${machines}/vm2`]: `${group}/web`,
  [`${group}/web-2/${machines}/vm`]: `${group}/web-2`,
};
const scopes = Object.keys(parents);
/** What is asked about: no role can be asked for at a management group. */
export const askedScopes = scopes.filter((scope) => scope.startsWith('/subscriptions'));

const jit = 'Microsoft.Security/locations/jitNetworkAccessPolicies';
/** Every action that there is. */
export const universe = [
  `${jit}/initiate/action`,
  `${jit}/read`,
  `${jit}/write`,
  `${jit}/delete`,
  'Microsoft.Compute/virtualMachines/read',
  'Microsoft.Compute/virtualMachines/write',
  'Microsoft.Compute/virtualMachines/extensions/read',
  'Microsoft.Network/networkInterfaces/read',
];
const patterns = [
  ...universe,
  '*',
  '*',
  '*',
  '*/read',
  '*/write',
  '*/action',
  'Microsoft.Security/*',
  'Microsoft.Compute/*',
  'Microsoft.Compute/*/read',
  'Microsoft.Compute/virtualMachines/*',
  `${jit}/*`,
  `${jit}/*/read`,
  'Microsoft.Security/*/initiate/action',
  'Microsoft.Sec*ies/read',
  '*jit*/*e',
  'Microsoft.Compute/virtualMachines',
  // The Kelvin sign is no K.
  'Microsoft.Networ\u212a/*',
  '',
];

const guid = (kind: number, number: number) =>
  `${kind.toString(16).padStart(8, '0')}-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
const several = <T>(random: Random, most: number, make: (index: number) => T): T[] =>
  Array.from({ length: random.below(most + 1) }, (_, index) => make(index));

/** A tenant of three people by chance. */
export function randomRbacWorld(random: Random): RbacWorld {
  const people = [guid(0xa, 1), guid(0xa, 2), guid(0xa, 3)];
  const groupIds = several(random, 4, (index) => guid(0xb, index));
  const groups = new Map(
    groupIds.map((id) => [id, several(random, 3, () => random.pick([...people, ...groupIds]))]),
  );
  const roles = new Map(
    [1, 2, 3].map((number) => [guid(0xc, number), several(random, 3, () => aPermission(random))]),
  );
  const principals = [...people, ...groupIds];
  const assignments = several(random, 9, (): Assignment => {
    const broken = random.oneIn(20) ? random.pick(['scope', 'principal', 'role'] as const) : undefined;
    return {
      scope: random.pick(random.oneIn(2) ? scopes : scopes.slice(0, 4)),
      role: random.pick([...roles.keys()]),
      principal: random.pick(principals),
      isConditional: random.oneIn(10),
      ...(broken === undefined ? {} : { broken }),
    };
  });
  const denials = random.oneIn(2) ? [] : several(random, 3, (number) => aDenial(random, number, principals));
  return { people, groups, roles, assignments, denials };
}

function aDenial(random: Random, number: number, principals: string[]): Denial {
  const broken = random.oneIn(15) ? random.pick(['scope', 'permissions', 'principals'] as const) : undefined;
  const scope = random.pick(scopes);
  return {
    id: `${scope === '/' ? '' : scope}/providers/Microsoft.Authorization/denyAssignments/${guid(0xd, number)}`,
    scope,
    permissions: several(random, 2, () => aPermission(random)),
    principals: random.oneIn(4) ? [everybody] : several(random, 2, () => random.pick(principals)),
    excluded: several(random, 2, () => random.pick(principals)),
    isOfThisScopeOnly: random.oneIn(3),
    ...(broken === undefined ? {} : { broken }),
  };
}

function aPermission(random: Random): RolePermission {
  const list = (most: number): Patterns =>
    random.oneIn(25)
      ? 'broken'
      : random.oneIn(12)
        ? undefined
        : several(random, most, () => aPattern(random));
  return { actions: list(3), notActions: list(2), dataActions: list(1), isConditional: random.oneIn(12) };
}

function aPattern(random: Random): string {
  return anyCase(random, random.pick(patterns));
}

/** Azure returns ids in whatever case somebody once wrote them. */
export function anyCase(random: Random, text: string): string {
  if (random.oneIn(2)) return text;
  return random.oneIn(2) ? text.replace(/[a-z]+/g, (letters) => letters.toUpperCase()) : lower(text);
}

function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
