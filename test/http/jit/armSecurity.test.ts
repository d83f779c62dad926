import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SecurityCenter } from '@azure/arm-security';
import type { JitNetworkAccessPolicy } from '@azure/arm-security';
import { audience, startTokenIssuer } from '../../support/tokenIssuer.ts';
import type { TokenIssuer } from '../../support/tokenIssuer.ts';
import { minutes, noon, vmId } from '../../support/grantWorld.ts';
import { startHttpsDoor } from '../../support/httpsDoor.ts';
import type { HttpsDoor } from '../../support/httpsDoor.ts';
import { createJitWorld } from '../../support/jitWorld.ts';
import type { JitWorld } from '../../support/jitWorld.ts';

const [, , subscription = '', , group = ''] = vmId.split('/');
const region = 'westeurope';
const inAnHour = new Date(noon.getTime() + 3_600_000);

let folder: string;
let issuer: TokenIssuer;
let jit: JitWorld;
let door: HttpsDoor | undefined;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-https-'));
  issuer = await startTokenIssuer();
});
afterAll(async () => {
  await issuer.close();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  await door?.close();
  jit = await createJitWorld(issuer);
  door = await startHttpsDoor(jit.handler, '/api/arm/', folder);
});
afterAll(() => door?.close());

/** Microsoft's client as it is, but for where it calls and for whom its token is. */
function client(audienceOfToken = audience) {
  const scopes: string[] = [];
  const credential = {
    getToken: async (asked: string | string[]) => {
      scopes.push(...[asked].flat());
      return {
        token: await issuer.sign({ aud: audienceOfToken }),
        expiresOnTimestamp: Date.now() + 3_600_000,
      };
    },
  };
  const sdk = new SecurityCenter(credential, subscription, {
    endpoint: `${door?.origin ?? ''}/api/arm`,
    credentialScopes: [`${audience}/.default`],
    tlsOptions: { ca: door?.certificate ?? '' },
    retryOptions: { maxRetries: 0 },
  });
  return { policies: sdk.jitNetworkAccessPolicies, scopes };
}

const aPolicy = (changes: object = {}): JitNetworkAccessPolicy => ({
  kind: 'Basic',
  virtualMachines: [
    {
      id: vmId,
      ports: [
        {
          number: 22,
          protocol: 'TCP',
          allowedSourceAddressPrefix: '203.0.113.0/24',
          maxRequestAccessDuration: 'PT3H',
          ...changes,
        },
      ],
    },
  ],
});
const asked = (changes: object = {}) => ({
  virtualMachines: [{ id: vmId, ports: [{ number: 22, endTimeUtc: inAnHour, ...changes }] }],
  justification: 'testing a new version of the product',
});

async function all<Item>(pages: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of pages) found.push(item);
  return found;
}
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error as { statusCode: number; code: string; message: string },
  );

describe("Microsoft's own client", () => {
  it('puts a policy, which is Updating at once, and reads it back as it was put', async () => {
    const { policies, scopes } = client();

    const put = await policies.createOrUpdate(group, region, 'default', aPolicy());
    const got = await policies.get(group, region, 'default');

    expect(put).toEqual({
      id: `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Security/locations/${region}/jitNetworkAccessPolicies/default`,
      name: 'default',
      type: 'Microsoft.Security/locations/jitNetworkAccessPolicies',
      location: region,
      provisioningState: 'Updating',
      requests: [],
      ...aPolicy(),
    });
    expect(got).toEqual(put);
    expect(jit.started).toEqual([put.id]);
    expect(new Set(scopes)).toEqual(new Set([`${audience}/.default`]));
  });

  it.each([
    ['everybody', { allowedSourceAddressPrefix: '*' }],
    ['one address', { allowedSourceAddressPrefix: '192.168.0.5' }],
    [
      'a list of one',
      { allowedSourceAddressPrefix: undefined, allowedSourceAddressPrefixes: ['203.0.113.0/24'] },
    ],
    ['any protocol', { protocol: '*' }],
  ])('reads %s in the words in which it was put', async (_case, changes) => {
    const { policies } = client();
    await policies.createOrUpdate(group, region, 'default', aPolicy(changes));

    const { virtualMachines } = await policies.get(group, region, 'default');

    expect(virtualMachines).toEqual(JSON.parse(JSON.stringify(aPolicy(changes).virtualMachines)));
  });

  it('initiates access, which is Initiating, then Initiated, then Revoked because it has expired', async () => {
    const { policies } = client();
    await policies.createOrUpdate(group, region, 'default', aPolicy());

    const answered = await policies.initiate(
      group,
      region,
      'default',
      asked({ allowedSourceAddressPrefix: '203.0.113.9' }),
    );

    const port = { number: 22, allowedSourceAddressPrefix: '203.0.113.9', endTimeUtc: inAnHour };
    const request = {
      virtualMachines: [
        { id: vmId, ports: [{ ...port, status: 'Initiating', statusReason: 'UserRequested' }] },
      ],
      startTimeUtc: expect.any(Date) as Date,
      requestor: 'Alice of Contoso',
      justification: 'testing a new version of the product',
      // What Microsoft has no member for.
      sallyport: expect.anything() as object,
    };
    expect(answered).toEqual(request);
    await jit.world.runUntil(minutes(1), jit.process);
    expect((await policies.get(group, region, 'default')).requests).toEqual([
      {
        ...request,
        virtualMachines: [
          { id: vmId, ports: [{ ...port, status: 'Initiated', statusReason: 'UserRequested' }] },
        ],
      },
    ]);
    await jit.world.runUntil(minutes(62), jit.process);
    expect(
      (await policies.get(group, region, 'default')).requests?.[0]?.virtualMachines[0]?.ports[0],
    ).toEqual({
      ...port,
      status: 'Revoked',
      statusReason: 'Expired',
    });
    expect(jit.world.ownedRules()).toEqual([]);
  });

  it('puts back what it has read, with its history, and changes nothing by it', async () => {
    const { policies } = client();
    await policies.createOrUpdate(group, region, 'default', aPolicy());
    await policies.initiate(group, region, 'default', asked());
    const read = await policies.get(group, region, 'default');

    const again = await policies.createOrUpdate(group, region, 'default', read);

    expect(again).toEqual(read);
    const [stored] = await jit.world.stores.policies.list();
    expect(stored?.row.version).toBe(1);
  });

  it('keeps what it does not know of a policy when it puts back what it has read', async () => {
    const { policies } = client();
    const path = `${group}/providers/Microsoft.Security/locations/${region}/jitNetworkAccessPolicies/default`;
    const sallyport = { conditions: { largestSource: { IPv4: 32 } }, baseline: { kind: 'none' } };
    const port = aPolicy().virtualMachines[0]?.ports[0];
    const put = await jit.ask('PUT', `subscriptions/${subscription}/resourceGroups/${path}`, {
      properties: { virtualMachines: [{ id: vmId, ports: [port] }], sallyport },
    });
    expect(put.status, put.text).toBe(200);

    const read = await policies.get(group, region, 'default');
    expect(read).not.toHaveProperty('sallyport');
    await policies.createOrUpdate(group, region, 'default', {
      ...read,
      virtualMachines: aPolicy({ maxRequestAccessDuration: 'PT2H' }).virtualMachines,
    });

    const [stored] = await jit.world.stores.policies.list();
    expect(stored?.row).toMatchObject({ version: 2, ...sallyport });
  });

  it('lists by subscription, region, resource group and both, page by page', async () => {
    const { policies } = client();
    const put = await policies.createOrUpdate(group, region, 'default', aPolicy());
    const [stored] = await jit.world.stores.policies.list();
    if (stored === undefined) throw new Error('Nothing was stored.');
    const names = Array.from({ length: 120 }, (_, index) => `p${String(index).padStart(3, '0')}`);
    for (const name of names) {
      const id = stored.row.id
        .replace('/default', `/${name}`)
        .replace(region, name < 'p060' ? region : 'northeurope');
      await jit.world.stores.policies.insert({ ...stored.row, id });
    }

    const bySubscription = await all(policies.list());
    const pages = await all(policies.list().byPage());

    expect(bySubscription.map(({ name }) => name).sort()).toEqual(['default', ...names].sort());
    expect(pages.map((page) => page.length)).toEqual([100, 21]);
    expect(await all(policies.listByRegion('northeurope'))).toHaveLength(60);
    expect(await all(policies.listByResourceGroup(group))).toHaveLength(121);
    expect(await all(policies.listByResourceGroup('another-rg'))).toEqual([]);
    expect(await all(policies.listByResourceGroupAndRegion(group, region))).toHaveLength(61);
    expect(bySubscription.find(({ name }) => name === 'default')).toEqual(put);
  });

  it('deletes a policy, and one that is not there too', async () => {
    const { policies } = client();
    await policies.createOrUpdate(group, region, 'default', aPolicy());
    const statuses: number[] = [];
    const onResponse = ({ status }: { status: number }) => {
      statuses.push(status);
    };

    await policies.delete(group, region, 'default', { onResponse });
    await policies.delete(group, region, 'default', { onResponse });

    expect(statuses).toEqual([200, 204]);
    expect(await errorOf(policies.get(group, region, 'default'))).toMatchObject({
      statusCode: 404,
      code: 'PolicyNotFound',
      message: expect.stringMatching(
        /^Just-In-Time Network Access Policy '\/subscriptions\/.*\/default' does not exist\.$/,
      ) as string,
    });
  });

  it('throws what it knows: the status, the code and a sentence', async () => {
    const { policies } = client();
    await policies.createOrUpdate(group, region, 'default', aPolicy());

    const tooLong = new Date(noon.getTime() + 4 * 3_600_000);
    expect(
      await errorOf(policies.initiate(group, region, 'default', asked({ endTimeUtc: tooLong }))),
    ).toMatchObject({
      statusCode: 400,
      code: 'AccessRequestNotSubsetOfPolicy',
      message: expect.stringContaining('The given access request is not a subset of policy') as string,
    });
    expect(
      await errorOf(
        policies.createOrUpdate(group, region, 'default', aPolicy({ maxRequestAccessDuration: 'P2D' })),
      ),
    ).toMatchObject({
      statusCode: 400,
      code: 'InvalidRequestContent',
    });
    jit.world.authorization.deny();
    expect(await errorOf(policies.get(group, region, 'default'))).toMatchObject({
      statusCode: 403,
      code: 'AuthorizationFailed',
    });
  });

  it('is told what to set where it brings a token for Azure Resource Manager', async () => {
    const error = await errorOf(
      client('https://management.azure.com/').policies.get(group, region, 'default'),
    );

    expect(error).toMatchObject({ statusCode: 401, code: 'InvalidAuthenticationTokenAudience' });
    expect(error?.message).toContain(`Set credentialScopes to ["${audience}/.default"]`);
  });
});
