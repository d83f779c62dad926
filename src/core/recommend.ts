import { canonicalPrefix, familyOf } from './address.ts';
import { adminRulesOfMachine, type AdminRulesOfMachine } from './adminRulesOfMachine.ts';
import { effectivePolicy } from './effectivePolicy.ts';
import { reach, type Reach } from './guard/reach.ts';
import type { ListedInterface, ListedVirtualMachine } from './inventory.ts';
import type { Listing } from './listing.ts';
import { nsgsBeforeAddress } from './machinePlace.ts';
import type { NsgDocument } from './network.ts';
import type { Policy } from './policy.ts';
import { canonicalId, subscriptionOf } from './resourceId.ts';
import type { ReadSecurityAdminRules } from './securityAdminRule.ts';

/** A management port that can be reached from more than a policy allows. */
export interface ExposedPort {
  number: number;
  address: string;
  /** `*`, a service tag, or prefixes; the widest first, at most eight. */
  sources: string[];
  /** The rules that let it in, one for each network security group of the path. */
  rules: { networkSecurityGroup: string; rule: string }[];
}

export interface Recommendation {
  machine: ListedVirtualMachine;
  /** None where only a security admin rule lets somebody in. */
  exposed: ExposedPort[];
  adminRules: AdminRulesOfMachine;
  /** The ports of the policy that is proposed. */
  ports: number[];
}

/** Elementary steps for one address; what takes more is not checked. */
const budget = 500_000;
const mostSources = 8;
/** What people sign in by, by operating system as Azure spells it. */
const portOf: Record<string, number> = { Linux: 22, Windows: 3389 };

/**
 * Machines whose management ports get through every network security group of their path from anywhere that no policy
 * allows, or that a security admin rule opens whatever these say, judged by the rules and not by their names. What only Azure's own default rules let in, the virtual network and
 * the load balancer, is no finding; nor are our own grants. `unchecked` are machines of which too little is known.
 */
export function recommend({
  listing,
  nsgs,
  adminRules,
  policies,
  managementPorts,
  installation,
}: {
  listing: Listing;
  /** By canonical id of a virtual network; one that is not there was not checked. */
  adminRules: ReadonlyMap<string, ReadSecurityAdminRules>;
  nsgs: readonly NsgDocument[];
  policies: readonly Policy[];
  managementPorts: readonly number[];
  installation: string;
}): { recommendations: Recommendation[]; unchecked: string[] } {
  const bodyOf = new Map(nsgs.map((nsg) => [canonicalId(nsg.id), nsg]));
  const interfaces = new Map<string, ListedInterface[]>();
  for (const one of listing.networkInterfaces.values()) {
    const key = canonicalId(one.virtualMachineId ?? '');
    interfaces.set(key, [...(interfaces.get(key) ?? []), one]);
  }
  const recommendations: Recommendation[] = [];
  const unchecked: string[] = [];
  for (const [key, machine] of listing.virtualMachines) {
    const own = interfaces.get(key) ?? [];
    const exposed = exposedOf(machine, own);
    if (exposed === undefined) {
      unchecked.push(machine.id);
      continue;
    }
    const before = adminRulesOfMachine({ own, exposed, adminRules, managementPorts });
    if (exposed.length === 0 && before.state !== 'not-protected') continue;
    const usual = portOf[machine.osType ?? ''];
    const found = [...exposed.map(({ number }) => number), ...allowedAlways(before)];
    const ports = [...new Set([...(usual === undefined ? [] : [usual]), ...found])].sort((a, b) => a - b);
    recommendations.push({ machine, exposed, adminRules: before, ports });
  }
  return { recommendations, unchecked };

  /** Undefined where a list that matters was not read to its end, or the rules are too many. */
  function exposedOf(
    machine: ListedVirtualMachine,
    own: readonly ListedInterface[],
  ): ExposedPort[] | undefined {
    const { complete } = listing;
    if (!complete.networkInterfaces.has(subscriptionOf(machine.id))) return undefined;
    const allowed = effectivePolicy(policies, { id: machine.id, tags: machine.tags ?? {} })?.ports ?? [];
    const found: ExposedPort[] = [];
    for (const one of own) {
      for (const { address: text, subnetId } of one.addresses) {
        const address = canonicalPrefix(text);
        if (address === undefined) continue;
        if (subnetId !== undefined && !complete.nsgs.has(subscriptionOf(subnetId))) return undefined;
        const path = nsgsBeforeAddress(one, subnetId, listing).map((id) => bodyOf.get(id));
        // Where none stands before it Azure's own defaults decide, which depend on the public address.
        if (path.length === 0 || path.includes(undefined)) return undefined;
        const known = path.filter((nsg) => nsg !== undefined);
        for (const number of managementPorts) {
          const box = {
            protocol: 'Tcp' as const,
            sourceAddressPrefixes: ['*'],
            destinationAddressPrefixes: [address],
            destinationPorts: [number],
          };
          const except = allowed
            .filter((port) => port.number === number && port.protocol !== 'Udp')
            .map((port) =>
              port.allowedSourceAddressPrefixes.filter((from) => familyOf(from) === familyOf(address)),
            )
            .filter((sources) => sources.length > 0)
            .map((sourceAddressPrefixes) => ({ ...box, sourceAddressPrefixes }));
          const bodies = known.map(({ body }) => body);
          const reached = reach({ bodies, box, except, installation, budget });
          if (reached === undefined) return undefined;
          found.push(...exposuresOf(reached, number, address, known));
        }
      }
    }
    return found;
  }
}

/** Ports that a security admin rule lets somebody reach whatever the network security groups say. */
function allowedAlways({ rules }: AdminRulesOfMachine): number[] {
  return rules.flatMap(({ access, ports }) => (access === 'AlwaysAllow' ? ports : []));
}

/** What is reached, by the rules that let it in. */
function exposuresOf(
  reached: readonly Reach[],
  number: number,
  address: string,
  path: readonly NsgDocument[],
): ExposedPort[] {
  const byRules = new Map<string, ExposedPort>();
  for (const { by, inside, outside, sources } of reached) {
    if (by.some(({ owner }) => owner !== 'foreign')) continue;
    // Whoever is left of everybody without the internet is let in by Azure's default rules too; a baseline leaves them.
    if (outside.some((set) => set.toLowerCase() === 'source in internet')) continue;
    const rules = by.map(({ rule }, index) => ({ networkSecurityGroup: path[index]?.id ?? '', rule }));
    const key = JSON.stringify(rules);
    const exposed = byRules.get(key) ?? { number, address, sources: [], rules };
    byRules.set(key, exposed);
    const tags = inside.flatMap((set) =>
      set.startsWith('source in ') ? [set.slice('source in '.length)] : [],
    );
    const isEverybody = sources.includes('0.0.0.0/0') || sources.includes('::/0');
    exposed.sources.push(...(tags.length > 0 ? [tags.join(' and ')] : isEverybody ? ['*'] : sources));
  }
  return [...byRules.values()].map((exposed) => ({
    ...exposed,
    sources: [...new Set(exposed.sources)].sort((a, b) => widthOf(b) - widthOf(a)).slice(0, mostSources),
  }));
}

/** How wide a source is, to put the widest first: everybody, tags, then prefixes by their length. */
function widthOf(source: string): number {
  if (source === '*') return 1000;
  const [, length] = /\/(\d+)$/.exec(source) ?? [];
  if (length !== undefined) return 128 - Number(length);
  return /^[0-9a-f.:-]+$/.test(source) ? 0 : 500;
}
