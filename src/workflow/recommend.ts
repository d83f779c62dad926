import type { Person } from '../core/accessRequest.ts';
import { actions } from '../core/authorization.ts';
import { recommend, type Recommendation } from '../core/recommend.ts';
import type { Listing } from '../core/listing.ts';
import { canonicalId, subscriptionOf } from '../core/resourceId.ts';
import { virtualNetworkOf, type ReadSecurityAdminRules } from '../core/securityAdminRule.ts';
import type { Dependencies } from './dependencies.ts';
import { inParallel } from './inParallel.ts';
import { listNsgs } from './listNsgs.ts';
import { readListing } from './readListing.ts';

/** What is recommended to one person: of the machines that they may read. */
export interface Recommendations {
  recommendations: Recommendation[];
  /** Machines of which too little is known to say. */
  unchecked: string[];
  /** Of the networks that machines are in. */
  securityAdminRules: 'checked' | 'partly-checked' | 'not-checked';
}

export type Recommend = (person: Person, call: { correlationId: string }) => Promise<Recommendations>;

/** Networks that are asked about in one call: Azure may count each as a write, and writes are kept for closing. */
const mostNetworks = 50;

/** Makes the search for management ports that are open without anybody's grant. It reads lists and writes nothing. */
export function createRecommend(
  dependencies: Pick<
    Dependencies,
    | 'policies'
    | 'inventory'
    | 'authorization'
    | 'securityAdminRules'
    | 'budget'
    | 'clock'
    | 'log'
    | 'installation'
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
    const networks = await readAdminRules(dependencies, networksOf(listing), correlationId);
    const found = recommend({
      listing,
      adminRules: networks,
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
      securityAdminRules: howChecked([...networks.values()]),
    };
  };
}

/** Canonical id of each virtual network that a machine is in → its id. */
function networksOf({ networkInterfaces }: Listing): Map<string, string> {
  const found = new Map<string, string>();
  for (const { virtualMachineId, addresses } of networkInterfaces.values()) {
    if (virtualMachineId === undefined) continue;
    for (const { subnetId = '' } of addresses) {
      const id = virtualNetworkOf(subnetId);
      if (id !== undefined) found.set(canonicalId(id), id);
    }
  }
  return found;
}

/** Reads the rules of as many networks as may be asked about; the others were not checked. */
async function readAdminRules(
  { securityAdminRules, budget }: Pick<Dependencies, 'securityAdminRules' | 'budget'>,
  networks: ReadonlyMap<string, string>,
  correlationId: string,
): Promise<Map<string, ReadSecurityAdminRules>> {
  const found = new Map<string, ReadSecurityAdminRules>(
    [...networks.keys()].map((key) => [key, tooMany] as const),
  );
  await inParallel([...networks].slice(0, mostNetworks), async ([key, id]) => {
    if (budget.standing(subscriptionOf(id)).opens !== 'now') return;
    found.set(key, await securityAdminRules.ofNetwork(id, { correlationId }));
  });
  return found;
}

const tooMany: ReadSecurityAdminRules = {
  ...{ kind: 'not-checked', cause: 'unreadable' },
  message: `Azure limits our calls, or there are more than ${mostNetworks} networks to ask about.`,
};

function howChecked(reads: readonly ReadSecurityAdminRules[]): Recommendations['securityAdminRules'] {
  if (!reads.some(({ kind }) => kind === 'read')) return 'not-checked';
  return reads.every(({ kind }) => kind === 'read') ? 'checked' : 'partly-checked';
}
