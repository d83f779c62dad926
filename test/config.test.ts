import { describe, expect, it } from 'vitest';
import { ConfigurationError, readConfig } from '../src/config.ts';

const minimal = {
  SALLYPORT_INSTALLATION_ID: 'contoso',
  SALLYPORT_TENANT_ID: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
  SALLYPORT_TOKEN_ISSUER: 'https://login.contoso.example/v2.0',
  SALLYPORT_TOKEN_AUDIENCE: 'api://sallyport',
  SALLYPORT_TABLES__tableServiceUri: 'https://contoso.table.core.windows.net',
};

function problemOf(environment: Record<string, string>): string {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  return '';
}

describe('readConfig', () => {
  it('fills in what has a default', () => {
    expect(readConfig(minimal)).toEqual({
      installation: {
        id: 'contoso',
        allowBand: { first: 100, last: 249 },
        baselineBand: { first: 250, last: 299 },
      },
      token: {
        tenantId: minimal.SALLYPORT_TENANT_ID,
        issuer: minimal.SALLYPORT_TOKEN_ISSUER,
        audience: 'api://sallyport',
      },
      trustAppServiceAuthentication: false,
      trustedProxyHops: 0,
      arm: { endpoint: 'https://management.azure.com', networkApiVersion: '2025-05-01', readerGroups: [] },
      credential: { kind: 'managed-identity' },
      tables: { serviceUri: 'https://contoso.table.core.windows.net' },
      sweepSchedule: '0 * * * * *',
      eventTopics: [],
      sweepPeriodSeconds: 60,
      approvalSeconds: 86_400,
      warnSeconds: 300,
      managementPorts: [22, 3389, 5985, 5986],
      readsAdminRules: true,
      quotas: { requestsPerMinute: 30, liveGrantsPerPerson: 20, liveGrantsPerNsg: 200 },
    });
  });

  it('reports every problem at once, by the name of its setting', () => {
    const problem = problemOf({
      ...minimal,
      SALLYPORT_INSTALLATION_ID: 'Contoso-1',
      SALLYPORT_TENANT_ID: 'contoso',
      SALLYPORT_ALLOW_BAND: '50-90',
      SALLYPORT_TOKEN_AUDIENCE: '',
    });

    for (const name of ['INSTALLATION_ID', 'TENANT_ID', 'ALLOW_BAND', 'TOKEN_AUDIENCE is required']) {
      expect(problem).toContain(`SALLYPORT_${name}`);
    }
  });

  it.each([
    ['a plain http issuer', { SALLYPORT_TOKEN_ISSUER: 'http://login.contoso.example' }],
    ['the audience of Azure Resource Manager', { SALLYPORT_TOKEN_AUDIENCE: 'https://management.azure.com/' }],
    ['a plain http ARM endpoint, even on loopback', { SALLYPORT_ARM_ENDPOINT: 'http://127.0.0.1:8443' }],
    ['a sweep that runs unevenly', { SALLYPORT_SWEEP_SCHEDULE: '*/25 * * * * *' }],
    ['a sweep that runs once an hour', { SALLYPORT_SWEEP_SCHEDULE: '0 0 * * * *' }],
    ['a baseline band that leaves a gap', { SALLYPORT_BASELINE_BAND: '260-299' }],
    ['a band beyond 4096', { SALLYPORT_ALLOW_BAND: '100-4097' }],
    ['a flag that is neither true nor false', { SALLYPORT_TRUST_APP_SERVICE_AUTHENTICATION: 'yes' }],
    ['proxies that are no number', { SALLYPORT_TRUSTED_PROXY_HOPS: 'one' }],
    ['a public origin with a path', { SALLYPORT_PUBLIC_ORIGIN: 'https://sallyport.contoso.example/api' }],
    ['a public origin in plain http', { SALLYPORT_PUBLIC_ORIGIN: 'http://sallyport.contoso.example' }],
    ['a negative number of proxies', { SALLYPORT_TRUSTED_PROXY_HOPS: '-1' }],
    ['two places for the tables', { SALLYPORT_TABLES: 'UseDevelopmentStorage=true' }],
    [
      'a subscription where a resource group is meant',
      { SALLYPORT_READER_GROUPS: '/subscriptions/11111111-2222-3333-4444-555555555555' },
    ],
    ['a resource group by its name alone', { SALLYPORT_READER_GROUPS: 'rg-machines' }],
    ['a topic that is no system topic', { SALLYPORT_EVENT_TOPICS: '/subscriptions/contoso' }],
    ['an approval of a month', { SALLYPORT_APPROVAL_HOURS: '744' }],
    ['an approval of no time', { SALLYPORT_APPROVAL_HOURS: '0' }],
    ['a warning of half a minute', { SALLYPORT_WARN_MINUTES: '0.5' }],
    ['a warning of a day', { SALLYPORT_WARN_MINUTES: '1440' }],
    ['a quota of nothing', { SALLYPORT_LIVE_GRANTS_PER_PERSON: '0' }],
    ['security admin rules that are half checked', { SALLYPORT_ADMIN_RULES: 'sometimes' }],
    ['a quota below nothing', { SALLYPORT_REQUESTS_PER_MINUTE: '-1' }],
    ['an installation id of 13 characters', { SALLYPORT_INSTALLATION_ID: 'abcdefghijklm' }],
  ])('refuses %s', (_case, setting) => {
    expect(problemOf({ ...minimal, ...setting })).toContain(Object.keys(setting)[0]);
  });

  it('never repeats a value, which may be a secret (I9)', () => {
    const problem = problemOf({ ...minimal, SALLYPORT_TOKEN_ISSUER: 'hunter2-secret' });

    expect(problem).toContain('SALLYPORT_TOKEN_ISSUER');
    expect(problem).not.toContain('hunter2');
  });

  it('takes several resource groups, with or without blanks', () => {
    const group = '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/Contoso-RG';
    const settings = { ...minimal, SALLYPORT_READER_GROUPS: `${group}, ${group}-2` };

    expect(readConfig(settings).arm.readerGroups).toEqual([group, `${group}-2`]);
  });

  it('takes several topics, with or without blanks', () => {
    const one = '/subscriptions/11111111-2222-3333-4444-555555555555';
    const other = `${one}/resourceGroups/Contoso-RG`;

    expect(readConfig({ ...minimal, SALLYPORT_EVENT_TOPICS: `${one}, ${other}` }).eventTopics).toEqual([
      one,
      other,
    ]);
  });

  it('trusts no proxy unless told how many there are', () => {
    expect(readConfig(minimal).trustedProxyHops).toBe(0);
    expect(readConfig({ ...minimal, SALLYPORT_TRUSTED_PROXY_HOPS: '2' }).trustedProxyHops).toBe(2);
  });

  it('copies the audit nowhere unless told where, and to the rule only by both of its settings', () => {
    const endpoint = 'https://dcr-contoso.westeurope-1.ingest.monitor.azure.com';
    const rule = `dcr-${'0'.repeat(32)}`;
    const copied = readConfig({
      ...minimal,
      SALLYPORT_AUDIT_COPY_ENDPOINT: endpoint,
      SALLYPORT_AUDIT_COPY_RULE: rule,
    });
    expect(copied.auditCopy).toEqual({ endpoint, ruleId: rule });
    expect(copied).not.toHaveProperty('auditExport');
    for (const half of [{ SALLYPORT_AUDIT_COPY_ENDPOINT: endpoint }, { SALLYPORT_AUDIT_COPY_RULE: rule }]) {
      expect(problemOf({ ...minimal, ...half })).toContain('or neither');
    }
  });

  it.each([
    ['SALLYPORT_AUDIT_COPY_ENDPOINT', 'http://127.0.0.1:8080'],
    ['SALLYPORT_AUDIT_COPY_ENDPOINT', 'https://contoso.example/path'],
    ['SALLYPORT_AUDIT_COPY_ENDPOINT', 'https://user@contoso.example'],
    ['SALLYPORT_AUDIT_EXPORT_CONTAINER', 'http://contoso.example/audit-export'],
    ['SALLYPORT_AUDIT_EXPORT_CONTAINER', 'https://contoso.example/'],
    ['SALLYPORT_AUDIT_EXPORT_CONTAINER', 'https://contoso.example/audit-export?sig=secret'],
    ['SALLYPORT_AUDIT_COPY_RULE', '/subscriptions/0/resourceGroups/g/providers/Microsoft.Insights/x'],
  ])('takes no %s like %s', (name, value) => {
    expect(problemOf({ ...minimal, [name]: value })).toContain(`  ${name}: `);
  });

  it('exports the audit to the container that it is told', () => {
    const url = 'https://contoso.blob.core.windows.net/audit-export';
    expect(readConfig({ ...minimal, SALLYPORT_AUDIT_EXPORT_CONTAINER: url }).auditExport).toEqual({ url });
  });

  it('accepts a loopback issuer, for development', () => {
    expect(readConfig({ ...minimal, SALLYPORT_TOKEN_ISSUER: 'http://127.0.0.1:8080/x' }).token.issuer).toBe(
      'http://127.0.0.1:8080/x',
    );
  });
});
