import type { LiveRow } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import type { JsonObject } from '../core/network.ts';
import { isBaseline, readRules } from '../core/nsgBody.ts';
import { parseOwnedName } from '../core/ownedRule.ts';
import type { WithoutRows } from '../core/planWithoutRows.ts';
import type { Stored } from '../core/stores.ts';
import type { Dependencies } from './dependencies.ts';

/**
 * Reads the live rows of an NSG that was read as `body`, or says why there are none to go by. Unreadable is not absent, and
 * lost is not empty: where a rule of ours stands that no row speaks of, the tables must be those of this installation,
 * which only their marker says. So a reconcile whose rules all have rows costs no read of the marker, unless the
 * tables are `doubted`: a row that came in while they were lost speaks for nobody. Never rejects.
 */
export async function readRows(
  { live, sweepState, clock, log, installation }: RowDependencies,
  nsgId: string,
  body: JsonObject,
  doubted = false,
): Promise<Stored<LiveRow>[] | WithoutRows> {
  const { owned } = readRules(body, installation.id);
  const ofGrants = owned.filter((rule) => !isBaseline(rule, installation));
  try {
    const rows = await live.ofNsg(nsgId);
    const known = new Set(rows.map(({ row }) => row.requestId));
    const isKnown = (name: string) => known.has(parseOwnedName(name, installation.id)?.requestId ?? '');
    const isSure = !doubted && ofGrants.every(({ head }) => isKnown(head.name));
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
