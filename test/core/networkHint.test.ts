import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEventTopic, readNetworkHint } from '../../src/core/networkHint.ts';

const subscription = '/subscriptions/11111111-2222-3333-4444-555555555555';
const group = `${subscription}/resourceGroups/Contoso-RG`;
const nsg = `${group}/providers/Microsoft.Network/networkSecurityGroups/nsg-web`;
const expected = [subscription];
const written = 'Microsoft.Resources.ResourceWriteSuccess';
const deleted = 'Microsoft.Resources.ResourceDeleteSuccess';

/** Made from the published schema of the events of Azure subscriptions; we have no recording of one about an NSG. */
function eventGrid(resourceUri: string, changes: object = {}) {
  return {
    id: 'c4ff4b4e-0000-4000-8000-000000000001',
    topic: subscription,
    subject: resourceUri,
    eventType: written,
    eventTime: '2026-11-23T12:00:00.4150337Z',
    data: {
      resourceUri,
      operationName: 'Microsoft.Network/networkSecurityGroups/write',
      status: 'Succeeded',
      correlationId: 'c0ffee00-0000-4000-8000-000000000001',
      authorization: { scope: resourceUri, action: 'Microsoft.Network/networkSecurityGroups/write' },
    },
    dataVersion: '2',
    metadataVersion: '1',
    ...changes,
  };
}

function cloudEvent(resourceUri: string, changes: object = {}) {
  return {
    specversion: '1.0',
    id: 'c4ff4b4e-0000-4000-8000-000000000002',
    source: subscription,
    subject: resourceUri,
    type: deleted,
    time: '2026-11-23T12:00:00.415Z',
    data: { resourceUri, operationName: 'Microsoft.Network/networkSecurityGroups/delete' },
    ...changes,
  };
}

describe('an event of a system topic', () => {
  it('is a hint in Event Grid’s schema', () => {
    expect(readNetworkHint(eventGrid(nsg), expected)).toEqual({
      kind: 'nsg',
      id: nsg,
      at: new Date('2026-11-23T12:00:00.415Z'),
    });
  });

  it('is a hint as a CloudEvent', () => {
    expect(readNetworkHint(cloudEvent(nsg), expected)).toEqual({
      kind: 'nsg',
      id: nsg,
      at: new Date('2026-11-23T12:00:00.415Z'),
    });
  });

  it.each<[string, string, string]>([
    ['nsg', nsg, nsg],
    ['nsg', `${nsg}/securityRules/AllowHttps`, nsg],
    ['nsg', nsg.replace('resourceGroups', 'resourcegroups'), nsg.replace('resourceGroups', 'resourcegroups')],
    ...[
      ['network-interface', 'Microsoft.Network/networkInterfaces/vm-web-nic'],
      ['network-interface', 'microsoft.network/networkinterfaces/VM-WEB-NIC'],
      ['virtual-machine', 'Microsoft.Compute/virtualMachines/vm-web'],
    ].map(([kind = '', path = '']): [string, string, string] => {
      const id = `${group}/providers/${path}`;
      return [kind, id, id];
    }),
  ])('about a %s names it: %s', (kind, resourceUri, id) => {
    expect(readNetworkHint(eventGrid(resourceUri), expected)).toMatchObject({ kind, id });
  });

  it.each([
    `${nsg}/defaultSecurityRules/AllowVnetInBound`,
    `${group}/providers/Microsoft.Compute/virtualMachines/vm-web/extensions/one`,
    `${group}/providers/Microsoft.Storage/storageAccounts/contoso`,
    `${subscription}/providers/Microsoft.Network/networkSecurityGroups/nsg-web`,
    `${nsg}/`,
    `${nsg}?x=1`,
    `${nsg}/../nsg-other`,
    `${group}/providers/Microsoft.Network/networkSecurityGroups/..`,
    // The Kelvin sign, of which a case-folding comparison makes a k.
    `${group}/providers/Microsoft.Networ\u212a/networkSecurityGroups/nsg-web`,
  ])('about another resource is none: %s', (resourceUri) => {
    expect(readNetworkHint(eventGrid(resourceUri), expected)).toEqual({ ignored: 'other-resource' });
  });

  it.each([
    ['of another type', { eventType: 'Microsoft.Resources.ResourceActionSuccess' }, 'other-event'],
    ['of a write that failed', { eventType: 'Microsoft.Resources.ResourceWriteFailure' }, 'other-event'],
    [
      'of another topic',
      { topic: '/subscriptions/99999999-2222-3333-4444-555555555555' },
      'unexpected-topic',
    ],
    ['of a custom topic', { topic: `${group}/providers/Microsoft.EventGrid/topics/x` }, 'unexpected-topic'],
    ['without a topic', { topic: undefined }, 'malformed'],
    ['without a time', { eventTime: 'yesterday' }, 'malformed'],
    ['without data', { data: null }, 'malformed'],
    ['without a resource', { data: {} }, 'malformed'],
    ['of a version of CloudEvents that does not exist', { specversion: '9.9' }, 'malformed'],
  ])('%s is none', (_case, changes, ignored) => {
    expect(readNetworkHint(eventGrid(nsg, changes), expected)).toEqual({ ignored });
  });

  it('speaks only of resources within its own topic', () => {
    const other = nsg.replace('11111111', '99999999');

    expect(readNetworkHint(eventGrid(other), expected)).toEqual({ ignored: 'unexpected-topic' });
    expect(readNetworkHint(eventGrid(nsg, { topic: group }), [group.toUpperCase()])).toMatchObject({
      id: nsg,
    });
    expect(
      readNetworkHint(eventGrid(nsg.replace('Contoso-RG', 'Contoso-RG2'), { topic: group }), [group]),
    ).toEqual({ ignored: 'unexpected-topic' });
  });

  it('is never believed where no topic is expected', () => {
    expect(readNetworkHint(eventGrid(nsg), [])).toEqual({ ignored: 'unexpected-topic' });
  });

  it('may be anything at all, and is then no hint', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.anything()), (event) => {
        expect(readNetworkHint(event, expected)).toHaveProperty('ignored');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the source of a system topic', () => {
  it.each([subscription, group, subscription.toUpperCase()])('is a subscription or a group: %s', (text) => {
    expect(isEventTopic(text)).toBe(true);
  });

  it.each(['', '/', '*', '/subscriptions/contoso', `${subscription}/`, nsg, `x${subscription}`])(
    'is nothing else: %s',
    (text) => {
      expect(isEventTopic(text)).toBe(false);
    },
  );
});
