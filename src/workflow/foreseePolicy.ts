import type { BaselineRow } from '../core/baseline.ts';
import { causeOf } from '../core/cause.ts';
import {
  baselineRowsAfter,
  desiredBaselines,
  subscriptionsOfBaselines,
  type DesiredBaselines,
} from '../core/desiredBaselines.ts';
import { exceptionWarnings } from '../core/exceptionWarnings.ts';
import type { ListedInterface, ListedVirtualNetwork } from '../core/inventory.ts';
import type { Listing } from '../core/listing.ts';
import type { Policy } from '../core/policy.ts';
import { policyEffects } from '../core/policyEffects.ts';
import { canonicalId } from '../core/resourceId.ts';
import { virtualNetworkOf } from '../core/securityAdminRule.ts';
import { readBaselineState } from './applyBaselines.ts';
import type { ForeseePolicy, PolicyEffect } from './contracts.ts';
import type { Dependencies } from './dependencies.ts';
import { listNsgs } from './listNsgs.ts';
import { readListing } from './readListing.ts';

/** Sentences that one dry run answers with. */
const mostEffects = 200;

/**
 * Makes the dry run of a change of a policy: what would be written on which NSG, which packets foreign rules would not let in
 * any more, and what is in the way. It reads lists and writes nothing. Never rejects: what cannot be told is said.
 */
export function createForeseePolicy(
  dependencies: Pick<Dependencies, 'policies' | 'live' | 'inventory' | 'clock' | 'log' | 'installation'>,
): ForeseePolicy {
  const { inventory, clock, log, installation } = dependencies;

  return async ({ after }, { correlationId }) => {
    const flushes = after.conditions.flushConnection === true && after.isDeleted !== true;
    const said = flushes ? [{ message: flushesAtEnd }] : [];
    try {
      const effects = [...said, ...(await foresee(after, correlationId))];
      const rest = effects.length - mostEffects;
      return rest <= 0
        ? effects
        : [...effects.slice(0, mostEffects), { message: `And ${rest} more effects.` }];
    } catch (error) {
      log.error('policy-not-foreseen', { policyId: after.id, correlationId, cause: causeOf(error) });
      return [
        ...said,
        { message: 'What the change would do to network security groups cannot be told now.' },
      ];
    }
  };

  async function foresee(after: Policy, correlationId: string): Promise<PolicyEffect[]> {
    const state = await readBaselineState(dependencies);
    const rows = state.rows.map(({ row }) => row);
    const isOther = ({ id }: Policy) => canonicalId(id) !== canonicalId(after.id);
    const policies = [...state.policies.map(({ row }) => row).filter(isOther), after];
    const subscriptionIds = subscriptionsOfBaselines(policies, rows);
    const nsgs = await listNsgs(dependencies, { correlationId, known: [], all: false, subscriptionIds });
    const listing = await readListing(dependencies, subscriptionIds, nsgs, correlationId);
    const now = clock.now();
    const desired = desiredBaselines({ policies, listing, rows, now });
    const next = baselineRowsAfter(rows, desired.changes, now);

    const touched = new Set(desired.changes.map((change) => keyOf('row' in change ? change.row : change)));
    const at = (list: readonly BaselineRow[], key: string) => list.filter((row) => keyOf(row) === key);
    const listed = new Map(nsgs.nsgs.map((nsg) => [canonicalId(nsg.id), nsg]));
    const onNsgs = [...touched].flatMap((key): PolicyEffect[] => {
      const nsg = listed.get(key);
      if (nsg === undefined) return [{ networkSecurityGroup: key, message: 'It could not be listed.' }];
      const both = { before: at(rows, key), after: at(next, key) };
      return policyEffects(nsg, both, installation, now).map((message) => ({
        networkSecurityGroup: nsg.id,
        message,
      }));
    });
    const warnings = await warningsOf(after, desired, next, listing, correlationId);
    return [...warnings.map((message) => ({ message })), ...onNsgs];
  }

  async function warningsOf(
    { id, baseline, isDeleted }: Policy,
    { problems }: DesiredBaselines,
    rows: readonly BaselineRow[],
    listing: Listing,
    correlationId: string,
  ): Promise<string[]> {
    const isOwn = ({ policyId }: { policyId: string }) => canonicalId(policyId) === canonicalId(id);
    const told = problems.filter(isOwn).map(({ reason }) => reason.message);
    if (baseline.kind !== 'everybody' || isDeleted === true) return told;
    const machines = new Set(
      rows.filter(({ causes }) => causes.some(isOwn)).map((row) => canonicalId(row.virtualMachineId)),
    );
    const interfaces = [...listing.networkInterfaces.values()].filter(({ virtualMachineId }) =>
      machines.has(canonicalId(virtualMachineId ?? '')),
    );
    if (interfaces.length === 0) return told;
    const networks: ListedVirtualNetwork[] = [];
    let isWhole = true;
    const subscriptionIds = [...listing.complete.networkInterfaces];
    for await (const page of inventory.virtualNetworks({ correlationId, subscriptionIds })) {
      if (page.kind === 'page') networks.push(...page.items);
      else {
        isWhole = false;
        told.push(
          'Virtual networks could not be listed: whether a Bastion would be shut out is not checked.',
        );
      }
    }
    // The list may be of some resource groups alone.
    if (isWhole) {
      told.push(
        ...unlistedNetworks(interfaces, networks).map(
          (network) => `${network} was not listed: whether its Bastion would be shut out is not checked.`,
        ),
      );
    }
    return [...told, ...exceptionWarnings(interfaces, networks, baseline.except)];
  }
}

const flushesAtEnd =
  'Whenever a grant of this policy ends, flushConnection is switched on for a moment on each network security group before its virtual machines: Azure evaluates the established flows of everybody behind it anew, and cuts those that no rule admits, also flows that have nothing to do with the grant.';

/** Ids of the virtual networks that interfaces are in and no list shows. */
function unlistedNetworks(
  interfaces: readonly ListedInterface[],
  networks: readonly ListedVirtualNetwork[],
): string[] {
  const listed = new Set(networks.map(({ id }) => canonicalId(id)));
  const named = interfaces
    .flatMap(({ addresses }) => addresses)
    .flatMap(({ subnetId }) => (subnetId === undefined ? [] : (virtualNetworkOf(subnetId) ?? [])));
  return [...new Map(named.map((id) => [canonicalId(id), id]))].flatMap(([key, id]) =>
    listed.has(key) ? [] : [id],
  );
}

function keyOf({ nsgId }: { nsgId: string }): string {
  return canonicalId(nsgId);
}
