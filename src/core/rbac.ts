import type { Permission } from './authorization.ts';
import { denialName, forbids, isInForce, speaksOf } from './denyAssignment.ts';
import type { RbacDocument, RbacQuestion } from './rbacDocument.ts';
import { allows, isAssigned, isConditional, roleOf } from './roleAssignment.ts';

/** What Azure tells of one person at one scope. */
export interface RbacFacts {
  /** At the scope or above it, as Azure finds them to be assigned to this person or to a group of theirs. */
  roleAssignments: readonly RbacDocument[];
  /** By GUID in lower case; one that is missing grants nothing. */
  roleDefinitions: ReadonlyMap<string, RbacDocument>;
  /** Every deny assignment at the scope or above it, whomever it speaks of. */
  denyAssignments: readonly RbacDocument[];
  /** Ids, as `denialId` makes them, of the deny assignments that Azure finds to speak of this person. */
  denialsOfPerson: ReadonlySet<string>;
}

/**
 * What a person may do, as Azure decides it: the union of their role assignments at the scope and above it, where
 * `notActions` take away from their own role only, less what a deny assignment forbids.
 *
 * What is malformed, or holds only under a condition that is not evaluated here, grants nothing and still forbids.
 */
export function evaluate(question: RbacQuestion, facts: RbacFacts): Exclude<Permission, { kind: 'unknown' }> {
  const { scope, needed, objectId } = question;
  const assigned = facts.roleAssignments.filter((one) => isAssigned(one, question));
  const granting = (action: string) =>
    assigned.filter((one) => allows(facts.roleDefinitions.get(roleOf(one) ?? ''), action));
  const missing = needed.filter((action) => granting(action).every(isConditional));
  const denials = facts.denyAssignments.filter(
    (one) => isInForce(one, scope) && speaksOf(one, objectId, facts.denialsOfPerson),
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
  }
  if (missing.some((action) => granting(action).length > 0)) {
    sentences.push('Assignments that have a condition are not counted.');
  }
  for (const { action, denial } of denied) {
    sentences.push(`The deny assignment ${denialName(denial)} forbids ${action} there.`);
  }
  const lacking = new Set([...missing, ...denied.map(({ action }) => action)]);
  return {
    kind: 'denied',
    missing: needed.filter((action) => lacking.has(action)),
    message: sentences.join(' '),
  };
}
