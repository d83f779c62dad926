import { describe, expect, it } from 'vitest';
import { read, tableBelow } from '../docs/pages.ts';
import { ofType, snapshotOf, theOnly, type Snapshot } from './snapshots.ts';

const deployments = ['main', 'everything'].map((name) => [name, snapshotOf(name)] as const);

describe.each(deployments)('what %s.bicepparam makes', (name, snapshot) => {
  it('has two storage accounts, which take no key, nothing public and nothing but TLS 1.2', () => {
    const accounts = ofType(snapshot, 'Microsoft.Storage/storageAccounts');

    expect(accounts).toHaveLength(2);
    for (const { properties } of accounts) {
      expect(properties).toMatchObject({
        allowSharedKeyAccess: false,
        allowBlobPublicAccess: false,
        allowCrossTenantReplication: false,
        defaultToOAuthAuthentication: true,
        minimumTlsVersion: 'TLS1_2',
        supportsHttpsTrafficOnly: true,
      });
    }
  });

  it('lets no container be read by strangers', () => {
    const containers = ofType(snapshot, 'Microsoft.Storage/storageAccounts/blobServices/containers');

    expect(containers.map(({ properties }) => properties['publicAccess'])).toEqual(
      containers.map(() => 'None'),
    );
  });

  it('takes telemetry from identities alone', () => {
    expect(theOnly(snapshot, 'Microsoft.Insights/components').properties['DisableLocalAuth']).toBe(true);
    expect(theOnly(snapshot, 'Microsoft.OperationalInsights/workspaces').properties['features']).toEqual({
      disableLocalAuth: true,
    });
  });

  it('answers over https and TLS 1.2 alone, for publishing too', () => {
    const { properties } = theOnly(snapshot, 'Microsoft.Web/sites');

    expect(properties).toMatchObject({
      httpsOnly: true,
      siteConfig: { minTlsVersion: '1.2', scmMinTlsVersion: '1.2' },
    });
  });

  it('has no health check by the platform, which Flex Consumption does not support', () => {
    expect(theOnly(snapshot, 'Microsoft.Web/sites').properties['siteConfig']).not.toHaveProperty(
      'healthCheckPath',
    );
  });

  it('lets nobody publish by a password', () => {
    const policies = ofType(snapshot, 'Microsoft.Web/sites/basicPublishingCredentialsPolicies');

    expect(policies.map(({ name: kind, properties }) => [kind.split('/')[1], properties])).toEqual([
      ['scm', { allow: false }],
      ['ftp', { allow: false }],
    ]);
  });

  it('starts the app from its package with the identity that reads everything else', () => {
    const identity = theOnly(snapshot, 'Microsoft.ManagedIdentity/userAssignedIdentities').id;
    const site = theOnly(snapshot, 'Microsoft.Web/sites');

    expect(site['identity']).toEqual({ type: 'UserAssigned', userAssignedIdentities: { [identity]: {} } });
    expect(site.properties).toMatchObject({
      functionAppConfig: {
        runtime: { name: 'node', version: '22' },
        deployment: {
          storage: {
            type: 'blobContainer',
            authentication: {
              type: 'UserAssignedIdentity',
              userAssignedIdentityResourceId: identity,
            },
          },
        },
      },
    });
  });

  it('asks Azure for no key and gives none away', () => {
    expect(snapshot.text).not.toMatch(/listKeys|listAccountSas|AccountKey|SharedAccessKey|clientSecret/i);
    expect(Object.keys(snapshot.outputs).sort()).toEqual([
      'SALLYPORT_FUNCTION_APP',
      'SALLYPORT_INSTALLATION_ID',
      'SALLYPORT_ORIGIN',
      'SALLYPORT_PRINCIPAL_ID',
      'SALLYPORT_RESOURCE_GROUP',
      'SALLYPORT_TABLES__tableServiceUri',
    ]);
  });

  // `azd down` deletes every group in which something was made.
  it('is all in one resource group of its own, but for the setting that sends the activity log', () => {
    const group = theOnly(snapshot, 'Microsoft.Resources/resourceGroups').id;

    const [, , subscriptionId = '', , groupName = ''] = group.split('/');
    // Names with the address of a cloud in them are expressions.
    const inside = [`${group}/`, `[resourceId('${subscriptionId}', '${groupName}', `];
    const outside = snapshot.resources.filter(({ id }) => !inside.some((start) => id.startsWith(start)));

    const ofSubscription = name === 'main' ? [] : ['Microsoft.Insights/diagnosticSettings'];
    expect(outside.map(({ type }) => type)).toEqual([
      ...['Microsoft.Resources/resourceGroups', ...ofSubscription],
    ]);
  });

  it('has an installation id that the app takes', () => {
    expect(snapshot.outputs['SALLYPORT_INSTALLATION_ID']).toMatch(
      name === 'main' ? /^[a-z0-9]{12}$/ : /^contoso$/,
    );
  });
});

describe('the choices', () => {
  const everything = snapshotOf('everything');
  const main = snapshotOf('main');
  const chosen = [
    'Microsoft.DurableTask/schedulers',
    'Microsoft.DurableTask/schedulers/taskHubs',
    'Microsoft.Network/virtualNetworks',
    'Microsoft.Network/privateDnsZones',
    'Microsoft.Network/privateEndpoints',
    'Microsoft.Insights/dataCollectionRules',
    'Microsoft.OperationalInsights/workspaces/tables',
    'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies',
    'Microsoft.Insights/diagnosticSettings',
    'Microsoft.Authorization/locks',
    'Microsoft.Consumption/budgets',
  ];

  it.each(chosen)('make %s only when asked to', (type) => {
    expect(ofType(main, type)).toEqual([]);
    expect(ofType(everything, type)).not.toEqual([]);
  });

  it('cost least by default: no instance that always runs, no zones, the smallest instance', () => {
    expect(theOnly(main, 'Microsoft.Web/sites').properties).toMatchObject({
      functionAppConfig: {
        scaleAndConcurrency: { alwaysReady: [], instanceMemoryMB: 512, maximumInstanceCount: 40 },
      },
    });
    expect(theOnly(main, 'Microsoft.Web/serverfarms').properties['zoneRedundant']).toBe(false);
    for (const { sku } of ofType(main, 'Microsoft.Storage/storageAccounts')) {
      expect(sku).toEqual({ name: 'Standard_LRS' });
    }
  });

  it('spread instances and storage over zones, and keep an instance for orchestrations', () => {
    expect(theOnly(everything, 'Microsoft.Web/sites').properties).toMatchObject({
      functionAppConfig: {
        scaleAndConcurrency: { alwaysReady: [{ name: 'durable', instanceCount: 2 }] },
      },
    });
    expect(theOnly(everything, 'Microsoft.Web/serverfarms').properties['zoneRedundant']).toBe(true);
    for (const { sku } of ofType(everything, 'Microsoft.Storage/storageAccounts')) {
      expect(sku).toEqual({ name: 'Standard_ZRS' });
    }
  });

  it('shut both storage accounts to everything but private endpoints, one for each service that is used', () => {
    for (const { properties } of ofType(everything, 'Microsoft.Storage/storageAccounts')) {
      expect(properties).toMatchObject({
        publicNetworkAccess: 'Disabled',
        networkAcls: { bypass: 'None', defaultAction: 'Deny' },
      });
    }
    const endpoints = ofType(everything, 'Microsoft.Network/privateEndpoints').map(({ name }) =>
      name.replace(/^pe-st\w{13}/, ''),
    );
    expect(endpoints).toEqual(['host-blob', 'host-queue', 'host-table', 'tables-table', 'tables-blob']);
    const network = theOnly(everything, 'Microsoft.Network/virtualNetworks').id;
    expect(theOnly(everything, 'Microsoft.Web/sites').properties['virtualNetworkSubnetId']).toBe(
      `${network}/subnets/app`,
    );
    expect(ofType(everything, 'Microsoft.Network/virtualNetworks/subnets').map(({ id }) => id)).toEqual([
      `${network}/subnets/app`,
      `${network}/subnets/endpoints`,
    ]);
  });

  it('keep exported audit records from change and deletion, and let them grow', () => {
    const policy = theOnly(
      everything,
      'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies',
    );

    expect(policy.id).toContain('tables/blobServices/default/containers/audit-export/');
    expect(policy.properties).toEqual({
      immutabilityPeriodSinceCreationInDays: 2555,
      allowProtectedAppendWrites: true,
    });
  });

  it('send the administrative part of the activity log to the workspace, and nothing else of it', () => {
    expect(theOnly(everything, 'Microsoft.Insights/diagnosticSettings').properties).toEqual({
      workspaceId: theOnly(everything, 'Microsoft.OperationalInsights/workspaces').id,
      logs: [{ category: 'Administrative', enabled: true }],
    });
  });

  it('lock the account of the tables against deletion, and nothing else', () => {
    const lock = theOnly(everything, 'Microsoft.Authorization/locks');

    expect(lock.properties['level']).toBe('CanNotDelete');
    expect(lock.id).toMatch(
      /\/storageAccounts\/st\w{13}tables\/providers\/Microsoft\.Authorization\/locks\/[\w-]+$/,
    );
  });

  it('tell owners and the address that was given when the month costs more than was meant', () => {
    const told = { contactEmails: ['security@contoso.example'], contactRoles: ['Owner'], enabled: true };

    expect(theOnly(everything, 'Microsoft.Consumption/budgets').properties).toMatchObject({
      amount: 25,
      timeGrain: 'Monthly',
      timePeriod: { startDate: '2026-12-01T00:00:00Z' },
      notifications: {
        most: { thresholdType: 'Actual', threshold: 80, ...told },
        foreseen: { thresholdType: 'Forecasted', threshold: 100, ...told },
      },
    });
  });

  it('bound what is stored a day', () => {
    const cap = (snapshot: Snapshot) =>
      theOnly(snapshot, 'Microsoft.OperationalInsights/workspaces').properties['workspaceCapping'];

    expect([main, everything].map(cap)).toEqual([{ dailyQuotaGb: 0.5 }, { dailyQuotaGb: 2 }]);
  });

  it('are all in the table of choices', () => {
    const documented = tableBelow(read('docs/deploy.md'), 'Choices')
      .map(([names = '']) => names.split(', '))
      .flat();
    const asked = read('infra/main.bicepparam').match(/SALLYPORT_\w+/g) ?? [];

    expect(asked.length).toBeGreaterThan(10);
    expect(
      asked.filter((name) => name !== 'SALLYPORT_SIGN_IN_CLIENT_ID' && !documented.includes(name)),
    ).toEqual([]);
  });
});
