import type { AccessRequest } from '../core/accessRequest.ts';
import type { Requests, Stored } from '../core/stores.ts';

/**
 * Changes a request's row under its ETag, reading again when somebody else was first.
 * `update` returns undefined when, seen on the newest row, there is nothing to change; the row is then returned as read.
 * Throws if the row does not exist or stays contended.
 */
export async function changeRequest(
  requests: Requests,
  id: string,
  update: (request: AccessRequest) => AccessRequest | undefined,
  known?: Stored<AccessRequest>,
): Promise<{ stored: Stored<AccessRequest>; changed: boolean }> {
  let current = known;
  for (let attempt = 0; attempt < 10; attempt += 1) {
    current ??= await requests.get(id);
    if (current === undefined) throw new Error(`Request ${id} has no row.`);
    const wanted = update(current.row);
    if (wanted === undefined) return { stored: current, changed: false };
    const replaced = await requests.replace(wanted, current.etag);
    if (replaced !== 'changed') return { stored: replaced, changed: true };
    current = undefined;
  }
  throw new Error(`Request ${id} was changed by others ten times in a row.`);
}
