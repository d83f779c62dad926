import type { BaselineRow } from '../core/baseline.ts';
import { bypassedBaselines } from '../core/bypassedBaselines.ts';
import { causeOf } from '../core/cause.ts';
import type { JsonObject } from '../core/network.ts';
import type { PlannedBaseline } from '../core/planBaselines.ts';
import { canonicalId } from '../core/resourceId.ts';
import type { Stored } from '../core/stores.ts';
import type { Dependencies } from './dependencies.ts';
import type { BaselineStanding } from './reconcileResult.ts';

/**
 * Removes rows of baselines that have ended, each only if it is still as it was read: one that stands again meanwhile stays.
 * Returns whether there was one. What cannot be removed now is removed by the next sweep, and opens nothing.
 */
export async function removeBaselineRows(
  { live, log }: Pick<Dependencies, 'live' | 'log'>,
  nsgId: string,
  rows: readonly Stored<BaselineRow>[],
): Promise<boolean> {
  let hasChanged = false;
  for (const { row, etag } of rows) {
    const { virtualMachineId } = row;
    try {
      const removed = await live.removeBaseline(nsgId, virtualMachineId, etag);
      hasChanged ||= removed === 'changed';
    } catch (error) {
      log.warn('baseline-row-not-removed', { nsgId, virtualMachineId, cause: causeOf(error) });
    }
  }
  return hasChanged;
}

/** What an NSG that needs no write shows of each baseline, by the canonical id of its virtual machine. */
export function baselineStandings(
  planned: readonly PlannedBaseline[],
  body: JsonObject,
  baselines: readonly BaselineRow[],
  installation: string,
): Map<string, BaselineStanding> {
  const bypassed = new Map(
    bypassedBaselines({ body, baselines, installation }).map((one) => [
      canonicalId(one.virtualMachineId),
      one,
    ]),
  );
  return new Map(
    planned.map((one): [string, BaselineStanding] => {
      const id = canonicalId(one.virtualMachineId);
      return [id, standingOf(one, bypassed.get(id))];
    }),
  );
}

function standingOf(
  { state, reason }: PlannedBaseline,
  bypassed: { by: string; message: string } | undefined,
): BaselineStanding {
  if (state === 'gone') return { state };
  if (reason !== undefined) return { state: 'no-capacity', reason };
  if (bypassed === undefined) return { state: 'standing' };
  const { by, message } = bypassed;
  return { state: 'bypassed', by, reason: { code: 'bypassed-by-foreign-rule', message } };
}
