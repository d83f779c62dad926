import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ComputeManagementClient } from '@azure/arm-compute';
import { NetworkManagementClient } from '@azure/arm-network';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunningArm } from '../../../dev/arm/server.ts';
import { startArm } from '../../../dev/arm/server.ts';
import { adminRule } from '../../support/memoryAdminRules.ts';
import { sample, SUBSCRIPTION } from './client.ts';

const GROUP = 'contoso-web-rg';
const RULE = {
  protocol: 'Tcp',
  access: 'Allow',
  direction: 'Inbound',
  priority: 100,
  sourcePortRange: '*',
  destinationPortRange: '22',
  sourceAddressPrefix: '203.0.113.7',
  destinationAddressPrefix: '10.20.1.4',
};

const VNET = `/subscriptions/${SUBSCRIPTION}/resourceGroups/Contoso-Network/providers/Microsoft.Network/virtualNetworks/vnet-contoso`;
const adminRules = ['deny-ssh', 'deny-rdp'].map((name) => {
  const { id, kind, properties } = adminRule(name, 'Deny', { destinationPortRanges: ['22'] });
  return { id, kind, properties };
});

let arm: RunningArm;
let network: NetworkManagementClient;
let compute: ComputeManagementClient;
beforeEach(async () => {
  // Time passes with requests alone: a busy machine cannot end an operation before its first poll.
  let now = Date.parse('2026-11-23T09:00:00Z');
  const clock = () => (now += 5);
  const securityAdminRules = [{ virtualNetworkId: VNET, rules: adminRules }];
  arm = await startArm({
    state: { ...sample(), securityAdminRules },
    clock,
    settings: { operationMs: 40, pollRetryAfter: 'none' },
  });
  const credential = {
    getToken: () => Promise.resolve({ token: 'opaque', expiresOnTimestamp: Date.now() + 3_600_000 }),
  };
  const options = { endpoint: arm.url, tlsOptions: { ca: readFileSync(arm.certificatePath ?? '') } };
  network = new NetworkManagementClient(credential, SUBSCRIPTION, options);
  compute = new ComputeManagementClient(credential, SUBSCRIPTION, options);
});
afterEach(() => arm.close());

const fast = { updateIntervalInMs: 1 };
const count = (method: string, path: RegExp) =>
  arm.requests.filter((request) => request.method === method && path.test(request.path)).length;

describe('@azure/arm-network', () => {
  it('writes a rule, polls it to its end and reads it back', async () => {
    const made = await network.securityRules.beginCreateOrUpdateAndWait(GROUP, 'nsg-web', 'sp-1', RULE, fast);
    expect(made).toMatchObject({ name: 'sp-1', provisioningState: 'Succeeded', priority: 100 });
    expect(count('PUT', /securityRules/)).toBe(1);
    expect(count('GET', /\/operations\//)).toBeGreaterThan(1);
    expect(arm.requests[0]?.apiVersion).toBe('2025-05-01');
  });

  it('reads the security admin rules of a network, page after page', async () => {
    arm.settings.pageSize = 1;

    const read = async (skipToken?: string) =>
      network.listNetworkManagerEffectiveSecurityAdminRules(
        'contoso-network',
        'vnet-contoso',
        skipToken === undefined ? {} : { skipToken },
      );
    const first = await read();
    const second = await read(first.skipToken);

    expect(first.value).toMatchObject([{ kind: 'Custom', access: 'Deny', destinationPortRanges: ['22'] }]);
    expect(second.value?.map((rule) => rule.id)).toEqual([adminRules[1]?.id]);
    expect(second.skipToken).toBeUndefined();
  });

  it('deletes a rule', async () => {
    await network.securityRules.beginDeleteAndWait(GROUP, 'nsg-web', 'DenySmtpOut', fast);
    const rest: (string | undefined)[] = [];
    for await (const rule of network.securityRules.list(GROUP, 'nsg-web')) rest.push(rule.name);
    expect(rest).not.toContain('DenySmtpOut');
  });

  it('sees a 412 as a RestError with ARM’s code', async () => {
    const nsg = await network.networkSecurityGroups.get(GROUP, 'nsg-web');
    const stale = { requestOptions: { customHeaders: { 'If-Match': 'W/"stale"' } } };
    const write = network.networkSecurityGroups.beginCreateOrUpdateAndWait(GROUP, 'nsg-web', nsg, stale);
    await expect(write).rejects.toMatchObject({ statusCode: 412, code: 'PreconditionFailed' });
    expect(arm.requests.at(-1)?.ifMatch).toBe('W/"stale"');
  });

  it('writes a whole NSG with the current etag', async () => {
    const nsg = await network.networkSecurityGroups.get(GROUP, 'nsg-web');
    const match = { ...fast, requestOptions: { customHeaders: { 'If-Match': nsg.etag ?? '' } } };
    nsg.securityRules?.push({ name: 'sp-1', ...RULE });
    const written = await network.networkSecurityGroups.beginCreateOrUpdateAndWait(
      GROUP,
      'nsg-web',
      nsg,
      match,
    );
    expect(written.securityRules?.map(({ name }) => name)).toContain('sp-1');
  });

  it('follows next links', async () => {
    arm.settings.pageSize = 1;
    const found: (string | undefined)[] = [];
    for await (const nic of network.networkInterfaces.listAll()) found.push(nic.name);
    expect(found).toEqual(['vm-web-nic', 'vm-db1-nic', 'vm-db2-nic']);
    expect(count('GET', /networkInterfaces$/)).toBe(3);
  });

  it('retries a 429 with Retry-After by itself', async () => {
    arm.faults.add({ match: { method: 'PUT' }, times: 1, fault: { kind: 'retryable-429', retryAfter: 1 } });
    await network.securityRules.beginCreateOrUpdateAndWait(GROUP, 'nsg-web', 'sp-1', RULE, fast);
    expect(count('PUT', /securityRules/)).toBe(2);
  });

  it('rejects when the operation was superseded', async () => {
    arm.faults.add({ match: { method: 'PUT' }, times: 1, fault: { kind: 'supersede' } });
    const write = network.securityRules.beginCreateOrUpdateAndWait(GROUP, 'nsg-web', 'sp-1', RULE, fast);
    await expect(write).rejects.toThrow('Operation was canceled');
    expect((await network.securityRules.get(GROUP, 'nsg-web', 'sp-1')).name).toBe('sp-1');
  });

  it('gets the effective rules of an interface', async () => {
    const result = await network.networkInterfaces.beginListEffectiveNetworkSecurityGroupsAndWait(
      'contoso-data-rg',
      'vm-db2-nic',
      fast,
    );
    expect(
      result.value?.map(({ networkSecurityGroup }) => networkSecurityGroup?.id?.split('/').at(-1)),
    ).toEqual(['nsg-data', 'nsg-db2']);
  });
});

describe('@azure/arm-compute', () => {
  it('reads a machine and its interfaces', async () => {
    const machine = await compute.virtualMachines.get(GROUP, 'vm-web');
    expect(machine.networkProfile?.networkInterfaces?.[0]?.id).toMatch(/vm-web-nic$/);
    expect(arm.requests[0]?.apiVersion).toBe('2026-03-01');
  });
});

it('both work unmodified in a process that trusts the certificate by NODE_EXTRA_CA_CERTS', async () => {
  const child = fileURLToPath(new URL('sdkChild.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', child, arm.url], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: arm.certificatePath },
  });
  expect(JSON.parse(stdout)).toEqual({
    machines: ['vm-web', 'vm-db1', 'vm-db2'],
    provisioningState: 'Succeeded',
  });
});
