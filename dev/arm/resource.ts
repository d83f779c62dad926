/** What the simulator keeps of Azure's resources, and how their ids are compared. */

export type JsonObject = Record<string, unknown>;

export interface Resource extends JsonObject {
  id: string;
  name: string;
  type: string;
  location?: string;
  tags?: Record<string, string>;
  /** The bare value; `W/"…"` is added on the way out. */
  etag: string;
  properties: JsonObject;
}

/** A security rule as stored: normalised, without what is derived from its NSG (id, etag, type). */
export interface Rule extends JsonObject {
  name: string;
  properties: RuleProperties;
}

export interface RuleProperties extends JsonObject {
  provisioningState: string;
  description?: string;
  protocol: string;
  access: string;
  priority: number;
  direction: string;
  sourcePortRange?: string;
  destinationPortRange?: string;
  sourceAddressPrefix?: string;
  destinationAddressPrefix?: string;
  sourcePortRanges?: string[];
  destinationPortRanges?: string[];
  sourceAddressPrefixes?: string[];
  destinationAddressPrefixes?: string[];
  sourceApplicationSecurityGroups?: { id: string }[];
  destinationApplicationSecurityGroups?: { id: string }[];
}

export interface Nsg extends Resource {
  properties: JsonObject & {
    provisioningState: string;
    resourceGuid: string;
    securityRules: Rule[];
  };
}

export const NSG_TYPE = 'Microsoft.Network/networkSecurityGroups';

export function isNsg(resource: Resource | undefined): resource is Nsg {
  return resource?.type === NSG_TYPE;
}

/** Ids are compared without regard to case: Azure itself returns them in differing cases. */
export function idKey(id: string): string {
  return id.toLowerCase();
}

export function lastSegment(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

export function resourceGroupOf(id: string): string | undefined {
  return /^\/subscriptions\/[^/]+\/resourcegroups\/([^/]+)/i.exec(id)?.[1];
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The `id` of a reference like `{ "subnet": { "id": "…" } }`. */
export function referencedId(value: unknown): string | undefined {
  return isObject(value) && typeof value['id'] === 'string' ? value['id'] : undefined;
}

/** The members of a JSON list that are objects; a missing list is an empty one. */
export function objectsIn(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** A copy that lacks some keys: what a request may send and Azure ignores. */
export function without(object: JsonObject, ...keys: string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}
