import { UsageError } from '../usageError.ts';
import type { Invocation } from './command.ts';
import { accessRequest, accessRequests } from './shapes.ts';
import type { AccessRequest } from './shapes.ts';

/**
 * The request of this id, or whose id begins so among those that have not ended; `among` is the query of another list.
 * Throws UsageError if it is not one.
 */
export async function findRequest({ api, words }: Invocation, among = ''): Promise<AccessRequest> {
  const [id, ...others] = words;
  if (id === undefined || others.length > 0) throw new UsageError('Give the id of one request.');
  if (/^[0-9a-f]{32}$/i.test(id)) return readRequest(api, id.toLowerCase());
  if (!/^[0-9a-f]{4,31}$/i.test(id)) {
    throw new UsageError(`${id} is no id: those are 32 hexadecimal digits, of which at least 4 are needed.`);
  }
  const { value } = await api({ path: `/api/access-requests${among && `?${among}`}` }, accessRequests);
  const [found, second] = value.filter((one) => one.id.startsWith(id.toLowerCase()));
  if (found === undefined) {
    throw new UsageError(
      `No request that has not ended begins with ${id}; of ended ones the whole id is needed.`,
    );
  }
  if (second !== undefined) throw new UsageError(`Several requests begin with ${id}: give more of the id.`);
  return found;
}

/** The request of this id as it stands now. */
export function readRequest(api: Invocation['api'], id: string): Promise<AccessRequest> {
  return api({ path: `/api/access-requests/${id}` }, accessRequest);
}
