import { canonicalPrefix } from './address.ts';
import type { ListedInterface } from './inventory.ts';
import { canonicalId } from './resourceId.ts';
import {
  judgeBox,
  virtualNetworkOf,
  type ReadSecurityAdminRules,
  type SecurityAdminRule,
} from './securityAdminRule.ts';

export const adminRuleStates = ['protected', 'not-protected', 'left-to-nsgs', 'not-checked'] as const;

/** What security admin rules do to the management ports of a machine, before every network security group. */
export interface AdminRulesOfMachine {
  /**
   * `protected`: nobody gets as far as to what is exposed; `not-protected`: somebody is always let in, or may be;
   * `left-to-nsgs`: neither.
   */
  state: (typeof adminRuleStates)[number];
  /** Why they were not checked. */
  message?: string;
  rules: {
    id: string;
    name: string;
    access: 'Deny' | 'AlwaysAllow';
    isCertain: boolean;
    ports: number[];
    /** At most eight. */
    sources: string[];
  }[];
}

type Named = AdminRulesOfMachine['rules'][number];

const most = { sources: 8, rules: 20 };

/** Judges the management ports at every address of a machine, for packets from anywhere. */
export function adminRulesOfMachine({
  own,
  exposed,
  adminRules,
  managementPorts,
}: {
  /** Its interfaces. */
  own: readonly ListedInterface[];
  /** What its network security groups let in. */
  exposed: readonly { number: number; address: string }[];
  /** By canonical id of a virtual network; one that is not there was not checked. */
  adminRules: ReadonlyMap<string, ReadSecurityAdminRules>;
  managementPorts: readonly number[];
}): AdminRulesOfMachine {
  const found = new Map<string, Named>();
  const keptOut = new Set<string>();
  for (const { address: text, subnetId = '' } of own.flatMap(({ addresses }) => addresses)) {
    const address = canonicalPrefix(text);
    if (address === undefined) continue;
    const read = adminRules.get(canonicalId(virtualNetworkOf(subnetId) ?? ''));
    if (read?.kind !== 'read') return notChecked(read?.message ?? 'The virtual network is not known.');
    for (const number of managementPorts) {
      const judged = judgeBox(read.rules, {
        ...{ protocol: 'Tcp', sourceAddressPrefixes: ['*'] },
        ...{ destinationAddressPrefixes: [address], destinationPorts: [number] },
      });
      if (judged === undefined) return notChecked('Those of this network are too many to judge.');
      if (judged.isKeptOut) keptOut.add(`${address} ${number}`);
      for (const { rule, access, isCertain, sources } of judged.verdicts) {
        const one = read.rules[rule];
        if (one !== undefined) add(found, one, { access, isCertain, sources, number });
      }
    }
  }
  // What lets somebody in comes first: the rest may be cut off.
  const rules = [...found.values()].sort((a, b) => a.access.localeCompare(b.access));
  const isShut = exposed.length > 0 && exposed.every((each) => keptOut.has(`${each.address} ${each.number}`));
  const state = rules.some(({ access }) => access === 'AlwaysAllow')
    ? 'not-protected'
    : isShut
      ? 'protected'
      : 'left-to-nsgs';
  return { state, rules: rules.slice(0, most.rules) };
}

function notChecked(message: string): AdminRulesOfMachine {
  return { state: 'not-checked', message, rules: [] };
}

function add(
  found: Map<string, Named>,
  { id, name }: SecurityAdminRule,
  verdict: { access: 'deny' | 'always-allow'; isCertain: boolean; sources: string[]; number: number },
): void {
  const access = verdict.access === 'deny' ? 'Deny' : 'AlwaysAllow';
  const key = `${access} ${id} ${name}`;
  const earlier = found.get(key);
  found.set(key, {
    ...{ id, name, access },
    isCertain: verdict.isCertain || earlier?.isCertain === true,
    ports: [...new Set([...(earlier?.ports ?? []), verdict.number])],
    sources: [...new Set([...(earlier?.sources ?? []), ...verdict.sources])].slice(0, most.sources),
  });
}
