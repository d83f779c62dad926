import type { VirtualMachine } from '@azure/arm-compute';
import type { LoadBalancer, NetworkInterface, Subnet } from '@azure/arm-network';
import type { Clock } from '../../core/clock.ts';
import type { CallOptions, NsgDocument, ResolveRefusal } from '../../core/network.ts';
import type { VirtualMachineId } from '../../core/virtualMachineId.ts';
import type { ArmClients } from './clients.ts';
import type { Nsgs } from './nsg.ts';
import { isForbidden, problemOfError } from './problem.ts';
import type { ReaderGroups } from './readerGroups.ts';
import type { ResourceId } from './resourceId.ts';

/** The typed reads behind resolving one virtual machine; undefined where ARM says that there is no such resource. */
export interface Reads {
  virtualMachine(id: VirtualMachineId): Promise<VirtualMachine | undefined>;
  networkInterface(id: ResourceId): Promise<NetworkInterface | undefined>;
  subnet(id: ResourceId): Promise<Subnet | undefined>;
  loadBalancer(id: ResourceId): Promise<LoadBalancer | undefined>;
  /** Every interface of a subscription that is a resource of its own and may be read, page after page. */
  networkInterfaces(subscriptionId: string): Promise<NetworkInterface[]>;
  /** Which those are. */
  groups: ReaderGroups;
  nsg(id: string): Promise<NsgDocument>;
}

/** Carries an expected refusal to the one place that returns it. */
export class Refused extends Error {
  readonly refusal: ResolveRefusal;
  constructor(refusal: ResolveRefusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** What reads are made with. */
export interface ReadsParts {
  clients: ArmClients;
  nsgs: Nsgs;
  groups: ReaderGroups;
  clock: Clock;
}

/** Reads that throw `Refused` for a missing right or a quota, and an error with ARM's message for anything else. */
export function createReads(
  { clients, nsgs, groups, clock }: ReadsParts,
  call: CallOptions,
  abortSignal: AbortSignal,
): Reads {
  const headers = { 'x-ms-correlation-request-id': call.correlationId };
  const ofCompute = { abortSignal, requestOptions: { headers } };
  const ofNetwork = { abortSignal, requestOptions: { customHeaders: headers } };

  async function attempt<Result>(what: string, read: () => Promise<Result>): Promise<Result | undefined> {
    if (call.notAfter && clock.now() > call.notAfter) throw new Error(`It was too late to read ${what}.`);
    try {
      return await read();
    } catch (error) {
      const problem = problemOfError(error);
      const message = `Reading ${what}: ${problem.message}`;
      if (problem.status === 404) return undefined;
      if (isForbidden(problem)) throw new Refused({ refused: 'not-permitted', message });
      if (problem.status === 429) throw throttled(message, problem.retryAfterSeconds);
      // Not as the cause: the SDK's error holds the request with its token.
      throw new Error(message);
    }
  }

  return {
    virtualMachine: ({ id, subscriptionId, resourceGroup, name }) =>
      attempt(`virtual machine ${id}`, async () => {
        const client = await clients.compute(subscriptionId);
        return client.virtualMachines.get(resourceGroup, name, ofCompute);
      }),
    networkInterface: ({ subscriptionId, resourceGroup, names: [name = ''] }) =>
      attempt(`network interface ${name}`, async () => {
        const client = await clients.network(subscriptionId);
        return client.networkInterfaces.get(resourceGroup, name, ofNetwork);
      }),
    subnet: ({ subscriptionId, resourceGroup, names: [network = '', name = ''] }) =>
      attempt(`subnet ${name} of ${network}`, async () => {
        const client = await clients.network(subscriptionId);
        return client.subnets.get(resourceGroup, network, name, ofNetwork);
      }),
    loadBalancer: ({ subscriptionId, resourceGroup, names: [name = ''] }) =>
      attempt(`load balancer ${name}`, async () => {
        const client = await clients.network(subscriptionId);
        return client.loadBalancers.get(resourceGroup, name, ofNetwork);
      }),
    networkInterfaces: async (subscriptionId) => {
      const client = await clients.network(subscriptionId);
      const lists = groups
        .namesIn(subscriptionId)
        ?.map((group) => client.networkInterfaces.list(group, ofNetwork));
      const interfaces: NetworkInterface[] = [];
      for (const list of lists ?? [client.networkInterfaces.listAll(ofNetwork)]) {
        await attempt('the network interfaces', async () => {
          for await (const one of list) interfaces.push(one);
        });
      }
      return interfaces;
    },
    groups,
    nsg: async (id) => {
      const result = await nsgs.read(id, call);
      if (result.kind === 'read') return result.nsg;
      const message = `Reading network security group ${id}: ${result.message}`;
      if (result.kind === 'not-permitted') throw new Refused({ refused: 'not-permitted', message });
      if (result.kind === 'throttled') throw throttled(message, result.retryAfterSeconds);
      throw new Error(message);
    },
  };
}

function throttled(message: string, retryAfterSeconds: number | undefined): Refused {
  return new Refused({ refused: 'throttled', message, retryAfterSeconds: retryAfterSeconds ?? 10 });
}
