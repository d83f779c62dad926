import type { AccessRequest, SeenGrant } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import type { Reason } from '../core/reason.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';
import type { Reconcile, ReconcileCall, ReconcileResult } from './reconcileResult.ts';
import type { SeenOnPath } from './settle.ts';

/** Reconciles every NSG of a request's path at once; `began` is when the step did that asks. Never rejects. */
export type ReconcilePath = (
  request: Pick<AccessRequest, 'id' | 'targets' | 'correlationId'>,
  purpose: ReconcileCall['purpose'],
  began: Date,
) => Promise<ReconcileResult[]>;

/** Makes the function that looks after a whole path; an NSG that takes too long, or throws, counts as unsettled. */
export function createPathReconciler(
  { clock, log }: Pick<Dependencies, 'clock' | 'log'>,
  reconcileNsg: Reconcile,
): ReconcilePath {
  return async ({ id, targets, correlationId }, purpose, began) => {
    // One patience for all rounds of a step: to open, to fail and to close must not add up.
    const left = secondsAfter(began, limits.reconcileWait).getTime() - clock.now().getTime();
    return Promise.all(
      targets.map(({ nsgId }) =>
        Promise.race([
          reconcileOne(nsgId, { correlationId, purpose, requestId: id }),
          clock.sleep(Math.max(0, left)).then(() => unsettled('The network security group is busy.')),
        ]),
      ),
    );
  };

  /** One NSG that cannot be reconciled does not keep the others of the path from being looked at. */
  async function reconcileOne(nsgId: string, call: ReconcileCall): Promise<ReconcileResult> {
    try {
      return await reconcileNsg(nsgId, call);
    } catch (error) {
      log.error('reconcile-failed', {
        nsgId,
        correlationId: call.correlationId,
        cause: causeOf(error),
      });
      return unsettled('The network security group could not be reconciled.');
    }
  }
}

/** Seconds until tables that could not be read are asked again. */
const pauseWithoutRows = 10;

/** The reason why a grant can't be opened on this NSG, if trying again would not help. */
export function refusalOf(result: ReconcileResult, requestId: string): Reason | undefined {
  if (result.kind === 'gone' || result.kind === 'refused') return result.reason;
  if (result.kind === 'without-rows') return result.tables === 'lost' ? result.reason : undefined;
  return result.kind === 'converged' ? result.refused.get(requestId) : undefined;
}

/** What a grant that is not open yet waits for on this NSG, and how long. */
export function waitOf(
  result: ReconcileResult,
  requestId: string,
): { afterSeconds: number; reason: Reason } | undefined {
  if (result.kind === 'again') return result;
  if (result.kind === 'without-rows') return { afterSeconds: pauseWithoutRows, reason: result.reason };
  return result.kind === 'converged' && result.held?.requestIds.has(requestId) ? result.held : undefined;
}

/** Whether the NSG was seen without any rule of this request. */
export function isShut(result: ReconcileResult, requestId: string): boolean {
  const seen = seenIn(result);
  return result.kind === 'gone' || (seen !== undefined && !seen.present.has(requestId));
}

/** What was read back of one request on its path, for its live rows. */
export function readBackOf(
  results: readonly ReconcileResult[],
  { id, targets }: Pick<AccessRequest, 'id' | 'targets'>,
): SeenOnPath {
  const seen = new Map<string, SeenGrant>();
  targets.forEach(({ nsgId }, index) => {
    const result = results[index];
    const grants = result?.kind === 'refused' ? result.seen?.grants : undefined;
    const found = result?.kind === 'converged' ? result.seen.get(id) : grants?.get(id);
    if (found !== undefined) seen.set(nsgId, found);
  });
  return seen;
}

/** What was read of the NSG after everything that was written to it, if it was. */
export function seenIn(result: ReconcileResult): { present: ReadonlySet<string>; readAt: Date } | undefined {
  if (result.kind === 'converged') return result;
  return result.kind === 'refused' || result.kind === 'without-rows' ? result.seen : undefined;
}

function unsettled(message: string): ReconcileResult {
  return { kind: 'again', afterSeconds: 5, reason: { code: 'not-settled', message } };
}
