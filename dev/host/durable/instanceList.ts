import type { WebRequest } from '../invocation.ts';
import type { Instance } from './store.ts';

const pageSize = 100;

export interface Filter {
  createdFrom: number;
  createdTo: number;
  statuses: readonly string[];
  prefix: string;
}

export function filterOf({ query }: WebRequest): Filter {
  const time = (name: string, otherwise: number) => {
    const given = Date.parse(query.get(name) ?? '');
    return Number.isNaN(given) ? otherwise : given;
  };
  return {
    createdFrom: time('createdTimeFrom', -Infinity),
    createdTo: time('createdTimeTo', Infinity),
    statuses: (query.get('runtimeStatus') ?? '')
      .split(',')
      .map((status) => status.trim().toLowerCase())
      .filter((status) => knownStatuses.includes(status)),
    prefix: query.get('instanceIdPrefix') ?? '',
  };
}

const knownStatuses = [
  ...['running', 'completed', 'continuedasnew', 'failed', 'canceled', 'terminated', 'pending', 'suspended'],
];

/** Times are compared as the status shows them: in whole seconds, up; a status that is not known does not filter. */
export function matches(instance: Instance, { createdFrom, createdTo, statuses, prefix }: Filter): boolean {
  const created = Date.parse(instance.createdAt);
  return (
    created >= createdFrom &&
    created <= createdTo &&
    instance.instanceId.startsWith(prefix) &&
    (statuses.length === 0 || statuses.includes(instance.status.toLowerCase()))
  );
}

/** One page, in the order of the ids, and the token for the next one; the token is empty when there is none. */
export function page(
  instances: Iterable<Instance>,
  request: WebRequest,
): { page: Instance[]; token: string } {
  const filter = filterOf(request);
  const after = Buffer.from(request.headers['x-ms-continuation-token'] ?? '', 'base64').toString('utf8');
  const top = Number(request.query.get('top') ?? pageSize);
  const size = Number.isInteger(top) && top > 0 ? top : pageSize;
  const rest = [...instances]
    .filter((instance) => instance.instanceId > after && matches(instance, filter))
    .sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
  const last = rest.length > size ? rest[size - 1] : undefined;
  const token = last === undefined ? '' : Buffer.from(last.instanceId).toString('base64');
  return { page: rest.slice(0, size), token };
}
