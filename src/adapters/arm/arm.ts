import type { Authorization } from '../../core/authorization.ts';
import type { Clock } from '../../core/clock.ts';
import type { HealthCheck } from '../../core/health.ts';
import type { Inventory } from '../../core/inventory.ts';
import type { Network } from '../../core/network.ts';
import type { Rights } from '../../core/rights.ts';
import type { SecurityAdminRules } from '../../core/securityAdminRule.ts';
import type { WriteBudget } from '../../core/writeBudget.ts';
import { createAuthorization } from './authorization.ts';
import { createBudget } from './budget.ts';
import { createArmClients, type ArmConnection } from './clients.ts';
import { createInventory } from './inventory.ts';
import { createNamedGroups, noting } from './namedGroups.ts';
import { createNsgs } from './nsg.ts';
import { createRawRequests } from './rawRequest.ts';
import { readerGroupsOf } from './readerGroups.ts';
import { createResolver } from './resolveVirtualMachine.ts';
import { createRights } from './rights.ts';
import { createSecurityAdminRules } from './securityAdminRules.ts';
import { createSeesSubscriptions } from './seesSubscriptions.ts';
import { defaultTimeouts, type Timeouts } from './timeouts.ts';
import { createUnlisted, type Unlisted } from './unlisted.ts';

export interface ArmOptions extends ArmConnection {
  /** The api-version of network security groups, `2025-05-01`; typed reads use the SDK's own. */
  networkApiVersion: string;
  clock: Clock;
  timeouts?: Partial<Timeouts>;
  /** Ids of the resource groups that may be read, of subscriptions that may not be read as a whole. */
  readerGroups?: readonly string[];
  /** Is told of each subscription that a list of everything leaves out, because this identity may not list there. */
  onUnlisted?: (subscriptionId: string, message: string) => void;
}

/** Everything that is asked of Azure Resource Manager, over the same connections and with one view of its rates. */
export interface Arm {
  network: Network;
  inventory: Inventory;
  rights: Rights;
  securityAdminRules: SecurityAdminRules;
  authorization: Authorization;
  /** Subscriptions that the last lists of everything left out. */
  unlisted: Pick<Unlisted, 'subscriptionIds'>;
  budget: WriteBudget;
  health: { seesSubscriptions: HealthCheck };
}

/**
 * Azure Resource Manager. Nothing is loaded or sent before the first call.
 *
 * Throws if the endpoint is not a bare https origin, or a group's id not that of a resource group.
 */
export function createArm(options: ArmOptions): Arm {
  const { clock } = options;
  const budget = createBudget(clock);
  const clients = createArmClients(options, (request, response) => {
    budget.observe(request, response);
  });
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const send = createRawRequests(clients, clock);
  const settings = { origin: clients.origin, apiVersion: options.networkApiVersion, timeouts };
  const pauseBetweenPolls = (subscriptionId: string) => budget.pauseBetweenPolls(subscriptionId);
  const groups = readerGroupsOf(options.readerGroups ?? []);
  const unlisted = createUnlisted(options.onUnlisted ?? (() => undefined));
  const named = createNamedGroups();
  const nsgs = noting(createNsgs(send, clock, { ...settings, pauseBetweenPolls }), named);
  return {
    network: {
      resolveVirtualMachine: createResolver({ clients, nsgs, groups, clock, timeouts }),
      readNsg: (nsgId, call) => nsgs.read(nsgId, call),
      writeNsg: (nsg, body, call) => nsgs.write(nsg, body, call),
      deleteRule: (nsg, ruleName, call) => nsgs.deleteRule(nsg, ruleName, call),
      writeRule: (nsg, rule, call) => nsgs.writeRule(nsg, rule, call),
    },
    inventory: createInventory(send, settings, (subscriptionId) => budget.readsLeft(subscriptionId), {
      groups,
      unlisted,
    }),
    rights: createRights(send, clock, settings, named),
    securityAdminRules: createSecurityAdminRules(send, clock, settings),
    authorization: createAuthorization(send, clock, settings),
    unlisted,
    budget,
    health: {
      seesSubscriptions: createSeesSubscriptions(send, settings, groups.subscriptionIds.length > 0),
    },
  };
}
