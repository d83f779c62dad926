import { denialId, dependsOnGroups } from '../../../src/core/denyAssignment.ts';
import type { RbacFacts } from '../../../src/core/rbac.ts';
import type { RbacDocument, RbacQuestion } from '../../../src/core/rbacDocument.ts';
import { groupsHolding, scopesFrom } from './rbacOracle.ts';
import {
  anyCase,
  everybody,
  type Assignment,
  type Denial,
  type RbacWorld,
  type RolePermission,
} from './rbacWorld.ts';
import type { Random } from '../random.ts';

/** What Azure Resource Manager says of a world to whoever asks this question, as the product asks for it. */
export function answersOf(world: RbacWorld, question: RbacQuestion, random: Random): RbacFacts {
  const above = scopesFrom(question.scope);
  const own = new Set([question.objectId, ...groupsHolding(world, question.objectId)]);
  /** Now and then what was not asked for: the product must not rely on the filter alone. */
  const isListed = (is: boolean) => is || random.oneIn(8);
  const denyAssignments = world.denials
    .filter(({ scope, broken }) => above.has(scope) || (broken === undefined && isListed(false)))
    .map((denial) => denialDocument(denial, world, random));
  const ofPerson = world.denials
    .filter(({ principals }) => principals.some((id) => own.has(id)))
    .map(({ id }) => denialId({ id }));
  return {
    roleAssignments: world.assignments
      .filter(
        ({ scope, principal }) => isListed(above.has(scope)) && isListedFor(principal, world, own, random),
      )
      .map((assignment) => assignmentDocument(assignment, world, random)),
    roleDefinitions: new Map(
      [...world.roles].map(([id, permissions]) => [
        id,
        { properties: { roleName: 'by chance', permissions: permissions.map(permissionDocument) } },
      ]),
    ),
    denyAssignments,
    // Asked for only where the answer could matter.
    denialsOfPerson: new Set(dependsOnGroups(question, denyAssignments) ? ofPerson : []),
  };
}

/** A group of others is never listed by Azure, and the product has no way to know; single others it must ignore. */
function isListedFor(principal: string, world: RbacWorld, own: Set<string>, random: Random): boolean {
  return own.has(principal) || (world.people.includes(principal) && random.oneIn(8));
}

function assignmentDocument(
  { scope, role, principal, isConditional, broken }: Assignment,
  world: RbacWorld,
  random: Random,
): RbacDocument {
  const id = `/providers/Microsoft.Authorization/roleDefinitions/${role}`;
  return {
    properties: {
      scope: broken === 'scope' ? 17 : anyCase(random, scope),
      principalId: broken === 'principal' ? null : anyCase(random, principal),
      principalType: typeOf(principal, world),
      roleDefinitionId: broken === 'role' ? `${id}/../x` : anyCase(random, id),
      condition: isConditional ? "@Resource[name] StringEquals 'x'" : random.pick([null, undefined]),
    },
  };
}

function denialDocument(denial: Denial, world: RbacWorld, random: Random): RbacDocument {
  const { id, scope, permissions, principals, excluded, isOfThisScopeOnly, broken } = denial;
  const principal = (one: string) => ({ id: anyCase(random, one), type: typeOf(one, world) });
  return {
    id: anyCase(random, id),
    properties: {
      denyAssignmentName: 'by chance',
      scope: broken === 'scope' ? null : anyCase(random, scope),
      doNotApplyToChildScopes: isOfThisScopeOnly,
      ...(broken === 'permissions' ? {} : { permissions: permissions.map(permissionDocument) }),
      principals: broken === 'principals' ? 'everybody' : principals.map(principal),
      excludePrincipals: excluded.map(principal),
      condition: random.oneIn(5) ? 'a condition' : null,
    },
  };
}

function permissionDocument({
  actions,
  notActions,
  dataActions,
  isConditional,
}: RolePermission): RbacDocument {
  const list = (patterns: RolePermission['actions']) => (patterns === 'broken' ? [{}] : patterns);
  return {
    actions: list(actions),
    notActions: list(notActions),
    dataActions: list(dataActions),
    ...(isConditional ? { condition: 'a condition' } : {}),
  };
}

function typeOf(principal: string, { people }: RbacWorld): string {
  if (principal === everybody) return 'SystemDefined';
  return people.includes(principal) ? 'User' : 'Group';
}
