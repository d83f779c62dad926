import type { Box, LiveRow } from './accessRequest.ts';
import { explainGrants } from './guard/explainGrants.ts';
import { liveGrants } from './guard/liveGrants.ts';
import type { Installation } from './installation.ts';
import type { NsgDocument } from './network.ts';
import { planBody } from './nsgBody.ts';
import { plan } from './plan.ts';
import type { Reason } from './reason.ts';

/** Elementary steps; what takes more is judged when it is written. */
const budget = 200_000;

export interface Foreseen {
  /** As it was read. */
  nsg: NsgDocument;
  boxes: Box[];
  requestId: string;
  now: Date;
  installation: Installation;
}

/**
 * Why a new grant would not take effect on an NSG as it stands: a deny of somebody else that comes before, or no room beside
 * the rules of others. Undefined where nothing is known to stand in its way.
 *
 * The grant's rules are put in their places and the result is judged packet by packet, default rules included. Other grants
 * are left out: they may have ended by then, and whether there is room beside them is for the write to say.
 */
export function foresee({ nsg, boxes, requestId, now, installation }: Foreseen): Reason | undefined {
  const row: LiveRow = {
    nsgId: nsg.id,
    requestId,
    version: 1,
    state: 'opening',
    start: now.toISOString(),
    end: new Date(now.getTime() + 1000).toISOString(),
    boxes,
  };
  const { securityRules, refused } = plan({ body: nsg.body, rows: [row], now, installation });
  const [refusal] = refused;
  if (refusal !== undefined) return refusal.reason;
  const body = securityRules === undefined ? nsg.body : planBody(nsg.body, securityRules);
  const grants = liveGrants([row], now);
  const [state] = explainGrants({ body, installation: installation.id, grants, budget });
  if (state?.state !== 'blocked' || state.blockedBy?.owner !== 'foreign') return undefined;
  return {
    code: 'blocked-by-foreign-rule',
    message: `The inbound rule "${state.blockedBy.rule}" would still keep this access out. Whoever owns it can narrow it, remove it or move it behind priority ${installation.allowBand.last}; then ask again.`,
  };
}
