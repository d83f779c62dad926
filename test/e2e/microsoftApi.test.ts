import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecurityCenter } from '@azure/arm-security';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { virtualMachines } from '../../dev/sample/policies.ts';
import { startHttpsGateway, type HttpsGateway } from '../support/httpsGateway.ts';
import { startCloud, type Cloud } from './cloud.ts';

const { web } = virtualMachines;
const group = web.replace(/\/providers.*/, '');
const policy = `/api/arm${group}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default`;
const version = '?api-version=2020-01-01';

let cloud: Cloud;
let gateway: HttpsGateway;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-gateway-'));
  gateway = await startHttpsGateway(() => cloud.environment.urls.host, folder, '203.0.113.7:50123');
  cloud = await startCloud({
    hostOptions: {
      settings: { SALLYPORT_TRUSTED_PROXY_HOPS: '1', SALLYPORT_PUBLIC_ORIGIN: gateway.origin },
    },
  });
}, 120_000);
afterAll(async () => {
  await gateway.close();
  await cloud.close();
  await rm(folder, { recursive: true });
}, 60_000);

/** Microsoft's client for this person, unmodified, over https. */
function clientOf(person: 'alice' | 'erin') {
  const getToken = async () => ({
    token: await cloud.environment.token(person),
    expiresOnTimestamp: Date.now() + 3_600_000,
  });
  return new SecurityCenter({ getToken }, web.split('/')[2] ?? '', {
    endpoint: `${gateway.origin}/api/arm`,
    credentialScopes: ['api://sallyport/.default'],
    tlsOptions: { ca: gateway.certificate },
  }).jitNetworkAccessPolicies;
}

describe("Microsoft's API in the host", () => {
  it('puts a policy, initiates access by it that opens, and lists both', async () => {
    const port = {
      number: 22,
      protocol: 'TCP',
      allowedSourceAddressPrefix: '203.0.113.0/24',
      maxRequestAccessDuration: 'PT3H',
    };
    const put = await cloud.call('erin', 'PUT', `${policy}${version}`, {
      kind: 'Basic',
      properties: { virtualMachines: [{ id: web, ports: [port] }] },
    });
    expect(put.status, JSON.stringify(put.body)).toBe(200);

    const asked = {
      virtualMachines: [
        { id: web, ports: [{ number: 22, duration: 'PT1H', allowedSourceAddressPrefix: '203.0.113.7' }] },
      ],
      justification: 'Ticket 4711',
    };
    const initiated = await cloud.call('alice', 'POST', `${policy}/initiate${version}`, asked);
    expect(initiated.status, JSON.stringify(initiated.body)).toBe(202);
    const { accessRequests } = initiated.body['sallyport'] as { accessRequests: { id: string }[] };
    await cloud.until(accessRequests[0]?.id ?? '', 'active');

    const list = await cloud.call(
      'erin',
      'GET',
      `/api/arm${group}/providers/Microsoft.Security/jitNetworkAccessPolicies${version}`,
    );
    expect(list.body).toMatchObject({
      value: [
        {
          name: 'default',
          properties: { requests: [{ virtualMachines: [{ id: web, ports: [{ status: 'Initiated' }] }] }] },
        },
      ],
    });
    expect(await cloud.call(undefined, 'GET', `${policy}${version}`)).toMatchObject({
      status: 401,
      body: { error: { code: 'AuthenticationFailed' } },
    });
  });

  it("takes Microsoft's own client over https, My IP included", async () => {
    const group = web.split('/')[4] ?? '';
    const erins = clientOf('erin');
    const policy = await erins.get(group, 'westeurope', 'default');
    await erins.createOrUpdate(group, 'westeurope', 'second', policy);

    const initiated = await clientOf('alice').initiate(group, 'westeurope', 'second', {
      virtualMachines: [{ id: web, ports: [{ number: 22, endTimeUtc: new Date(Date.now() + 1_800_000) }] }],
    });
    const names: (string | undefined)[] = [];
    for await (const { name } of erins.listByResourceGroup(group)) names.push(name);
    await erins.delete(group, 'westeurope', 'second');

    expect(initiated.virtualMachines[0]?.ports[0]).toMatchObject({
      allowedSourceAddressPrefix: '203.0.113.7',
      status: 'Initiating',
    });
    expect(names.sort()).toEqual(['default', 'second']);
    await expect(erins.get(group, 'westeurope', 'second')).rejects.toMatchObject({
      statusCode: 404,
      code: 'PolicyNotFound',
    });
  });
});
