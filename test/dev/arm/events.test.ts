import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EventOptions } from '../../../dev/arm/events.ts';
import { readNetworkHint } from '../../../src/core/networkHint.ts';
import { rule, startWorld, SUBSCRIPTION, WEB_NSG, type World } from './client.ts';

interface Delivery {
  id: string;
  [field: string]: unknown;
}

/** Takes events as a function does; refuses the first ones that it is told to refuse. */
class Subscriber {
  readonly deliveries: Delivery[] = [];
  readonly types: (string | undefined)[] = [];
  refuse = 0;
  readonly server: Server = createServer((request, response) => {
    void json(request).then((body) => {
      this.types.push(request.headers['aeg-event-type'] as string | undefined);
      this.deliveries.push(...(body as Delivery[]));
      this.refuse -= 1;
      response.writeHead(this.refuse >= 0 ? 500 : 202).end();
    });
  });

  async url(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  /** The delivered events, each once. */
  events(): Delivery[] {
    return [...new Map(this.deliveries.map((event) => [event.id, event])).values()];
  }
}

let subscriber: Subscriber;
let world: World;
afterEach(async () => {
  await world.arm.close();
  subscriber.server.closeAllConnections();
  await new Promise((resolve) => subscriber.server.close(resolve));
});

async function subscribed(options: Partial<EventOptions> = {}): Promise<void> {
  subscriber = new Subscriber();
  const url = await subscriber.url();
  world = await startWorld({
    settings: { operationMs: 0 },
    events: { url, schema: 'EventGridSchema', seed: 1, delayMs: 1, ...options },
  });
}

const until = (count: number) =>
  vi.waitFor(() => expect(subscriber.events().length).toBe(count), { timeout: 10_000, interval: 10 });

describe('the system topic of the simulator', () => {
  it.each(['EventGridSchema', 'CloudEventSchemaV1_0'] as const)(
    'tells in the form %s of a rule that is written and deleted, as hints that the app understands',
    async (schema) => {
      await subscribed({ schema });

      await world.send('PUT', `${WEB_NSG}/securityRules/sp-1`, rule());
      await until(1);
      await world.send('DELETE', `${WEB_NSG}/securityRules/sp-1`);
      await until(2);

      const hints = subscriber
        .events()
        .map((event) => readNetworkHint(event, [`/subscriptions/${SUBSCRIPTION}`]));
      expect(hints).toEqual([
        {
          kind: 'nsg',
          id: WEB_NSG.replace('resourceGroups', 'resourcegroups'),
          at: expect.any(Date) as Date,
        },
        { kind: 'nsg', id: WEB_NSG, at: expect.any(Date) as Date },
      ]);
      expect(new Set(subscriber.types)).toEqual(new Set(['Notification']));
    },
  );

  it('tells of what another state changes, and of nothing else', async () => {
    await subscribed();
    const state = world.arm.state() as { resources: { id: string }[] };
    const machine = state.resources.find(({ id }) => id.endsWith('/vm-web'));

    await world.send('PUT', '/_sim/state', {
      ...state,
      resources: state.resources.filter((resource) => resource !== machine),
    });
    await until(1);

    expect(subscriber.events()[0]).toMatchObject({
      subject: machine?.id,
      eventType: 'Microsoft.Resources.ResourceDeleteSuccess',
      topic: `/subscriptions/${SUBSCRIPTION}`,
    });
  });

  it('says nothing of reads, nor of writes that are refused', async () => {
    await subscribed();

    await world.send('GET', WEB_NSG);
    await world.send('PUT', WEB_NSG, { location: 'westeurope' }, { 'if-match': 'W/"other"' });
    await world.send('PUT', `${WEB_NSG}/securityRules/sp-2`, rule());
    await until(1);

    expect(subscriber.events()[0]).toMatchObject({ subject: expect.stringContaining('sp-2') as string });
  });

  it('delivers again what is refused', async () => {
    await subscribed();
    subscriber.refuse = 1;

    await world.send('PUT', `${WEB_NSG}/securityRules/sp-3`, rule());

    await vi.waitFor(() => expect(subscriber.deliveries.length).toBeGreaterThan(1), { timeout: 10_000 });
    expect(subscriber.events().length).toBe(1);
  });

  it('delivers some events twice and some out of order', async () => {
    await subscribed({ delayMs: 20 });

    for (let number = 0; number < 24; number += 1) {
      await world.send('PUT', `${WEB_NSG}/securityRules/sp-${number}`, rule({ priority: 2000 + number }));
    }
    await until(24);
    await vi.waitFor(() => expect(subscriber.deliveries.length).toBeGreaterThan(24), { timeout: 10_000 });

    const order = subscriber.events().map(({ subject }) => String(subject).split('/').at(-1));
    expect(order).not.toEqual(Array.from({ length: 24 }, (_, number) => `sp-${number}`));
  });
});
