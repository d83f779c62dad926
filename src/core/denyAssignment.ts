import {
  isAtOrAbove,
  isSamePrincipal,
  isSet,
  itemsOf,
  membersOf,
  propertiesOf,
  type RbacDocument,
  type RbacQuestion,
} from './rbacDocument.ts';
import { canonicalId } from './resourceId.ts';
import { isTexts, matchesAction } from './rights.ts';

/** How Azure writes "everybody" in a deny assignment. */
const everybody = '00000000-0000-0000-0000-000000000000';

/** Whether a deny assignment holds at the scope; one whose own scope cannot be read holds everywhere. */
export function isInForce(denial: RbacDocument, scope: string): boolean {
  const { scope: at, doNotApplyToChildScopes } = propertiesOf(denial);
  if (typeof at !== 'string') return true;
  if (!isAtOrAbove(at, scope)) return false;
  return doNotApplyToChildScopes !== true || isAtOrAbove(scope, at);
}

/**
 * Whether it forbids an action. What its `notActions` spare is read narrowly, all else widely: a condition is taken to
 * hold, and what cannot be read forbids.
 */
export function forbids(denial: RbacDocument, action: string): boolean {
  const { permissions } = propertiesOf(denial);
  if (!Array.isArray(permissions)) return true;
  return (permissions as unknown[]).some((permission) => {
    const { actions, notActions, dataActions } = membersOf(permission);
    // Data actions alone forbid none of ours.
    if (!isSet(actions) && isTexts(dataActions)) return false;
    if (isTexts(notActions) && notActions.some((pattern) => matchesAction(pattern, action))) return false;
    return !isTexts(actions) || actions.some((pattern) => matchesAction(pattern, action));
  });
}

/**
 * Whether it speaks of the person: by their own id, by one that means everybody, or because Azure says so of a group
 * (`denialsOfPerson`, ids as `denialId` makes them).
 */
export function speaksOf(
  denial: RbacDocument,
  objectId: string,
  denialsOfPerson: ReadonlySet<string>,
): boolean {
  if (isExcluded(denial, objectId)) return false;
  if (denialsOfPerson.has(denialId(denial))) return true;
  const principals = itemsOf(propertiesOf(denial)['principals']);
  if (principals === undefined) return true;
  return principals.some(
    ({ id, type }) =>
      typeof id !== 'string' || id === everybody || type === 'SystemDefined' || isSamePrincipal(id, objectId),
  );
}

/**
 * Whether only Azure can say if one of these deny assignments speaks of the person: it names a group, and what it
 * forbids is needed.
 */
export function dependsOnGroups(
  { objectId, scope, needed }: RbacQuestion,
  denials: readonly RbacDocument[],
): boolean {
  return denials.some(
    (one) =>
      isInForce(one, scope) &&
      needed.some((action) => forbids(one, action)) &&
      !isExcluded(one, objectId) &&
      !speaksOf(one, objectId, new Set()) &&
      (itemsOf(propertiesOf(one)['principals']) ?? []).some(
        ({ type }) => type !== 'User' && type !== 'ServicePrincipal',
      ),
  );
}

/** The form in which the ids of deny assignments are compared. */
export function denialId({ id }: RbacDocument): string {
  return typeof id === 'string' ? canonicalId(id) : '';
}

/** What it is called, for people. */
export function denialName(denial: RbacDocument): string {
  const { denyAssignmentName } = propertiesOf(denial);
  return typeof denyAssignmentName === 'string' ? `"${denyAssignmentName}"` : denialId(denial);
}

/** Only the person's own id excludes: that somebody is in a group which is excluded, nobody told us. */
function isExcluded(denial: RbacDocument, objectId: string): boolean {
  const excluded = itemsOf(propertiesOf(denial)['excludePrincipals']) ?? [];
  return excluded.some(({ id }) => typeof id === 'string' && isSamePrincipal(id, objectId));
}
