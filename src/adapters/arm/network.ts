import type { Clock } from '../../core/clock.ts';
import type { Network } from '../../core/network.ts';
import { createArmClients, type ArmConnection } from './clients.ts';
import { createNsgs } from './nsg.ts';
import { createRawRequests } from './rawRequest.ts';
import { createResolver } from './resolveVirtualMachine.ts';
import { defaultTimeouts, type Timeouts } from './timeouts.ts';

export interface ArmNetworkOptions extends ArmConnection {
  /** The api-version of network security groups, `2025-05-01`; typed reads use the SDK's own. */
  networkApiVersion: string;
  clock: Clock;
  timeouts?: Partial<Timeouts>;
}

/**
 * The network as Azure Resource Manager has it. Nothing is loaded or sent before the first call.
 *
 * Throws if the endpoint is not a bare https origin.
 */
export function createArmNetwork(options: ArmNetworkOptions): Network {
  const clients = createArmClients(options);
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const send = createRawRequests(clients, options.clock);
  const nsgs = createNsgs(send, options.clock, {
    origin: clients.origin,
    apiVersion: options.networkApiVersion,
    timeouts,
  });
  return {
    resolveVirtualMachine: createResolver(clients, nsgs, options.clock, timeouts),
    readNsg: (nsgId, call) => nsgs.read(nsgId, call),
    writeNsg: (nsg, body, call) => nsgs.write(nsg, body, call),
    deleteRule: (nsg, ruleName, call) => nsgs.deleteRule(nsg, ruleName, call),
    writeRule: (nsg, rule, call) => nsgs.writeRule(nsg, rule, call),
  };
}
