import {
  isAtOrAbove,
  isSamePrincipal,
  isSet,
  itemsOf,
  propertiesOf,
  type RbacDocument,
  type RbacQuestion,
} from './rbacDocument.ts';
import { canonicalId } from './resourceId.ts';
import { grantsAction } from './rights.ts';

const definitionId =
  /\/providers\/microsoft\.authorization\/roledefinitions\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/**
 * Whether a role assignment speaks of the person at the scope. That somebody is in a group is Azure's word, which lists
 * only assignments of theirs; what is assigned to another single principal is nobody else's, whoever lists it.
 */
export function isAssigned(assignment: RbacDocument, { objectId, scope }: RbacQuestion): boolean {
  const { principalId, principalType, scope: at } = propertiesOf(assignment);
  if (typeof principalId !== 'string' || typeof at !== 'string' || !isAtOrAbove(at, scope)) return false;
  return (
    principalType === 'Group' || principalType === 'ForeignGroup' || isSamePrincipal(principalId, objectId)
  );
}

/** Whether it holds only under a condition, which nobody evaluates here. */
export function isConditional(assignment: RbacDocument): boolean {
  return isSet(propertiesOf(assignment)['condition']);
}

/** GUID of its role in lower case; undefined where it names none. */
export function roleOf(assignment: RbacDocument): string | undefined {
  const { roleDefinitionId } = propertiesOf(assignment);
  return typeof roleDefinitionId === 'string'
    ? definitionId.exec(canonicalId(roleDefinitionId))?.[1]
    : undefined;
}

/** Whether a role allows an action. It holds several permissions: what one of them leaves out, another may grant. */
export function allows(definition: RbacDocument | undefined, action: string): boolean {
  const permissions = itemsOf(propertiesOf(definition)['permissions']) ?? [];
  return permissions.some(
    (permission) => !isSet(permission['condition']) && grantsAction(permission, action),
  );
}

/** GUIDs of the roles that a question is decided by, in lower case. */
export function rolesOf(assignments: readonly RbacDocument[], question: RbacQuestion): Set<string> {
  return new Set(
    assignments.filter((one) => isAssigned(one, question)).flatMap((assignment) => roleOf(assignment) ?? []),
  );
}

/** Groups that role assignments of a person show them to be in, in lower case. */
export function groupsOf(assignments: readonly RbacDocument[]): Set<string> {
  return new Set(
    assignments.flatMap((assignment) => {
      const { principalType, principalId } = propertiesOf(assignment);
      return principalType === 'Group' && typeof principalId === 'string' ? [canonicalId(principalId)] : [];
    }),
  );
}
