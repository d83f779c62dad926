import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sampleSubscription, virtualMachines } from '../../dev/sample/policies.ts';
import { patience, startCloud, type Cloud } from './cloud.ts';

const { web, db1, db2 } = virtualMachines;
const group = `${sampleSubscription}/resourceGroups/Contoso-Web-RG/providers`;
const nsgWeb = `${group}/Microsoft.Network/networkSecurityGroups/nsg-web`;

interface State {
  resources: { id: string; properties: Record<string, unknown> }[];
}

/** As a subscription to a system topic delivers it, in either schema. */
function written(resourceUri: string, number = 0, source = sampleSubscription): Record<string, unknown> {
  const common = { id: `event-${number}`, subject: resourceUri, data: { resourceUri } };
  // Late and early ones, in no order.
  const time = new Date(Date.now() - ((number * 7919) % 60) * 1000).toISOString();
  const type = 'Microsoft.Resources.ResourceWriteSuccess';
  return number % 2 === 0
    ? { ...common, topic: source, eventType: type, eventTime: time, dataVersion: '2', metadataVersion: '1' }
    : { ...common, specversion: '1.0', source, type, time };
}

describe('Azure’s own events, over the webhook of the local host', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud();
  });
  afterAll(() => cloud.close());

  async function send(events: unknown): Promise<number> {
    const response = await fetch(cloud.environment.eventWebhook, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'aeg-event-type': 'Notification' },
      body: JSON.stringify(events),
    });
    await response.arrayBuffer();
    return response.status;
  }

  /** Changes the simulated Azure as somebody with a portal does, which tells of it. */
  async function change(edit: (state: State) => State): Promise<void> {
    const state = (await cloud.environment.arm.state()) as State;
    const answer = await cloud.environment.arm.ask('PUT', '/_sim/state', edit(state));
    expect(answer.status).toBe(204);
  }

  async function opened(vm: string, port = 22) {
    const request = await cloud.grant({ vm, port, duration: 'PT1H' });
    await cloud.until(request.id, 'active');
    return request;
  }

  /** Who began to close a request, by the audit. */
  async function closedBy(id: string): Promise<unknown> {
    const { body } = await cloud.call('dave', 'GET', '/api/audit');
    const records = body['value'] as { partition: string; event: string; actor: string }[];
    return records.find(({ partition, event }) => partition === id && event === 'request.closing')?.actor;
  }

  const readsOf = async (nsg: string) =>
    (await cloud.armCalls()).filter(
      ({ method, path }) => method === 'GET' && path.toLowerCase().endsWith(nsg.toLowerCase()),
    ).length;

  it('end the grants of a machine that is deleted, by themselves and not by the sweep', async () => {
    const request = await opened(db2, 5432);
    const before = (await cloud.owned('nsg-db2')).length;

    await change((state) => ({
      ...state,
      resources: state.resources.filter(({ id }) => id.toLowerCase() !== db2.toLowerCase()),
    }));

    const closed = await cloud.until(request.id, 'closed');
    expect(closed.reason).toMatchObject({ code: 'target-gone' });
    expect(await closedBy(request.id)).toBe('sallyport');
    expect([before, (await cloud.owned('nsg-db2')).length]).toEqual([1, 0]);
  });

  it('end a grant when its machine’s address changes, and nothing follows the new address', async () => {
    const request = await opened(db1);

    await change(
      (state) => JSON.parse(JSON.stringify(state).replaceAll('"10.20.2.4"', '"10.20.2.44"')) as State,
    );

    const closed = await cloud.until(request.id, 'closed');
    expect(closed.reason).toMatchObject({ code: 'address-changed' });
    expect(await closedBy(request.id)).toBe('sallyport');
    expect(await cloud.owned('nsg-data')).toEqual([]);
  });

  it('a thousand of one NSG, in both schemas, doubled and out of order, cost few reads and no write', async () => {
    const request = await opened(web);
    const before = await cloud.armCalls();

    const batches = Array.from({ length: 10 }, (_, batch) =>
      send(Array.from({ length: 100 }, (_, index) => written(nsgWeb, Math.floor((batch * 100 + index) / 2)))),
    );
    expect(await Promise.all(batches)).toEqual(batches.map(() => 202));

    const calls = (await cloud.armCalls()).slice(before.length);
    expect(calls.filter(({ method }) => method === 'PUT' || method === 'DELETE')).toEqual([]);
    expect(calls.length).toBeLessThan(30);
    expect((await cloud.request(request.id)).state).toBe('active');
    await cloud.revoke(request.id);
    await cloud.until(request.id, 'closed');
  });

  it('have a rule of ours that somebody widened put right', async () => {
    const request = await opened(web);

    await cloud.edit('nsg-web', (rules) =>
      rules.map((rule) =>
        rule.name.startsWith('sallyport-')
          ? {
              ...rule,
              properties: { ...rule.properties, sourceAddressPrefix: '*', sourceAddressPrefixes: [] },
            }
          : rule,
      ),
    );

    await vi.waitFor(async () => {
      const [rule] = await cloud.owned('nsg-web');
      expect(rule?.properties['sourceAddressPrefix']).toBe('203.0.113.7/32');
    }, patience);
    await cloud.revoke(request.id);
    await cloud.until(request.id, 'closed');
  });

  it('are not believed from another topic, nor without the key, and never fail a batch', async () => {
    const request = await opened(web);
    const other = '/subscriptions/99999999-2222-3333-4444-555555555555';
    const before = await readsOf('nsg-web');

    const statuses = [
      await send([written(nsgWeb, 0, other), written(nsgWeb, 1, other)]),
      await send([{ any: 'thing' }, written(nsgWeb.replace('nsg-web', '..'))]),
      await send([]),
    ];
    const keyless = await fetch(cloud.environment.eventWebhook.replace(/code=.*$/, 'code=guess'), {
      method: 'POST',
      headers: { 'aeg-event-type': 'Notification' },
      body: JSON.stringify([written(nsgWeb)]),
    });

    expect(statuses).toEqual([202, 202, 202]);
    expect(keyless.status).toBe(401);
    expect(await readsOf('nsg-web')).toBe(before);
    await cloud.revoke(request.id);
    await cloud.until(request.id, 'closed');
  });
});
