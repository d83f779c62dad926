import { limits, secondsAfter } from './dependencies.ts';
import { reconcile, type ReconcileDependencies } from './reconcile.ts';
import type { Reconcile, ReconcileCall, ReconcileResult } from './reconcileResult.ts';

interface Lane {
  running: Promise<ReconcileResult>;
  began: Date;
  next?: Promise<ReconcileResult>;
}

/**
 * Reconciles each NSG once at a time within this process; callers that arrive meanwhile share the next round, which
 * reads their rows. Callers bound their own waiting.
 */
export function createReconciler(dependencies: ReconcileDependencies): Reconcile {
  const lanes = new Map<string, Lane>();

  function begin(key: string, nsgId: string, call: ReconcileCall): Promise<ReconcileResult> {
    const isAwaited = () => lanes.get(key)?.running === running && lanes.get(key)?.next !== undefined;
    const running = reconcile(dependencies, nsgId, { ...call, isAwaited }).finally(() => {
      if (lanes.get(key)?.running === running && lanes.get(key)?.next === undefined) lanes.delete(key);
    });
    lanes.set(key, { running, began: dependencies.clock.now() });
    return running;
  }

  return (nsgId, call) => {
    const key = nsgId.toLowerCase();
    const lane = lanes.get(key);
    // A call that never ends must not shut out every later one; two at once are harmless, `If-Match` decides.
    if (lane === undefined || dependencies.clock.now() > secondsAfter(lane.began, limits.laneLost)) {
      return begin(key, nsgId, call);
    }
    lane.next ??= lane.running.then(
      () => begin(key, nsgId, call),
      () => begin(key, nsgId, call),
    );
    return lane.next;
  };
}
