import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { read } from '../docs/pages.ts';
import { ofType, settingsOf, snapshotOf, subscription, theOnly, type Snapshot } from './snapshots.ts';

/** The expression for the client id of the app's identity. */
function clientIdOf(snapshot: Snapshot): string {
  const { id } = theOnly(snapshot, 'Microsoft.ManagedIdentity/userAssignedIdentities');
  return `reference('${id}', '2024-11-30').clientId`;
}

const main = snapshotOf('main');
const everything = snapshotOf('everything');

describe.each([
  ['main', main],
  ['everything', everything],
])('what %s.bicepparam puts together', (_name, snapshot) => {
  it('is one app on a plan of Flex Consumption, which callers reach and azd finds', () => {
    const plan = theOnly(snapshot, 'Microsoft.Web/serverfarms');
    const site = theOnly(snapshot, 'Microsoft.Web/sites');
    const [, service] = /\nservices:\n {2}(\w+):\n/.exec(read('azure.yaml')) ?? [];

    expect(plan).toMatchObject({
      sku: { name: 'FC1', tier: 'FlexConsumption' },
      properties: { reserved: true },
    });
    expect(site.properties).toMatchObject({ serverFarmId: plan.id, publicNetworkAccess: 'Enabled' });
    expect(site['tags']).toMatchObject({ 'azd-service-name': service });
  });

  it('names the identity of the app wherever one has to be named', () => {
    const settings = settingsOf(snapshot);

    expect(settings['SALLYPORT_CLIENT_ID']).toBe(`[${clientIdOf(snapshot)}]`);
    expect(settings['AzureWebJobsStorage__clientId']).toBe(`[${clientIdOf(snapshot)}]`);
    expect(settings['APPLICATIONINSIGHTS_AUTHENTICATION_STRING']).toBe(
      `[format('ClientId={0};Authorization=AAD', ${clientIdOf(snapshot)})]`,
    );
  });

  it('keeps telemetry in the workspace that the alerts ask, for as long as it costs nothing', () => {
    const workspace = theOnly(snapshot, 'Microsoft.OperationalInsights/workspaces');

    expect(theOnly(snapshot, 'Microsoft.Insights/components').properties).toMatchObject({
      WorkspaceResourceId: workspace.id,
      IngestionMode: 'LogAnalytics',
    });
    expect(workspace.properties['retentionInDays']).toBe(30);
    for (const { properties } of ofType(snapshot, 'Microsoft.Insights/scheduledQueryRules')) {
      expect(properties['scopes']).toEqual([workspace.id]);
    }
  });
});

describe('the choices fit', () => {
  it('the scheduler: reached by the identity, from instances of any address', () => {
    const scheduler = theOnly(everything, 'Microsoft.DurableTask/schedulers');
    const { DURABLE_TASK_SCHEDULER_CONNECTION_STRING: connection } = settingsOf(everything);

    expect(connection).toMatch(/^\[format\('Endpoint=\{0\};Authentication=ManagedIdentity;ClientID=\{1\}', /);
    expect(connection).toContain(`'${scheduler.id}'`);
    expect(connection).toContain(clientIdOf(everything));
    expect(scheduler.properties['ipAllowlist']).toEqual(['0.0.0.0/0']);
  });

  it('the copy of the audit: the rule takes the columns of the table and fills it in the workspace', () => {
    const workspace = theOnly(everything, 'Microsoft.OperationalInsights/workspaces').id;
    const table = theOnly(everything, 'Microsoft.OperationalInsights/workspaces/tables');
    const rule = theOnly(everything, 'Microsoft.Insights/dataCollectionRules');
    const { name, columns } = z
      .object({ name: z.string(), columns: z.array(z.unknown()) })
      .parse(table.properties['schema']);

    expect(rule['kind']).toBe('Direct');
    expect(rule['location']).toBe(
      theOnly(everything, 'Microsoft.OperationalInsights/workspaces')['location'],
    );
    expect(rule.properties).toMatchObject({
      streamDeclarations: { 'Custom-SallyportAudit': { columns } },
      destinations: { logAnalytics: [{ name: 'workspace', workspaceResourceId: workspace }] },
      dataFlows: [
        {
          ...{ streams: ['Custom-SallyportAudit'], destinations: ['workspace'] },
          outputStream: `Custom-${name}`,
        },
      ],
    });
    expect([table.id, table.properties['retentionInDays']]).toEqual([`${workspace}/tables/${name}`, 365]);
  });

  it('the private network: a subnet for the app, and for each endpoint the zone of its service', () => {
    const network = theOnly(everything, 'Microsoft.Network/virtualNetworks').id;
    const zone = (service: string) => `format('privatelink.{0}.{1}', '${service}', `;
    const services = ['blob', 'queue', 'table'];

    expect(ofType(everything, 'Microsoft.Network/virtualNetworks/subnets')[0]?.properties).toMatchObject({
      delegations: [{ properties: { serviceName: 'Microsoft.App/environments' } }],
    });
    const zones = ofType(everything, 'Microsoft.Network/privateDnsZones').map(({ name }) => name);
    expect(zones).toEqual(
      services.map((service) => expect.stringContaining(zone(service)) as unknown as string),
    );
    for (const { properties } of ofType(
      everything,
      'Microsoft.Network/privateDnsZones/virtualNetworkLinks',
    )) {
      expect(properties).toEqual({ registrationEnabled: false, virtualNetwork: { id: network } });
    }
    for (const endpoint of ofType(everything, 'Microsoft.Network/privateEndpoints')) {
      const service = endpoint.name.split('-').at(-1) ?? '';
      const names = everything.resources.find(
        ({ id }) => id === `${endpoint.id}/privateDnsZoneGroups/default`,
      );
      expect(endpoint.properties).toMatchObject({
        subnet: { id: `${network}/subnets/endpoints` },
        privateLinkServiceConnections: [{ properties: { groupIds: [service] } }],
      });
      expect(JSON.stringify(names?.properties)).toContain(zone(service));
    }
  });
});

describe('the watchdog', () => {
  it.each([
    ['watchdog', 15],
    ['watchdogEverything', 30],
  ])(
    'of %s.bicepparam runs, at the Azure that it is deployed to, with a grace of %i minutes',
    (name, grace) => {
      const { properties } = theOnly(snapshotOf(name), 'Microsoft.Logic/workflows');

      expect(properties['state']).toBe('Enabled');
      expect(properties['parameters']).toEqual({
        installation: { value: 'contoso' },
        graceMinutes: { value: grace },
        subscriptions: { value: [subscription.replace('/subscriptions/', '')] },
        // Without the slash at its end.
        resourceManager: {
          value: '[take(environment().resourceManager, sub(length(environment().resourceManager), 1))]',
        },
      });
    },
  );

  it.each(['watchdog', 'watchdogEverything'])(
    'of %s.bicepparam goes on ringing until somebody looks',
    (name) => {
      const alert = theOnly(snapshotOf(name), 'Microsoft.Insights/metricAlerts');

      expect(alert.properties['autoMitigate']).toBe(false);
    },
  );
});

describe('the rights on networks and those of the watchdog', () => {
  it.each(['networkRights', 'networkRightsEverything'])(
    'are in %s.bicepparam those of the app, a service principal',
    (name) => {
      for (const { properties } of ofType(snapshotOf(name), 'Microsoft.Authorization/roleAssignments')) {
        expect(properties).toMatchObject({
          principalId: '33333333-3333-3333-3333-333333333333',
          principalType: 'ServicePrincipal',
        });
      }
    },
  );

  it('are in watchdogEverything.bicepparam those of a service principal', () => {
    const assignments = ofType(snapshotOf('watchdogEverything'), 'Microsoft.Authorization/roleAssignments');

    expect(assignments.map(({ properties }) => properties['principalType'])).toEqual([
      ...['ServicePrincipal', 'ServicePrincipal'],
    ]);
  });
});

describe('lists in the environment of azd', () => {
  it.each(['main', 'networkRights', 'watchdog'])(
    'may have blanks after their commas, in %s.bicepparam',
    (name) => {
      const parameters = read(`infra/${name}.bicepparam`);
      const lists = parameters.match(/split\(/g) ?? [];

      expect(lists).not.toEqual([]);
      expect(parameters.match(/map\(split\(.+, ','\), part => trim\(part\)\)/g)).toHaveLength(lists.length);
    },
  );
});
