import { parseBaselineName, shortKey } from '../core/baselineRule.ts';
import { causeOf } from '../core/cause.ts';
import type { JsonObject } from '../core/network.ts';
import { isBaseline, readRules } from '../core/nsgBody.ts';
import { parseOwnedName } from '../core/ownedRule.ts';
import type { WithoutRows } from '../core/planWithoutRows.ts';
import type { NsgRows } from '../core/stores.ts';
import type { Dependencies } from './dependencies.ts';

/**
 * Reads every row of an NSG that was read as `body`, or says why there are none to go by. Unreadable is not absent, and
 * lost is not empty: where a rule of ours stands that no row speaks of, the tables must be those of this installation,
 * which only their marker says. So a reconcile whose rules all have rows costs no read of the marker, unless the
 * tables are `doubted`: a row that came in while they were lost speaks for nobody. Never rejects.
 */
export async function readRows(
  { live, sweepState, clock, log, installation }: RowDependencies,
  nsgId: string,
  body: JsonObject,
  doubted = false,
): Promise<NsgRows | WithoutRows> {
  const { owned } = readRules(body, installation.id);
  const others = owned.filter((rule) => !isBaseline(rule, installation));
  try {
    const rows = await live.allOfNsg(nsgId);
    const known = new Set([
      ...rows.grants.map(({ row }) => row.requestId),
      ...rows.baselines.map(({ row }) => shortKey(row.virtualMachineId)),
    ]);
    const isKnown = (name: string) =>
      known.has(parseOwnedName(name, installation.id)?.requestId ?? '') ||
      known.has(parseBaselineName(name, installation.id)?.key ?? '');
    const isSure = !doubted && others.every(({ head }) => isKnown(head.name));
    if (isSure || (await sweepState.marker()) !== undefined) return rows;
    // Said before anything is removed: what is gone afterwards would look like an installation that is new.
    await sweepState.sayLost(clock.now().toISOString());
    return 'lost';
  } catch (error) {
    log.error('rows-unreadable', { nsgId, cause: causeOf(error) });
    return 'unreadable';
  }
}

export type RowDependencies = Pick<Dependencies, 'live' | 'sweepState' | 'clock' | 'log' | 'installation'>;
