import { readFileSync } from 'node:fs';
import type { TokenCredential } from '@azure/core-auth';
import {
  createDefaultHttpClient,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import type { Fault } from '../../../dev/arm/faults.ts';
import { startArm, type RunningArm } from '../../../dev/arm/server.ts';
import { createArm, type Arm, type ArmOptions } from '../../../src/adapters/arm/arm.ts';
import type { Clock } from '../../../src/core/clock.ts';
import type { Network } from '../../../src/core/network.ts';
import type { WriteCall, WriteFault } from '../../contracts/network.ts';

export const subscriptionId = '11111111-2222-4333-8444-555555555555';
export const otherSubscriptionId = '66666666-7777-4888-8999-aaaaaaaaaaaa';
const group = `/subscriptions/${subscriptionId}/resourceGroups/contoso`;
const otherGroup = `/subscriptions/${otherSubscriptionId}/resourceGroups/fabrikam`;

export const ids = {
  nsg: (name: string) => `${group}/providers/Microsoft.Network/networkSecurityGroups/${name}`,
  nic: (name: string) => `${group}/providers/Microsoft.Network/networkInterfaces/${name}`,
  vm: (name: string) => `${group}/providers/Microsoft.Compute/virtualMachines/${name}`,
  subnet: (network: string, name: string) =>
    `${group}/providers/Microsoft.Network/virtualNetworks/${network}/subnets/${name}`,
  otherSubnet: (network: string, name: string) =>
    `${otherGroup}/providers/Microsoft.Network/virtualNetworks/${network}/subnets/${name}`,
};

/** Faults by the names that every network's contract uses. */
export const wireFaults: Record<WriteFault, SimulatedFault> = {
  superseded: { kind: 'supersede' },
  'operation-failed': { kind: 'lro-failed' },
  'reset-after-commit': { kind: 'reset-after-commit' },
  'server-error': { kind: 'status', status: 500 },
  'changed-meanwhile': { kind: '412' },
  locked: { kind: 'retryable-429', retryAfter: 14 },
  throttled: { kind: 'throttle', retryAfter: 10 },
  forbidden: { kind: 'forbidden' },
  'scope-locked': { kind: 'locked' },
  policy: { kind: 'policy' },
  refused: { kind: 'status', status: 400, code: 'InvalidRequestFormat' },
};

/** How each kind of write looks on the wire. */
export const wireWrites: Record<WriteCall, { method: string; path: string }> = {
  nsg: { method: 'PUT', path: '/networkSecurityGroups/[^/]+$' },
  'rule-delete': { method: 'DELETE', path: '/securityRules/[^/]+$' },
  'rule-write': { method: 'PUT', path: '/securityRules/[^/]+$' },
};

/** How many writes of a kind arrived, refused ones included. */
export function countWrites(arm: RunningArm, of: WriteCall): number {
  const { method, path } = wireWrites[of];
  return arm.requests.filter((request) => request.method === method && new RegExp(path).test(request.path))
    .length;
}

export const realClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds)),
};

/** Counts its tokens; `during` is awaited while one is fetched. */
export function stubCredential(during?: () => Promise<void>): TokenCredential & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async getToken(scopes) {
      asked.push(String(scopes));
      await during?.();
      return { token: 'a-token', expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
}

/** The SDK's client, trusting one throw-away certificate besides nothing else. */
export function trusting(certificate: string): HttpClient {
  const client = createDefaultHttpClient();
  return {
    sendRequest: (request) => {
      request.tlsSettings = { ca: certificate };
      return client.sendRequest(request);
    },
  };
}

/** Lets a test see each request on its way, answer it itself, or change the answer. */
export function intercepting(
  client: HttpClient,
  handle: (request: PipelineRequest, forward: () => Promise<PipelineResponse>) => Promise<PipelineResponse>,
): HttpClient {
  return { sendRequest: (request) => handle(request, () => client.sendRequest(request)) };
}

/** A clock on which sleeping takes no time. */
export function leapingClock(
  start = Date.now(),
): Clock & { waits: number[]; leap(milliseconds: number): void } {
  let now = start;
  const waits: number[] = [];
  return {
    waits,
    now: () => new Date(now),
    sleep: (milliseconds) => {
      waits.push(milliseconds);
      now += milliseconds;
      return Promise.resolve();
    },
    leap: (milliseconds) => {
      now += milliseconds;
    },
  };
}

/** As the simulator's own schema has it, which checks it when it is added. */
export interface SimulatedFault {
  kind: Fault['kind'];
  [setting: string]: unknown;
}

export interface SimulatedArm {
  arm: RunningArm;
  network: Network;
  httpClient: HttpClient;
  connect(options?: Partial<ArmOptions>): Network;
  connectAll: (options?: Partial<ArmOptions>) => Arm;
}

/** The simulator with a small world, and a network on it over https. Both live by the clock. */
export async function simulateArm(
  options: { settings?: Partial<RunningArm['settings']>; clock?: Clock; state?: unknown } = {},
): Promise<SimulatedArm> {
  const clock = options.clock ?? realClock;
  const arm = await startArm({
    state: options.state ?? world,
    settings: { operationMs: 300, ...options.settings },
    clock: () => clock.now().getTime(),
  });
  const httpClient = trusting(readFileSync(arm.certificatePath ?? '', 'utf8'));
  const connectAll = (changes: Partial<ArmOptions> = {}) =>
    createArm({
      endpoint: arm.url,
      credential: stubCredential(),
      networkApiVersion: '2025-05-01',
      clock,
      httpClient,
      ...changes,
    });
  const connect = (changes?: Partial<ArmOptions>) => connectAll(changes).network;
  return { arm, network: connect(), httpClient, connect, connectAll };
}

const rule = (name: string, priority: number) => ({
  name,
  properties: {
    protocol: 'TCP',
    sourcePortRange: '*',
    destinationPortRange: '443',
    sourceAddressPrefix: 'Internet',
    destinationAddressPrefix: '*',
    access: 'Allow',
    priority,
    direction: 'Inbound',
    // Of a version that the SDK's models do not know.
    futureRuleProperty: { nested: [1, null, 'x'] },
  },
});

const nsg = (name: string, properties: object = {}) => ({
  id: ids.nsg(name),
  location: 'westeurope',
  properties: { securityRules: [], ...properties },
});

const vm = (name: string, interfaces: object[], osType?: string) => ({
  id: ids.vm(name),
  location: 'westeurope',
  ...(osType === undefined ? {} : { tags: { env: 'sample' } }),
  properties: {
    vmId: name,
    ...(osType === undefined ? {} : { storageProfile: { osDisk: { osType } } }),
    networkProfile: { networkInterfaces: interfaces },
  },
});

const configuration = (name: string, subnet: string, address: string, more: object = {}) => ({
  name,
  properties: { privateIPAddress: address, privateIPAddressVersion: 'IPv4', subnet: { id: subnet }, ...more },
});

const nic = (name: string, ipConfigurations: object[], nsgName?: string) => ({
  id: ids.nic(name),
  location: 'westeurope',
  properties: {
    ipConfigurations,
    ...(nsgName === undefined ? {} : { networkSecurityGroup: { id: ids.nsg(nsgName) } }),
  },
});

const virtualNetwork = (id: string, prefix: string, subnets: Record<string, string | undefined>) => ({
  id,
  location: 'westeurope',
  properties: {
    addressSpace: { addressPrefixes: [prefix] },
    subnets: Object.entries(subnets).map(([name, nsgName]) => ({
      name,
      properties: {
        addressPrefix: prefix,
        ...(nsgName === undefined ? {} : { networkSecurityGroup: { id: ids.nsg(nsgName) } }),
      },
    })),
  },
});
const networkId = (subnetId: string) => subnetId.replace(/\/subnets\/.*$/, '');

const alone = (name: string) => vm(name, [{ id: ids.nic(name) }]);

export const world = {
  tenantId: '99999999-0000-4000-8000-000000000000',
  subscriptions: [
    { subscriptionId, displayName: 'Contoso' },
    { subscriptionId: otherSubscriptionId, displayName: 'Fabrikam' },
  ],
  resourceGroups: [
    { id: group, location: 'westeurope' },
    { id: otherGroup, location: 'westeurope' },
  ],
  resources: [
    nsg('web', {
      flushConnection: false,
      futureProperty: { level: 7 },
      securityRules: [rule('web', 300), rule('mail', 310)],
    }),
    nsg('web-1'),
    nsg('shared'),
    nsg('solo'),
    nsg('pair'),
    virtualNetwork(networkId(ids.subnet('a', 'x')), '10.1.0.0/16', {
      web: 'web',
      open: undefined,
      twins: 'shared',
      solo: 'solo',
    }),
    virtualNetwork(networkId(ids.subnet('b', 'x')), '10.1.0.0/16', { twins: 'shared', open: undefined }),
    virtualNetwork(networkId(ids.subnet('d', 'x')), '10.4.0.0/16', { AzureBastionSubnet: undefined }),
    virtualNetwork(networkId(ids.otherSubnet('c', 'x')), '10.3.0.0/16', { far: 'web' }),
    vm(
      'web-1',
      [
        { id: ids.nic('web-1-back'), properties: { primary: false } },
        { id: ids.nic('web-1'), properties: { primary: true } },
      ],
      'Linux',
    ),
    nic(
      'web-1',
      [
        configuration('second', ids.subnet('a', 'web'), '10.1.0.5', { primary: false }),
        configuration('six', ids.subnet('a', 'web'), 'fd00:1::4', { privateIPAddressVersion: 'IPv6' }),
        configuration('first', ids.subnet('a', 'web'), '10.1.0.4', { primary: true }),
      ],
      'web-1',
    ),
    nic('web-1-back', [configuration('only', ids.subnet('a', 'open'), '10.1.7.4')]),
    alone('open-1'),
    nic('open-1', [configuration('only', ids.subnet('a', 'open'), '10.1.7.5')]),
    alone('twin-1'),
    nic('twin-1', [configuration('only', ids.subnet('a', 'twins'), '10.1.9.4')]),
    nic('twin-2', [configuration('only', ids.subnet('b', 'twins'), '10.1.9.4')]),
    alone('single-1'),
    nic('single-1', [configuration('only', ids.subnet('a', 'twins'), '10.1.9.5')]),
    alone('solo-1'),
    nic('solo-1', [configuration('only', ids.subnet('a', 'solo'), '10.1.8.4')]),
    alone('pair-1'),
    nic(
      'pair-1',
      [
        configuration('four', ids.subnet('a', 'open'), '10.1.7.9', { primary: true }),
        configuration('six', ids.subnet('a', 'open'), 'fd00:1::9', { privateIPAddressVersion: 'IPv6' }),
      ],
      'pair',
    ),
    nic('pair-2', [configuration('only', ids.subnet('b', 'open'), 'FD00:1:0:0::9')], 'pair'),
    alone('far-1'),
    nic('far-1', [configuration('only', ids.otherSubnet('c', 'far'), '10.3.0.4')]),
    vm('ghost-1', [{ id: ids.nic('ghost-1') }]),
    vm('instance-1', [
      {
        id: `${group}/providers/Microsoft.Compute/virtualMachineScaleSets/set/virtualMachines/0/networkInterfaces/n`,
      },
    ]),
    vm('bare-1', []),
  ],
};
