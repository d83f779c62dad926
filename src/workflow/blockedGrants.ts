import type { LiveRow } from '../core/accessRequest.ts';
import { explainGrants } from '../core/guard/explainGrants.ts';
import { liveGrants } from '../core/guard/liveGrants.ts';
import type { Installation } from '../core/installation.ts';
import type { JsonObject } from '../core/network.ts';

/** Elementary steps for all grants of an NSG together: telling is worth less time than proving. */
const budget = 200_000;

export interface BlockedGrant {
  requestId: string;
  /** The foreign rule that comes first for some of its packets. */
  by: string;
}

/**
 * Live grants whose rules are there and which a rule of somebody else keeps from some of their packets: reported, not
 * fought. What cannot be judged within the budget is left out.
 */
export function blockedGrants(
  body: JsonObject,
  rows: readonly LiveRow[],
  now: Date,
  { id }: Installation,
  refused: ReadonlyMap<string, unknown>,
): BlockedGrant[] {
  const grants = liveGrants(rows, now).filter(({ requestId }) => !refused.has(requestId));
  return explainGrants({ body, installation: id, grants, budget }).flatMap((state) =>
    state.state === 'blocked' && state.blockedBy?.owner === 'foreign'
      ? [{ requestId: state.requestId, by: state.blockedBy.rule }]
      : [],
  );
}
