import type { NsgTarget } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import { foresee } from '../core/foresee.ts';
import type { NsgDocument } from '../core/network.ts';
import { readRules } from '../core/nsgBody.ts';
import type { Reason } from '../core/reason.ts';
import { subscriptionOf } from '../core/resourceId.ts';
import { laterOf, type OpenStanding } from '../core/writeBudget.ts';
import { limits, type Dependencies } from './dependencies.ts';

/** One NSG of the path of a request that policy has granted. */
export interface PathNsg {
  target: NsgTarget;
  /** As it was read a moment ago. */
  nsg: NsgDocument;
  /** The machine that it was found for, as a JSON path of the request. */
  field: string;
}

export interface Unavailable {
  kind: 'unavailable';
  retryAfterSeconds: number;
  message: string;
}

/** Waits that nobody named, in seconds. */
export const defaultRetry = 10;

/**
 * Whether writes that open are taken soon in all of the subscriptions that these ids lie in. Whoever would have to wait
 * longer is told now, and not accepted into a queue that nobody sees.
 */
export function admit({ budget }: Pick<Dependencies, 'budget'>, ids: string[]): Unavailable | undefined {
  const standing = ids
    .map((id) => budget.standing(subscriptionOf(id)))
    .reduce<OpenStanding>(laterOf, { opens: 'now' });
  if (standing.opens === 'now' || standing.retryAfterSeconds <= limits.admitWithin) return undefined;
  return {
    kind: 'unavailable',
    retryAfterSeconds: standing.retryAfterSeconds,
    message: 'Azure limits our calls, and what is left is kept for closing. Try again later.',
  };
}

/**
 * Looks at every NSG of a path before anything is stored: whether what is opened could be closed again, and whether it
 * would take effect. Returns every reason against it, none if it may be opened, or that it is not known now.
 */
export async function preflight(
  dependencies: Pick<Dependencies, 'rights' | 'budget' | 'clock' | 'log' | 'installation' | 'quotas'>,
  requestId: string,
  path: PathNsg[],
  call: { correlationId: string },
): Promise<Reason[] | Unavailable> {
  const { rights, clock, log, installation, quotas } = dependencies;
  const wait = admit(
    dependencies,
    path.map(({ nsg }) => nsg.id),
  );
  if (wait !== undefined) return wait;

  const known = await Promise.all(
    path.map(async ({ nsg, field }) => ({ field, closability: await rights.closability(nsg.id, call) })),
  );
  const reasons: Reason[] = [];
  for (const { field, closability } of known) {
    if (closability.kind === 'unknown') {
      log.error('closability-unknown', { ...call, cause: closability.message });
      return {
        kind: 'unavailable',
        retryAfterSeconds: closability.retryAfterSeconds ?? defaultRetry,
        message:
          'Azure does not say at the moment whether this access could be closed again. Try again later.',
      };
    }
    if (closability.kind === 'not-closable') reasons.push({ ...closability.reason, field });
  }
  for (const { nsg, target, field } of path) {
    try {
      const obstacle = foresee({ nsg, boxes: target.boxes, requestId, now: clock.now(), installation });
      if (obstacle !== undefined) reasons.push({ ...obstacle, field });
      if (readRules(nsg.body, installation.id).byRequest.size >= quotas.liveGrantsPerNsg) {
        reasons.push({ ...tooManyGrants(quotas.liveGrantsPerNsg), field });
      }
    } catch (error) {
      // An NSG that cannot be planned opens nothing later either; that is for the write to find out, and to say.
      log.error('preflight-failed', { ...call, nsgId: nsg.id, cause: causeOf(error) });
    }
  }
  return reasons;
}

function tooManyGrants(most: number): Reason {
  return {
    code: 'too-many-grants',
    message: `The network security group has rules of ${most} grants, which is as many as one may have. Ask again when other access has ended.`,
  };
}
