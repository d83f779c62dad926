import { canonicalId } from './resourceId.ts';

/** A role assignment, role definition or deny assignment as Azure Resource Manager shows it. */
export type RbacDocument = Readonly<Record<string, unknown>>;

export interface RbacQuestion {
  objectId: string;
  /** ARM id of a resource, resource group or subscription. */
  scope: string;
  needed: readonly string[];
}

/** Above every subscription; Azure lists only those that the scope lies in. */
const managementGroup = /^\/providers\/microsoft\.management\/managementgroups\/[^/]+$/;

/** Whether what is assigned at one scope holds at another: ASCII letters in any case, all others as they are. */
export function isAtOrAbove(above: string, scope: string): boolean {
  const top = canonicalId(above).replace(/\/+$/, '');
  return top === '' || managementGroup.test(top) || `${canonicalId(scope)}/`.startsWith(`${top}/`);
}

export function isSamePrincipal(one: string, other: string): boolean {
  return canonicalId(one) === canonicalId(other);
}

/** Azure leaves out what is not set, or writes null. */
export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The members of a JSON object; none of anything else. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

/** The properties of a document; none where they cannot be read. */
export function propertiesOf(document: RbacDocument | undefined): Readonly<Record<string, unknown>> {
  return membersOf(document?.['properties']);
}

/** The items of a list as JSON objects; undefined where it is no list. */
export function itemsOf(value: unknown): Readonly<Record<string, unknown>>[] | undefined {
  return Array.isArray(value) ? (value as unknown[]).map(membersOf) : undefined;
}
