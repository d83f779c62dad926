import type { Box } from './accessRequest.ts';
import { adminVerdicts, type AdminVerdicts } from './guard/adminVerdicts.ts';
import type { JsonObject } from './network.ts';

/** A rule of Virtual Network Manager as it holds for a virtual network: it comes before every network security group. */
export interface SecurityAdminRule {
  /** ARM id; empty where Azure gave none. */
  id: string;
  /** For people: the last part of the id, or what a default rule is called. */
  name: string;
  kind: string;
  /** As Azure answered them. */
  properties: JsonObject;
}

export type ReadSecurityAdminRules =
  | { kind: 'read'; rules: SecurityAdminRule[] }
  /** Nothing is known of them: that refuses nobody, and is said. */
  | { kind: 'not-checked'; cause: NotCheckedCause; message: string };

/** `off`: by a setting. `not-permitted`: Azure does not let Sallyport read them. `unreadable`: no usable answer came. */
export type NotCheckedCause = 'off' | 'not-permitted' | 'unreadable';

export interface SecurityAdminRules {
  /** Every rule that holds for a virtual network, in any order. Never throws. */
  ofNetwork(virtualNetworkId: string, call: { correlationId: string }): Promise<ReadSecurityAdminRules>;
}

/** Where the rules are not to be read, by a setting. */
export const securityAdminRulesOff: SecurityAdminRules = {
  ofNetwork: () =>
    Promise.resolve({
      kind: 'not-checked',
      cause: 'off',
      message: 'The setting SALLYPORT_ADMIN_RULES is off.',
    }),
};

/** The id of the virtual network that a subnet lies in; undefined if it is no id of a subnet. */
export function virtualNetworkOf(subnetId: string): string | undefined {
  return /^(.+\/virtualNetworks\/[^/]+)\/subnets\/[^/]+$/i.exec(subnetId)?.[1];
}

/** Elementary steps for one box; what takes more is not checked. */
const budget = 200_000;

/**
 * What the rules of a network do to the packets of a box. Rules of two network managers, and Azure's default rules, are
 * lists whose order is not known. Undefined where there is too much to judge.
 */
export function judgeBox(rules: readonly SecurityAdminRule[], box: Box): AdminVerdicts | undefined {
  const lists = rules.map(({ id, kind, properties }) => {
    const [, manager = id] = /^(.+\/networkManagers\/[^/]+)\//i.exec(id) ?? [];
    return { list: `${manager} ${kind}`.toLowerCase(), properties };
  });
  return adminVerdicts({ rules: lists, box, budget });
}
