import type { NetworkInterfaceIPConfiguration } from '@azure/arm-network';
import type { Reads } from './reads.ts';
import { parseResourceId, pathOf, sameId } from './resourceId.ts';

/**
 * The id of a load balancer's rule that sends packets to these configurations with a floating IP. Such packets arrive
 * with the frontend's address: a rule for the private address neither shuts nor opens them.
 */
export async function findFloatingIp(
  reads: Reads,
  configurations: NetworkInterfaceIPConfiguration[],
): Promise<string | undefined> {
  const pools = idsOf(configurations.flatMap((one) => one.loadBalancerBackendAddressPools ?? []));
  const natRules = idsOf(configurations.flatMap((one) => one.loadBalancerInboundNatRules ?? []));
  const includes = (ids: string[], id: string | undefined) => ids.some((one) => sameId(one, id));

  for (const path of loadBalancersOf([...pools, ...natRules])) {
    const id = parseResourceId(path);
    const balancer = id && (await reads.loadBalancer(id));
    const found = [
      ...(balancer?.loadBalancingRules ?? []).filter((rule) =>
        [rule.backendAddressPool, ...(rule.backendAddressPools ?? [])].some((pool) =>
          includes(pools, pool?.id),
        ),
      ),
      ...(balancer?.inboundNatRules ?? []).filter(
        (rule) => includes(natRules, rule.id) || includes(pools, rule.backendAddressPool?.id),
      ),
    ].find((rule) => rule.enableFloatingIP);
    if (found) return found.id ?? path;
  }
  return undefined;
}

function idsOf(references: { id?: string }[]): string[] {
  return references.flatMap(({ id }) => id ?? []);
}

/** Pools and rules are named below their load balancer. Pools of application gateways have no floating IP. */
function loadBalancersOf(ids: string[]): Set<string> {
  const type = 'Microsoft.Network/loadBalancers';
  return new Set(
    ids.flatMap((text) => {
      const id = parseResourceId(text);
      if (!id?.type.toLowerCase().startsWith(`${type.toLowerCase()}/`)) return [];
      return pathOf({ ...id, type, names: id.names.slice(0, 1) }).toLowerCase();
    }),
  );
}
