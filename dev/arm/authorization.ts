import { gatewayError } from './errors.ts';
import type { Exchange, Reply } from './exchange.ts';
import type { JsonObject } from './resource.ts';
import { idKey, isObject } from './resource.ts';
import { rightsAt } from './rights.ts';
import type { Lock } from './world.ts';

/** The caller's own rights at the scope, one entry for each time that they were given. */
export function permissionList(exchange: Exchange): JsonObject[] {
  return rightsAt(exchange, exchange.target.scope).map(({ actions, notActions }) => ({
    actions,
    notActions,
    dataActions: [],
    notDataActions: [],
  }));
}

/** The locks made at the scope, above it and below it, as Azure lists them. */
export function lockList({ world, target }: Exchange): JsonObject[] {
  const scope = `${idKey(target.scope)}/`;
  return world.locks
    .filter((lock) => {
      const at = `${idKey(lock.scope)}/`;
      return at.startsWith(scope) || scope.startsWith(at);
    })
    .map(renderLock);
}

export function putLock(exchange: Exchange): Reply {
  const { world, target, body } = exchange;
  const properties = isObject(body) && isObject(body['properties']) ? body['properties'] : {};
  const level = properties['level'];
  if (level !== 'CanNotDelete' && level !== 'ReadOnly') {
    throw gatewayError(400, 'InvalidLockLevel', "The lock level must be 'CanNotDelete' or 'ReadOnly'.");
  }
  const existing = findLock(exchange);
  const lock = { name: existing?.name ?? target.names[0] ?? '', scope: target.scope, level } as const;
  world.locks = [...world.locks.filter((other) => other !== existing), lock];
  return { status: existing ? 200 : 201, body: renderLock(lock) };
}

export function deleteLock(exchange: Exchange): Reply {
  const existing = findLock(exchange);
  exchange.world.locks = exchange.world.locks.filter((other) => other !== existing);
  return { status: existing ? 200 : 204 };
}

function findLock({ world, target }: Exchange): Lock | undefined {
  return world.locks.find(
    (lock) => idKey(lock.scope) === idKey(target.scope) && idKey(lock.name) === idKey(target.names[0] ?? ''),
  );
}

function renderLock({ name, scope, level }: Lock): JsonObject {
  return {
    id: `${scope}/providers/Microsoft.Authorization/locks/${name}`,
    name,
    type: 'Microsoft.Authorization/locks',
    properties: { level },
  };
}
