import { applyBaselines, readBaselineState, type BaselineDependencies } from './applyBaselines.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { guidOf } from './guid.ts';
import { listNsgs } from './listNsgs.ts';
import type { PolicyStepResult } from './policyOrchestrator.ts';
import { readListing } from './readListing.ts';
import type { Reconcile } from './reconcileResult.ts';

export type PolicyStepDependencies = BaselineDependencies &
  Pick<Dependencies, 'inventory' | 'sweepState' | 'newId'>;

/** Seconds after which no NSG is begun; an activity must return within 60 s. */
const patience = 40;
/** Seconds until tables without their marker are looked at again. */
const pauseWithoutMarker = 30;

/**
 * Makes the step that applies the policies after a change of one. Whatever that was, everything is brought to what all
 * policies want together: a port that two of them name is the strictest of both.
 */
export function createPolicyStep(
  dependencies: PolicyStepDependencies,
  reconcileNsg: Reconcile,
): () => Promise<PolicyStepResult> {
  const { sweepState, clock, newId } = dependencies;
  return async () => {
    const began = clock.now();
    const correlationId = guidOf(newId());
    if ((await sweepState.marker()) === undefined) {
      // Nobody knows yet whether these tables are new or lost.
      return { kind: 'again', afterSeconds: pauseWithoutMarker };
    }
    const state = await readBaselineState(dependencies);
    const { subscriptionIds } = state;
    const nsgs = await listNsgs(dependencies, { correlationId, known: [], all: false, subscriptionIds });
    const listing = await readListing(dependencies, subscriptionIds, nsgs, correlationId);
    const notAfter = secondsAfter(began, patience);
    return applyBaselines(dependencies, reconcileNsg, state, {
      correlationId,
      listing,
      nsgs: nsgs.nsgs,
      notAfter,
    });
  };
}
