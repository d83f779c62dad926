import { canonicalPrefix, containsPrefix } from './address.ts';
import type { ListedInterface, ListedVirtualNetwork } from './inventory.ts';
import { canonicalId } from './resourceId.ts';

/** From where Azure's load balancers probe. */
const probe = '168.63.129.16/32';
const bastionSubnet = 'azurebastionsubnet';

/**
 * Who would be shut out by a baseline against everybody and hardly should be: the load balancer that probes the machine, and
 * the Bastion of its network. As sentences that say what to except; `except` are the prefixes that are excepted already.
 */
export function exceptionWarnings(
  interfaces: readonly ListedInterface[],
  networks: readonly ListedVirtualNetwork[],
  except: readonly string[],
): string[] {
  const isExcepted = (prefix: string) => except.some((one) => containsPrefix(one, prefix));
  const warnings = new Set<string>();
  for (const { virtualMachineId = '', addresses } of interfaces) {
    if (addresses.some(({ isBalanced }) => isBalanced === true) && !isExcepted(probe)) {
      warnings.add(
        `${virtualMachineId} is behind a load balancer, whose probe comes from 168.63.129.16: where it asks for one of these ports it would be shut out, unless ${probe} is excepted.`,
      );
    }
    for (const network of networks.filter((one) => isIn(one, addresses))) {
      const missing = network.subnets
        .filter(({ name }) => name.toLowerCase() === bastionSubnet)
        .flatMap(({ prefixes }) => prefixes)
        .filter((prefix) => canonicalPrefix(prefix) !== undefined && !isExcepted(prefix));
      if (missing.length > 0) {
        warnings.add(
          `${virtualMachineId} can be reached by the Bastion of ${network.id}, which would be shut out, unless ${missing.join(' and ')} is excepted.`,
        );
      }
    }
  }
  return [...warnings];
}

function isIn({ subnets }: ListedVirtualNetwork, addresses: ListedInterface['addresses']): boolean {
  const ids = new Set(subnets.map(({ id }) => canonicalId(id)));
  return addresses.some(({ subnetId }) => subnetId !== undefined && ids.has(canonicalId(subnetId)));
}
