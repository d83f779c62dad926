/** What an ARM path addresses. Namespace and type names keep the caller's case; compare them lower-cased. */
export interface Target {
  /** The path with doubled slashes removed. */
  path: string;
  subscriptionId?: string;
  resourceGroup?: string;
  namespace?: string;
  types: string[];
  /** One fewer than `types` when a collection or an action is addressed. */
  names: string[];
  /** For an extension such as locks: the resource, group or subscription that it is about. */
  scope: string;
}

/**
 * Takes an ARM path apart. SDKs emit doubled slashes for an empty parent path, and any letter case, so both pass.
 * Returns undefined for a path that is neither under /subscriptions nor of a provider of the whole tenant.
 */
export function parseTarget(pathname: string): Target | undefined {
  const segments = pathname
    .split('/')
    .filter((segment) => segment !== '')
    .map(decode);
  const path = `/${segments.join('/')}`;
  const lower = segments.map((segment) => segment.toLowerCase());
  if (lower[0] !== 'subscriptions' && lower[0] !== 'providers') return undefined;
  const target: Target = { path, types: [], names: [], scope: path };
  if (lower[0] === 'subscriptions' && segments[1] !== undefined) target.subscriptionId = segments[1];
  if (lower[2] === 'resourcegroups' && segments[3] !== undefined) target.resourceGroup = segments[3];
  const providers = lower.lastIndexOf('providers');
  if (providers === -1) return target;
  target.scope = `/${segments.slice(0, providers).join('/')}`;
  const namespace = segments[providers + 1];
  if (namespace !== undefined) target.namespace = namespace;
  for (const [index, segment] of segments.slice(providers + 2).entries()) {
    (index % 2 === 0 ? target.types : target.names).push(segment);
  }
  return target;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** `microsoft.network/networksecuritygroups/securityrules`. */
export function typeKey(target: Target): string {
  return [target.namespace ?? '', ...target.types].join('/').toLowerCase();
}

export function isCollection(target: Target): boolean {
  return target.types.length > target.names.length;
}

/** The id of the top-level resource that the path is about or below, as the caller wrote it. */
export function topLevelId(target: Target): string {
  return `${target.scope}/providers/${target.namespace ?? ''}/${target.types[0] ?? ''}/${target.names[0] ?? ''}`;
}
