import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { rowsOf } from '../../src/adapters/logs/auditRows.ts';
import { readConfig } from '../../src/config.ts';
import { chainRecord } from '../../src/core/auditRecord.ts';
import { sampleRecord } from '../contracts/samples.ts';
import { read, tableBelow } from '../docs/pages.ts';
import { ofType, settingsOf, snapshotOf, subscription, theOnly, type Snapshot } from './snapshots.ts';

/** What Flex Consumption refuses, ignores or has deprecated, by Microsoft's documentation. */
const refusedSettings = [
  'AzureWebJobsStorage',
  'ENABLE_ORYX_BUILD',
  'FUNCTIONS_EXTENSION_VERSION',
  'FUNCTIONS_MAX_HTTP_CONCURRENCY',
  'FUNCTIONS_WORKER_PROCESS_COUNT',
  'FUNCTIONS_WORKER_RUNTIME',
  'FUNCTIONS_WORKER_RUNTIME_VERSION',
  'SCM_DO_BUILD_DURING_DEPLOYMENT',
  'TZ',
  'WEBSITE_CONTENTAZUREFILECONNECTIONSTRING',
  'WEBSITE_CONTENTOVERVNET',
  'WEBSITE_CONTENTSHARE',
  'WEBSITE_DNS_SERVER',
  'WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT',
  'WEBSITE_NODE_DEFAULT_VERSION',
  'WEBSITE_RUN_FROM_PACKAGE',
  'WEBSITE_TIME_ZONE',
  'WEBSITE_VNET_ROUTE_ALL',
];
const siteConfig = ['http20Enabled', 'minTlsVersion', 'scmMinTlsVersion'];

/** What stands for an expression that only Azure can evaluate. */
const evaluated = {
  SALLYPORT_TOKEN_ISSUER: 'https://login.microsoftonline.com/22222222-2222-2222-2222-222222222222/v2.0',
  SALLYPORT_ARM_ENDPOINT: 'https://management.azure.com/',
  SALLYPORT_CLIENT_ID: '55555555-5555-5555-5555-555555555555',
  SALLYPORT_TABLES__tableServiceUri: 'https://contoso.table.core.windows.net/',
};
const defaultOrigin = { SALLYPORT_PUBLIC_ORIGIN: 'https://func-sallyport-contoso.azurewebsites.net' };
/** The same, where the audit is copied. */
const evaluatedOfCopies = {
  SALLYPORT_AUDIT_COPY_ENDPOINT: 'https://contoso.westeurope-1.ingest.monitor.azure.com',
  SALLYPORT_AUDIT_COPY_RULE: 'dcr-0123456789abcdef0123456789abcdef',
  SALLYPORT_AUDIT_EXPORT_CONTAINER: 'https://contoso.blob.core.windows.net/audit-export',
};

function own(snapshot: Snapshot): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settingsOf(snapshot)).filter(([name]) => name.startsWith('SALLYPORT_')),
  );
}

const main = snapshotOf('main');
const everything = snapshotOf('everything');

describe.each([
  ['main', main, { ...evaluated, ...defaultOrigin }],
  ['everything', everything, { ...evaluated, ...evaluatedOfCopies }],
])('the app settings of %s.bicepparam', (_name, snapshot, values) => {
  it('are none that Flex Consumption refuses', () => {
    expect(Object.keys(settingsOf(snapshot)).filter((name) => refusedSettings.includes(name))).toEqual([]);
  });

  it('are settings of the app, of the host storage, of telemetry and of the scheduler', () => {
    const known = /^(SALLYPORT_|AzureWebJobsStorage__|APPLICATIONINSIGHTS_|DURABLE_TASK_SCHEDULER_)/;

    expect(Object.keys(settingsOf(snapshot)).filter((name) => !known.test(name))).toEqual([]);
  });

  it('let the app start', () => {
    const settings = own(snapshot);
    const expressions = Object.keys(settings).filter((name) => settings[name]?.startsWith('['));

    expect(expressions.sort()).toEqual(Object.keys(values).sort());
    expect(readConfig({ ...settings, ...values })).toMatchObject({
      installation: { id: settings['SALLYPORT_INSTALLATION_ID'] },
      credential: { kind: 'managed-identity', clientId: evaluated.SALLYPORT_CLIENT_ID },
      tables: { serviceUri: evaluated.SALLYPORT_TABLES__tableServiceUri },
      trustAppServiceAuthentication: false,
    });
  });

  it('find the host storage by three addresses and the identity, and by nothing else', () => {
    const settings = settingsOf(snapshot);
    const names = Object.keys(settings).filter((name) => name.startsWith('AzureWebJobsStorage'));

    expect(names.sort()).toEqual([
      'AzureWebJobsStorage__blobServiceUri',
      'AzureWebJobsStorage__clientId',
      'AzureWebJobsStorage__credential',
      'AzureWebJobsStorage__queueServiceUri',
      'AzureWebJobsStorage__tableServiceUri',
    ]);
    expect(settings['AzureWebJobsStorage__credential']).toBe('managedidentity');
    expect(settings['AzureWebJobsStorage__tableServiceUri']).toMatch(/storageAccounts\/st\w{13}host'/);
    expect(settings['SALLYPORT_TABLES__tableServiceUri']).toMatch(/storageAccounts\/st\w{13}tables'/);
  });

  it('set no property of a site that Flex Consumption refuses', () => {
    const properties = z
      .object({ siteConfig: z.record(z.string(), z.unknown()) })
      .loose()
      .parse(theOnly(snapshot, 'Microsoft.Web/sites').properties);

    expect(Object.keys(properties.siteConfig).sort()).toEqual(siteConfig);
    expect(Object.keys(properties)).not.toContain('vnetRouteAllEnabled');
    expect(Object.keys(properties)).not.toContain('containerSize');
  });
});

describe('what is set about places', () => {
  it('is where the app is reached: its own default host name, or the name that was chosen', () => {
    expect(own(main)['SALLYPORT_PUBLIC_ORIGIN']).toMatch(
      /^\[format\('https:\/\/\{0\}', reference\('[^']*\/Microsoft\.Web\/sites\/func-sallyport-\w+', '[\d-]+'\)\.defaultHostName\)\]$/,
    );
    expect(own(everything)['SALLYPORT_PUBLIC_ORIGIN']).toBe('https://sallyport.contoso.example');
  });

  it('is which resource groups are read, by their ids; by default none, which is all of them', () => {
    expect(readConfig({ ...own(main), ...evaluated, ...defaultOrigin }).arm.readerGroups).toEqual([]);
    expect(readConfig({ ...own(everything), ...evaluated, ...evaluatedOfCopies }).arm.readerGroups).toEqual([
      `${subscription}/resourceGroups/rg-machines`,
      '/subscriptions/77777777-7777-7777-7777-777777777777/resourceGroups/rg-network',
    ]);
  });
});

describe('each setting of the app', () => {
  const documented = tableBelow(read('docs/operations.md'), 'Settings');
  const readByApp = [...new Set(read('src/config.ts').match(/SALLYPORT_\w+/g))];
  // The other way to say where the tables are, by a key.
  const inAzure = readByApp.filter((name) => name !== 'SALLYPORT_TABLES');

  it('can be set by the template, and whatever it can set is read', () => {
    expect(Object.keys(own(everything)).sort()).toEqual(inAzure.sort());
  });

  it('is set by default or has a stated default', () => {
    const withDefault = documented.filter(([, needed]) => needed === 'no').map(([name]) => name);
    const set = Object.keys(own(main));

    expect(inAzure.filter((name) => !set.includes(name) && !withDefault.includes(name))).toEqual([]);
  });
});

describe('the copies of the audit', () => {
  const copies = (snapshot: Snapshot) =>
    Object.entries(own(snapshot)).filter(([name]) => name.startsWith('SALLYPORT_AUDIT_'));

  it('have no setting unless they are chosen', () => {
    expect(copies(main)).toEqual([]);
  });

  it('go to the rule and the container that the template makes', () => {
    const rule = theOnly(everything, 'Microsoft.Insights/dataCollectionRules').id;
    const containers = ofType(everything, 'Microsoft.Storage/storageAccounts/blobServices/containers');
    const container = containers.find(({ name }) => name.includes('tables/'))?.name ?? '';
    const settings = Object.fromEntries(copies(everything));
    const [account = '', , name = ''] = container.split('/');

    expect(settings['SALLYPORT_AUDIT_COPY_ENDPOINT']).toContain(`reference('${rule}'`);
    expect(settings['SALLYPORT_AUDIT_COPY_ENDPOINT']).toContain('.endpoints.logsIngestion');
    expect(settings['SALLYPORT_AUDIT_COPY_RULE']).toContain(`reference('${rule}'`);
    expect(settings['SALLYPORT_AUDIT_COPY_RULE']).toContain('.immutableId');
    expect(settings['SALLYPORT_AUDIT_EXPORT_CONTAINER']).toContain(`{0}${name}'`);
    expect(settings['SALLYPORT_AUDIT_EXPORT_CONTAINER']).toContain(`storageAccounts/${account}'`);
  });

  it('have in Log Analytics just the columns that are sent', () => {
    const { properties } = theOnly(everything, 'Microsoft.Insights/dataCollectionRules');
    const { streamDeclarations } = z
      .object({
        streamDeclarations: z.strictObject({
          'Custom-SallyportAudit': z.object({ columns: z.array(z.looseObject({ name: z.string() })) }),
        }),
      })
      .parse(properties);
    const record = chainRecord(sampleRecord('denied', '2026-11-23T12:00:00.000Z'), undefined);
    const [row] = JSON.parse(rowsOf([record])[0] ?? '[]') as object[];

    expect(streamDeclarations['Custom-SallyportAudit'].columns.map(({ name }) => name)).toEqual(
      Object.keys(row ?? {}),
    );
  });
});

describe('the connections of host.json', () => {
  const durableTask = z
    .object({
      extensions: z.object({
        durableTask: z.object({
          hubName: z.string(),
          storageProvider: z.looseObject({
            type: z.string().optional(),
            connectionName: z.string().optional(),
            connectionStringName: z.string().optional(),
          }),
        }),
      }),
    })
    .parse(JSON.parse(read('host.json'))).extensions.durableTask;

  it('are the host storage, which is set', () => {
    const { type, connectionName, connectionStringName } = durableTask.storageProvider;

    expect([type, connectionName, connectionStringName]).toEqual([undefined, undefined, undefined]);
    expect(Object.keys(settingsOf(main))).toContain('AzureWebJobsStorage__queueServiceUri');
  });

  it('are the scheduler, which is set where there is one', () => {
    // `npm run package` writes that name into host.json then.
    const name = 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING';

    expect(read('scripts/package.mjs')).toContain(`connectionStringName: '${name}'`);
    expect(Object.keys(settingsOf(everything))).toContain(name);
    expect(Object.keys(settingsOf(main))).not.toContain(name);
  });

  it('have a task hub of that name at the scheduler', () => {
    const hub = theOnly(everything, 'Microsoft.DurableTask/schedulers/taskHubs');

    expect(hub.name.split('/')[1]).toBe(durableTask.hubName);
  });
});
