import { randomUUID } from 'node:crypto';
import { anotherOperation, bareEtag, preconditionFailed, providerError, resourceNotFound } from './errors.ts';
import type { Exchange, Reply } from './exchange.ts';
import { checkApplicationGroups, normalLocation, readNsg, sameContent } from './nsgBody.ts';
import type { OperationStart } from './operations.ts';
import { beginOperation, operationUrl, recordDone } from './operations.ts';
import { render } from './render.ts';
import type { JsonObject, Nsg } from './resource.ts';
import { idKey, isNsg, isObject, NSG_TYPE } from './resource.ts';
import { topLevelId } from './target.ts';
import { checkName, checkRules } from './validate.ts';
import type { OperationName } from './world.ts';

/** The NSG that the path names; throws the gateway's 404, also for a rule below an NSG that is not there. */
export function findNsg({ world, target }: Exchange): Nsg {
  const nsg = world.resources.get(idKey(topLevelId(target)));
  if (isNsg(nsg)) return nsg;
  throw resourceNotFound(NSG_TYPE, target.names[0] ?? '', target.resourceGroup ?? '');
}

/** Creates or replaces the whole NSG: rules that the body omits are gone. */
export function putNsg(exchange: Exchange): Reply {
  const { world, target, settings } = exchange;
  const name = target.names[0] ?? '';
  checkName(name);
  const found = world.resources.get(idKey(topLevelId(target)));
  const existing = isNsg(found) ? found : undefined;
  checkIfMatch(exchange, existing?.id ?? topLevelId(target), existing);
  const next = readNsg(exchange, existing, name);
  checkRules(next.id, next.properties.securityRules, settings);
  checkApplicationGroups(world, next);
  const settled = existing?.properties.provisioningState === 'Succeeded';
  if (existing && settled && !exchange.operationFault && sameContent(existing, next)) {
    // Only tags (or nothing) changed: done at once, with one new etag and no Retry-After.
    return doneAtOnce(exchange, existing, next.tags);
  }
  return accepted(exchange, next, 'PutNetworkSecurityGroupOperation', existing ? 200 : 201, () => {
    world.resources.set(idKey(next.id), next);
    return render(world, next);
  });
}

function doneAtOnce(exchange: Exchange, nsg: Nsg, tags: Nsg['tags']): Reply {
  const { world, origin, apiVersion } = exchange;
  nsg.etag = randomUUID();
  if (tags) nsg.tags = tags;
  else Reflect.deleteProperty(nsg, 'tags');
  const operation = recordDone(world, startOf(exchange, nsg, 'PutNetworkSecurityGroupOperation', 0));
  const url = operationUrl(origin, operation, 'operations', apiVersion);
  return { status: 200, headers: { 'Azure-AsyncOperation': url }, body: render(world, nsg) };
}

/** Replaces the tags and nothing else. */
export function patchTags(exchange: Exchange): Reply {
  const { world, body } = exchange;
  const nsg = findNsg(exchange);
  checkIfMatch(exchange, nsg.id, nsg);
  const tags = isObject(body) ? body['tags'] : undefined;
  nsg.tags = isObject(tags) ? (tags as Record<string, string>) : {};
  nsg.etag = randomUUID();
  return { status: 200, body: render(world, nsg) };
}

export function deleteNsg(exchange: Exchange): Reply {
  const { world, target } = exchange;
  const nsg = world.resources.get(idKey(topLevelId(target)));
  if (!isNsg(nsg)) return { status: 204 };
  const users = [
    ...(world.associations.nsgInterfaces.get(idKey(nsg.id)) ?? []),
    ...(world.associations.nsgSubnets.get(idKey(nsg.id)) ?? []),
  ];
  if (users.length > 0) {
    throw providerError(
      400,
      'InUseNetworkSecurityGroupCannotBeDeleted',
      `Network security group ${nsg.id} cannot be deleted because it is in use by the following resources: ` +
        `${users.join(', ')}. In order to delete the Network security group, remove the association with the ` +
        'resource(s). To learn how to do this, see aka.ms/deletensg.',
    );
  }
  return acceptedDelete(exchange, nsg, 'DeleteNetworkSecurityGroupOperation', 'Deleting');
}

/** The answer to an accepted write: the NSG is Updating under a new etag, and no ETag header says so. */
export function accepted(
  exchange: Exchange,
  nsg: Nsg,
  operation: OperationName,
  status: number,
  body: () => JsonObject,
): Reply {
  refuseWhileDeleting(exchange, nsg);
  nsg.etag = randomUUID();
  nsg.properties.provisioningState = 'Updating';
  const url = start(exchange, nsg, operation);
  return {
    status,
    headers: {
      'Azure-AsyncOperation': url,
      'Azure-AsyncNotification': 'Enabled',
      'Retry-After': firstRetryAfter(exchange),
    },
    body: body(),
  };
}

/** 202, empty, with both ways to ask how it ends. */
export function acceptedDelete(
  exchange: Exchange,
  nsg: Nsg,
  operation: OperationName,
  state: 'Updating' | 'Deleting',
): Reply {
  refuseWhileDeleting(exchange, nsg);
  nsg.etag = randomUUID();
  nsg.properties.provisioningState = state;
  const url = start(exchange, nsg, operation);
  return {
    status: 202,
    headers: {
      'Azure-AsyncOperation': url,
      'Azure-AsyncNotification': 'Enabled',
      Location: url.replace('/operations/', '/operationResults/'),
      'Retry-After': firstRetryAfter(exchange),
    },
  };
}

/** An accepted write asks for 1 s, whatever its polls will ask for. */
function firstRetryAfter({ settings: { pollRetryAfter } }: Exchange): string {
  return String(typeof pollRetryAfter === 'number' ? pollRetryAfter : 1);
}

function refuseWhileDeleting({ world }: Exchange, nsg: Nsg): void {
  for (const operation of world.running) {
    if (operation.name !== 'DeleteNetworkSecurityGroupOperation') continue;
    if (idKey(operation.target) === idKey(nsg.id)) {
      throw anotherOperation(`${operation.name} (${operation.id})`, nsg.id, 10);
    }
  }
}

function start(exchange: Exchange, nsg: Nsg, name: OperationName): string {
  const { world, now, origin, apiVersion, settings, operationFault } = exchange;
  const begin = startOf(exchange, nsg, name, settings.operationMs);
  const operation = beginOperation(world, begin, now, operationFault);
  return operationUrl(origin, operation, 'operations', apiVersion);
}

function startOf(
  { target, now }: Exchange,
  nsg: Nsg,
  name: OperationName,
  durationMs: number,
): OperationStart {
  return {
    name,
    subscriptionId: target.subscriptionId ?? '',
    location: normalLocation(nsg.location ?? 'global'),
    target: nsg.id,
    dueAt: now + durationMs,
  };
}

/** Only the If-Match header of a whole-NSG write counts; anything that is not the current etag is refused. */
function checkIfMatch({ headers }: Exchange, id: string, existing: Nsg | undefined): void {
  const sent = headers['if-match'];
  if (sent === undefined || (sent === '*' && existing)) return;
  if (bareEtag(sent) !== existing?.etag) throw preconditionFailed(sent, existing?.etag ?? '', id);
}
