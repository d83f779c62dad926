import type { AccessRequest } from '../core/accessRequest.ts';
import { canonicalId } from '../core/resourceId.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';
import type { FindMoved, Whereabouts } from './findMoved.ts';
import type { ReconcileResult } from './reconcileResult.ts';
import type { ReconcilePath } from './reconcilePath.ts';

/** Looks after what a close found no NSG for; returns what is true of the path, and of NSGs beyond it, after that. */
export type CloseMoved = (
  request: Pick<AccessRequest, 'id' | 'targets' | 'found' | 'correlationId'>,
  results: ReconcileResult[],
  began: Date,
) => Promise<ReconcileResult[]>;

/** Until what is missing is looked for again, in seconds: a list of everything costs reads. */
const pauseSeconds = 10;

/**
 * Makes the function that does not take an NSG for deleted because it is not where it was. Wherever rules of the grant are
 * found they are closed, by the reconcile of that NSG: it has no row there that would keep them. Only where every NSG that
 * can be seen was looked at, and none has a rule of the grant, `gone` stays `gone`.
 */
export function createCloseMoved(
  { clock, log }: Pick<Dependencies, 'clock' | 'log'>,
  findMoved: FindMoved,
  reconcilePath: ReconcilePath,
): CloseMoved {
  return async (request, results, began) => {
    if (!results.some(({ kind }) => kind === 'gone')) return results;
    const { id, targets, correlationId } = request;
    const left = secondsAfter(began, limits.reconcileWait).getTime() - clock.now().getTime();
    const { nsgIds, isWhole, cause } = await Promise.race<Whereabouts>([
      findMoved(request),
      clock.sleep(Math.max(0, left)).then(() => ({
        nsgIds: [],
        isWhole: false,
        cause: 'Listing everything took too long.',
      })),
    ]);
    const known = new Set(targets.map(({ nsgId }) => canonicalId(nsgId)));
    const elsewhere = nsgIds.filter((nsgId) => !known.has(canonicalId(nsgId)));
    const closed = await reconcilePath(
      { id, correlationId, targets: elsewhere.map((nsgId) => ({ nsgId, boxes: [] })) },
      'close',
      began,
    );
    for (const [index, result] of closed.entries()) {
      log.warn('nsg-moved', { requestId: id, correlationId, nsgId: elsewhere[index], result: result.kind });
    }
    return [
      ...results.map((result, index) => judge(result, targets[index]?.nsgId ?? '')),
      ...closed.map((result, index) => judgeListed(result, elsewhere[index] ?? '')),
    ];

    function judge(result: ReconcileResult, nsgId: string): ReconcileResult {
      if (result.kind !== 'gone') return result;
      // A list that still shows what a read does not is behind.
      const isListed = nsgIds.some((other) => canonicalId(other) === canonicalId(nsgId));
      if (isWhole && !isListed) {
        if (elsewhere.length === 0) return result;
        const message = `${nsgId} is no more; its rules were found in ${elsewhere.join(', ')}.`;
        return { kind: 'gone', reason: { code: 'target-gone', message } };
      }
      const message = `${nsgId} is not there, and it is not known whether it was moved: ${cause ?? 'a list still shows it.'}`;
      return lookAgain(message);
    }

    /** A list has just shown a rule of the grant there: that it cannot be read does not say that the rule is gone. */
    function judgeListed(result: ReconcileResult, nsgId: string): ReconcileResult {
      return result.kind === 'gone'
        ? lookAgain(`${nsgId} is listed with a rule of this grant, and cannot be found.`)
        : result;
    }
  };
}

function lookAgain(message: string): ReconcileResult {
  return { kind: 'again', afterSeconds: pauseSeconds, reason: { code: 'not-settled', message } };
}
