import { gatewayError, resourceNotFound, childNotFound } from './errors.ts';
import type { Exchange, Reply } from './exchange.ts';
import { render, renderSubnet } from './render.ts';
import type { JsonObject, Resource } from './resource.ts';
import { idKey, lastSegment, objectsIn } from './resource.ts';
import { hasRightsIn } from './rights.ts';
import { topLevelId, typeKey } from './target.ts';

/** The top-level resource that the path names; throws the gateway's 404. `type` is in Azure's casing. */
export function findResource({ world, target }: Exchange, type: string): Resource {
  const resource = world.resources.get(idKey(topLevelId(target)));
  if (resource) return resource;
  throw resourceNotFound(type, target.names[0] ?? '', target.resourceGroup ?? '');
}

export function getResource(type: string) {
  return (exchange: Exchange): Reply => {
    const resource = findResource(exchange, type);
    const body = render(exchange.world, resource, exchange.query.get('$expand'));
    return { status: 200, headers: etagHeader(body), body };
  };
}

export function getSubnet(exchange: Exchange): Reply {
  const network = findResource(exchange, 'Microsoft.Network/virtualNetworks');
  const name = (exchange.target.names[1] ?? '').toLowerCase();
  const subnet = subnetList(exchange).find((candidate) => String(candidate['name']).toLowerCase() === name);
  if (!subnet) throw childNotFound(exchange.target.path);
  return { status: 200, headers: { ETag: `W/"${network.etag}"` }, body: subnet };
}

export function subnetList(exchange: Exchange): JsonObject[] {
  const network = findResource(exchange, 'Microsoft.Network/virtualNetworks');
  return objectsIn(network.properties['subnets']).map((subnet) =>
    renderSubnet(exchange.world, network.id, network.etag, subnet),
  );
}

/** All resources of the path's type in its subscription or resource group. */
export function resourceList({ world, target }: Exchange): JsonObject[] {
  const type = typeKey(target);
  const scope = `${idKey(target.scope)}/`;
  return [...world.resources.values()]
    .filter((resource) => idKey(resource.type) === type && idKey(resource.id).startsWith(scope))
    .map((resource) => render(world, resource));
}

/** Answers one page; the next link carries the offset in Azure's `$skiptoken`. */
export function paged(list: (exchange: Exchange) => JsonObject[]) {
  return (exchange: Exchange): Reply => {
    const { settings, query, origin, target, apiVersion } = exchange;
    const all = list(exchange);
    const token = query.get('$skiptoken');
    const from = token === null ? 0 : Number(Buffer.from(token, 'base64url').toString());
    if (!Number.isInteger(from) || from < 0) {
      throw gatewayError(400, 'InvalidSkipToken', 'The skip token is not valid.');
    }
    const until = from + settings.pageSize;
    const filter = query.get('$filter');
    const filtered = filter === null ? '' : `&$filter=${encodeURIComponent(filter)}`;
    const next = `${origin}${encodeURI(target.path)}?api-version=${apiVersion}${filtered}&$skiptoken=${Buffer.from(String(until)).toString('base64url')}`;
    const value = all.slice(from, until);
    return { status: 200, body: { value, ...(until < all.length && { nextLink: next }) } };
  };
}

export function subscriptionList(exchange: Exchange): JsonObject[] {
  const { world } = exchange;
  return world.subscriptions
    .filter(({ subscriptionId }) => hasRightsIn(exchange, subscriptionId))
    .map((subscription) => renderSubscription(subscription, world.tenantId));
}

export function getSubscription({ world, target }: Exchange): Reply {
  const id = idKey(target.subscriptionId ?? '');
  const found = world.subscriptions.find((subscription) => idKey(subscription.subscriptionId) === id);
  return { status: 200, body: found && renderSubscription(found, world.tenantId) };
}

function renderSubscription(
  { subscriptionId, displayName }: { subscriptionId: string; displayName: string },
  tenantId: string,
): JsonObject {
  return { id: `/subscriptions/${subscriptionId}`, subscriptionId, tenantId, displayName, state: 'Enabled' };
}

export function groupList({ world, target }: Exchange): JsonObject[] {
  const scope = `/subscriptions/${idKey(target.subscriptionId ?? '')}/`;
  return world.resourceGroups.filter(({ id }) => idKey(id).startsWith(scope)).map(renderGroup);
}

/** The gateway has already refused a group that is not there. */
export function getGroup({ world, target }: Exchange): Reply {
  const found = world.resourceGroups.find(({ id }) => idKey(id) === idKey(target.path));
  return { status: 200, body: found && renderGroup(found) };
}

function renderGroup({ id, location }: { id: string; location: string }): JsonObject {
  return {
    id,
    name: lastSegment(id),
    type: 'Microsoft.Resources/resourceGroups',
    location,
    properties: { provisioningState: 'Succeeded' },
  };
}

function etagHeader({ etag }: JsonObject): Record<string, string> {
  return typeof etag === 'string' ? { ETag: etag } : {};
}
