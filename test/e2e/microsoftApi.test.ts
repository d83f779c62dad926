import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { virtualMachines } from '../../dev/sample/policies.ts';
import { startCloud, type Cloud } from './cloud.ts';

const { web } = virtualMachines;
const group = web.replace(/\/providers.*/, '');
const policy = `/api/arm${group}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default`;
const version = '?api-version=2020-01-01';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
}, 120_000);
afterAll(() => cloud.close(), 60_000);

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
    await cloud.until(accessRequests[0]?.id ?? '', 'active', 20);

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
});
