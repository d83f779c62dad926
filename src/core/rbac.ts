import type { Permission } from './authorization.ts';
import { canonicalId } from './resourceId.ts';
import { grantsAction, isTexts, matchesAction } from './rights.ts';

/** A role assignment, role definition or deny assignment as Azure Resource Manager shows it. */
export type RbacDocument = Readonly<Record<string, unknown>>;

/** What Azure tells of one person at one scope. */
export interface RbacFacts {
  /** At the scope or above it, as Azure finds them to be assigned to this person or to a group of theirs. */
  roleAssignments: readonly RbacDocument[];
  /** By GUID in lower case; one that is missing grants nothing. */
  roleDefinitions: ReadonlyMap<string, RbacDocument>;
  /** Every deny assignment at the scope or above it, whomever it speaks of. */
  denyAssignments: readonly RbacDocument[];
  /** Ids, in the form in which ids are compared, of the deny assignments that Azure finds to speak of this person. */
  denialsOfPerson: ReadonlySet<string>;
}

export interface RbacQuestion {
  objectId: string;
  /** ARM id of a resource, resource group or subscription. */
  scope: string;
  needed: readonly string[];
}

/** Above every subscription; Azure lists only those that the scope lies in. */
const managementGroup = /^\/providers\/microsoft\.management\/managementgroups\/[^/]+$/;
const definitionId =
  /\/providers\/microsoft\.authorization\/roledefinitions\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
/** How Azure writes "everybody" in a deny assignment. */
const everybody = '00000000-0000-0000-0000-000000000000';

/**
 * What a person may do, as Azure decides it: the union of their role assignments at the scope and above it, where
 * `notActions` take away from their own role only, less what a deny assignment forbids.
 *
 * What is malformed, or holds only under a condition that is not evaluated here, grants nothing and still forbids.
 */
export function evaluate(question: RbacQuestion, facts: RbacFacts): Exclude<Permission, { kind: 'unknown' }> {
  const { scope, needed } = question;
  const assigned = facts.roleAssignments.filter((one) => isAssigned(one, question));
  const granting = (action: string) =>
    assigned.filter((one) => isGranting(facts.roleDefinitions.get(roleOf(one) ?? ''), action));
  const missing = needed.filter((action) => granting(action).every(isConditional));
  const denials = facts.denyAssignments.filter(
    (one) => isInForce(one, scope) && speaksOf(one, question.objectId, facts.denialsOfPerson),
  );
  const denied = needed.flatMap((action) => {
    const denial = denials.find((one) => forbids(one, action));
    return denial === undefined ? [] : [{ action, denial }];
  });
  if (missing.length === 0 && denied.length === 0) return { kind: 'allowed' };

  const sentences: string[] = [];
  if (missing.length > 0) {
    sentences.push(
      `No role that is assigned to you on ${scope} or above it allows ${missing.join(' and ')}: ask for one that does.`,
    );
    if (missing.some((action) => granting(action).length > 0)) {
      sentences.push('Assignments that have a condition are not counted.');
    }
  }
  for (const { action, denial } of denied) {
    sentences.push(`The deny assignment ${nameOf(denial)} forbids ${action} there.`);
  }
  const lacking = new Set([...missing, ...denied.map(({ action }) => action)]);
  return {
    kind: 'denied',
    missing: needed.filter((action) => lacking.has(action)),
    message: sentences.join(' '),
  };
}

/** GUIDs of the role definitions that a question is decided by, in lower case. */
export function rolesOf(assignments: readonly RbacDocument[], question: RbacQuestion): Set<string> {
  const roles = assignments
    .filter((one) => isAssigned(one, question))
    .flatMap((assignment) => roleOf(assignment) ?? []);
  return new Set(roles);
}

/** Groups that role assignments show a person to be in, in lower case: what Azure lists of theirs is not always their own. */
export function groupsOf(assignments: readonly RbacDocument[]): Set<string> {
  const groups = assignments.flatMap(({ properties }) => {
    const { principalType, principalId } = recordOf(properties);
    return principalType === 'Group' && typeof principalId === 'string' ? [principalId.toLowerCase()] : [];
  });
  return new Set(groups);
}

/**
 * Whether only Azure can say if one of these deny assignments speaks of the person: it names a group, and what it
 * forbids is needed.
 */
export function dependsOnGroups(
  { objectId, scope, needed }: RbacQuestion,
  denyAssignments: readonly RbacDocument[],
): boolean {
  return denyAssignments.some(
    (one) =>
      isInForce(one, scope) &&
      needed.some((action) => forbids(one, action)) &&
      !isExcluded(one, objectId) &&
      !speaksOf(one, objectId, new Set()) &&
      principalsOf(one).some((principal) => !isUser(principal)),
  );
}

/** The form in which the ids of deny assignments are compared. */
export function denialId({ id }: RbacDocument): string {
  return typeof id === 'string' ? canonicalId(id) : '';
}

/** Azure has said so already; another person's own assignment counts all the same for nobody else. */
function isAssigned({ properties }: RbacDocument, { objectId, scope }: RbacQuestion): boolean {
  const { principalId, principalType, scope: at } = recordOf(properties);
  if (typeof principalId !== 'string' || typeof at !== 'string' || !isAtOrAbove(at, scope)) return false;
  return (
    principalType === 'Group' || principalType === 'ForeignGroup' || isSamePrincipal(principalId, objectId)
  );
}

function isConditional({ properties }: RbacDocument): boolean {
  return isThere(recordOf(properties)['condition']);
}

function roleOf({ properties }: RbacDocument): string | undefined {
  const { roleDefinitionId } = recordOf(properties);
  return typeof roleDefinitionId === 'string'
    ? definitionId.exec(canonicalId(roleDefinitionId))?.[1]
    : undefined;
}

/** A role holds several permissions; what one of them leaves out another may grant. */
function isGranting(definition: RbacDocument | undefined, action: string): boolean {
  const { permissions } = recordOf(definition?.['properties']);
  if (!Array.isArray(permissions)) return false;
  return (permissions as unknown[])
    .map(recordOf)
    .some((permission) => !isThere(permission['condition']) && grantsAction(permission, action));
}

/** Whether a deny assignment holds at the scope; one whose own scope cannot be read holds everywhere. */
function isInForce({ properties }: RbacDocument, scope: string): boolean {
  const { scope: at, doNotApplyToChildScopes } = recordOf(properties);
  if (typeof at !== 'string') return true;
  return doNotApplyToChildScopes === true
    ? isAtOrAbove(at, scope) && isAtOrAbove(scope, at)
    : isAtOrAbove(at, scope);
}

/** What is excluded from a denial is read narrowly: what cannot be read excludes nothing. */
function forbids({ properties }: RbacDocument, action: string): boolean {
  const { permissions } = recordOf(properties);
  if (!Array.isArray(permissions)) return true;
  return (permissions as unknown[]).some((permission) => {
    const { actions, notActions } = recordOf(permission);
    // Data actions alone forbid none of ours.
    if (!isThere(actions) && isTexts(recordOf(permission)['dataActions'])) return false;
    if (isTexts(notActions) && notActions.some((pattern) => matchesAction(pattern, action))) return false;
    return !isTexts(actions) || actions.some((pattern) => matchesAction(pattern, action));
  });
}

function speaksOf(denial: RbacDocument, objectId: string, denialsOfPerson: ReadonlySet<string>): boolean {
  if (isExcluded(denial, objectId)) return false;
  if (denialsOfPerson.has(denialId(denial))) return true;
  const { principals } = recordOf(denial['properties']);
  if (!Array.isArray(principals)) return true;
  return principalsOf(denial).some(
    ({ id, type }) =>
      typeof id !== 'string' || id === everybody || type === 'SystemDefined' || isSamePrincipal(id, objectId),
  );
}

/** Only the caller's own id excludes: that somebody is in a group that is excluded, Azure does not tell. */
function isExcluded({ properties }: RbacDocument, objectId: string): boolean {
  const { excludePrincipals } = recordOf(properties);
  if (!Array.isArray(excludePrincipals)) return false;
  return (excludePrincipals as unknown[])
    .map(recordOf)
    .some(({ id }) => typeof id === 'string' && isSamePrincipal(id, objectId));
}

function principalsOf({ properties }: RbacDocument): Readonly<Record<string, unknown>>[] {
  const { principals } = recordOf(properties);
  return Array.isArray(principals) ? (principals as unknown[]).map(recordOf) : [];
}

function isUser({ type }: Readonly<Record<string, unknown>>): boolean {
  return type === 'User' || type === 'ServicePrincipal';
}

/** By the letters of ASCII only: with Unicode, two different resource groups can have the same lower-case name. */
function isAtOrAbove(above: string, scope: string): boolean {
  const top = canonicalId(above).replace(/\/+$/, '');
  return top === '' || managementGroup.test(top) || `${canonicalId(scope)}/`.startsWith(`${top}/`);
}

function isSamePrincipal(one: string, other: string): boolean {
  return canonicalId(one) === canonicalId(other);
}

function nameOf(denial: RbacDocument): string {
  const { denyAssignmentName } = recordOf(denial['properties']);
  return typeof denyAssignmentName === 'string' ? `"${denyAssignmentName}"` : denialId(denial);
}

/** Azure leaves out what is not set, or writes null. */
function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
