import type { Person } from '../core/accessRequest.ts';
import { actions } from '../core/authorization.ts';
import { recommend, type Recommendation } from '../core/recommend.ts';
import { subscriptionOf } from '../core/resourceId.ts';
import type { Dependencies } from './dependencies.ts';
import { inParallel } from './inParallel.ts';
import { listNsgs } from './listNsgs.ts';
import { readListing } from './readListing.ts';

/** What is recommended to one person: of the machines that they may read. */
export interface Recommendations {
  recommendations: Recommendation[];
  /** Machines of which too little is known to say. */
  unchecked: string[];
}

export type Recommend = (person: Person, call: { correlationId: string }) => Promise<Recommendations>;

/** Makes the search for management ports that are open without anybody's grant. It reads lists and writes nothing. */
export function createRecommend(
  dependencies: Pick<
    Dependencies,
    'policies' | 'inventory' | 'authorization' | 'clock' | 'log' | 'installation'
  >,
  managementPorts: readonly number[],
): Recommend {
  const { policies, authorization, installation } = dependencies;
  return async (person, { correlationId }) => {
    const nsgs = await listNsgs(dependencies, { correlationId, known: [], all: true });
    const subscriptionIds = [...new Set(nsgs.nsgs.map(({ id }) => subscriptionOf(id)))];
    const [listing, stored] = await Promise.all([
      readListing(dependencies, subscriptionIds, nsgs, correlationId),
      policies.list(),
    ]);
    const found = recommend({
      listing,
      nsgs: nsgs.nsgs,
      policies: stored.map(({ row }) => row),
      managementPorts,
      installation: installation.id,
    });
    const readable = new Set<string>();
    const ids = [...found.recommendations.map(({ machine }) => machine.id), ...found.unchecked];
    await inParallel(ids, async (id) => {
      const { kind } = await authorization.check(person, id, [actions.readVirtualMachine], { correlationId });
      if (kind === 'allowed') readable.add(id);
    });
    return {
      recommendations: found.recommendations.filter(({ machine }) => readable.has(machine.id)),
      unchecked: found.unchecked.filter((id) => readable.has(id)),
    };
  };
}
