/**
 * ARM resource ids, parsed strictly: ids come from rows, from callers and from ARM's own answers, and what does not have
 * the shape of one never becomes part of a URL that our token is sent to.
 */

export interface ResourceId {
  subscriptionId: string;
  resourceGroup: string;
  /** `Microsoft.Network/virtualNetworks/subnets`, in the casing of the id. */
  type: string;
  /** One per segment of the type: the virtual network's name, then the subnet's. */
  names: string[];
}

// ASCII without the `u` flag, whose case folding makes one name of two, and nothing that a URL would need escaped. No name
// begins or ends with a period: a URL parser resolves `.` and `..` away.
const guid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const name = '[a-z0-9_(](?:[a-z0-9_.()-]{0,88}[a-z0-9_()-])?';
const shape = new RegExp(
  `^/subscriptions/(${guid})/resourceGroups/(${name})/providers/([a-z][a-z0-9.]{0,63})((?:/[a-z][a-z0-9]{0,63}/${name}){1,4})$`,
  'i',
);

/** Parses an ARM id of a resource in a resource group; undefined if it does not have that shape. */
export function parseResourceId(id: string): ResourceId | undefined {
  const match = shape.exec(id);
  if (!match) return undefined;
  const [, subscriptionId = '', resourceGroup = '', provider = '', path = ''] = match;
  const segments = path.split('/').slice(1);
  return {
    subscriptionId,
    resourceGroup,
    type: [provider, ...segments.filter((_, index) => index % 2 === 0)].join('/'),
    names: segments.filter((_, index) => index % 2 === 1),
  };
}

/** Parses an id that must name a resource of this type, compared without case; undefined for any other. */
export function parseIdOfType(id: string | undefined, type: string): ResourceId | undefined {
  const parsed = id === undefined ? undefined : parseResourceId(id);
  return parsed?.type.toLowerCase() === type.toLowerCase() ? parsed : undefined;
}

/** The id as a URL path, built from its checked parts. */
export function pathOf({ subscriptionId, resourceGroup, type, names }: ResourceId): string {
  const [provider = '', ...types] = type.split('/');
  const tail = types.map((segment, index) => `${segment}/${names[index] ?? ''}`).join('/');
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/${provider}/${tail}`;
}

const above = new RegExp(`^/subscriptions/(${guid})(?:/resourceGroups/(${name}))?$`, 'i');

/** An ARM id that roles are assigned at, as a URL path built from its checked parts. */
export interface Scope {
  subscriptionId: string;
  path: string;
}

/** Parses the id of a subscription, of a resource group or of a resource in one; undefined for anything else. */
export function parseScope(id: string): Scope | undefined {
  const resource = parseResourceId(id);
  if (resource) return { subscriptionId: resource.subscriptionId, path: pathOf(resource) };
  const [, subscriptionId, resourceGroup] = above.exec(id) ?? [];
  if (subscriptionId === undefined) return undefined;
  const path = `/subscriptions/${subscriptionId}`;
  return {
    subscriptionId,
    path: resourceGroup === undefined ? path : `${path}/resourceGroups/${resourceGroup}`,
  };
}

/** Whether two ids name the same resource: ARM is not consistent about case. */
export function sameId(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && one.toLowerCase() === other?.toLowerCase();
}
