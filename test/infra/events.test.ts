import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readNetworkHint } from '../../src/core/networkHint.ts';
import { read } from '../docs/pages.ts';
import { snapshotOf, subscription, theOnly } from './snapshots.ts';

const snapshot = snapshotOf('networkEvents');
const topic = theOnly(snapshot, 'Microsoft.EventGrid/systemTopics');
const eventSubscription = z
  .object({
    eventDeliverySchema: z.literal('CloudEventSchemaV1_0'),
    destination: z.object({
      endpointType: z.literal('AzureFunction'),
      properties: z.object({ resourceId: z.string(), maxEventsPerBatch: z.literal(1) }),
    }),
    filter: z.object({
      includedEventTypes: z.array(z.string()),
      advancedFilters: z.tuple([
        z.object({
          operatorType: z.literal('StringIn'),
          key: z.literal('data.operationName'),
          values: z.array(z.string()),
        }),
      ]),
    }),
  })
  .parse(theOnly(snapshot, 'Microsoft.EventGrid/systemTopics/eventSubscriptions').properties);
const operations = eventSubscription.filter.advancedFilters[0].values;

/** The id of a resource that an operation such as `Microsoft.Network/networkSecurityGroups/securityRules/write` is on. */
function resourceOf(operation: string): string {
  const [namespace = '', ...types] = operation.split('/').slice(0, -1);
  const path = types.map((type, index) => `${type}/name-${index}`).join('/');
  return `${subscription}/resourceGroups/rg-machines/providers/${namespace}/${path}`;
}

describe('the subscription to events of the network', () => {
  it('is to the subscription, and delivered to the function that takes them', () => {
    expect(topic.properties).toEqual({
      source: subscription,
      topicType: 'Microsoft.Resources.Subscriptions',
    });
    expect(eventSubscription.destination.properties.resourceId).toMatch(
      /\/sites\/func-sallyport-contoso\/functions\/networkChanged$/,
    );
    expect(read('src/main.ts')).toContain("app.eventGrid<unknown>('networkChanged'");
  });

  it.each(operations)('lets through %s, which the app takes as a hint', (operation) => {
    const type = eventSubscription.filter.includedEventTypes.find((name) =>
      name.includes(operation.endsWith('/delete') ? 'Delete' : 'Write'),
    );
    const event = {
      specversion: '1.0',
      type,
      source: topic.properties['source'],
      time: '2026-03-01T09:00:00Z',
      data: { resourceUri: resourceOf(operation) },
    };

    expect(readNetworkHint(event, [subscription])).toMatchObject({ kind: expect.any(String) as string });
  });

  it('lets through writes and deletes of network security groups, their rules, interfaces and machines', () => {
    const types = [
      'Microsoft.Network/networkSecurityGroups',
      'Microsoft.Network/networkSecurityGroups/securityRules',
      'Microsoft.Network/networkInterfaces',
      'Microsoft.Compute/virtualMachines',
    ];

    expect(operations).toEqual(types.flatMap((type) => [`${type}/write`, `${type}/delete`]));
  });
});
