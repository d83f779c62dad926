import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { read, tableBelow } from '../docs/pages.ts';
import { ofType, snapshotOf, subscription, type Snapshot } from './snapshots.ts';

const roleDefinition = z.object({
  roleName: z.string(),
  type: z.literal('CustomRole'),
  permissions: z.tuple([
    z.strictObject({
      actions: z.array(z.string()),
      notActions: z.tuple([]),
      dataActions: z.array(z.string()),
      notDataActions: z.tuple([]),
    }),
  ]),
  assignableScopes: z.tuple([z.string()]),
});
const roleAssignment = z.object({
  principalId: z.string(),
  principalType: z.literal('ServicePrincipal'),
  roleDefinitionId: z
    .string()
    .startsWith(`${subscription}/providers/Microsoft.Authorization/roleDefinitions/`),
});

/** Of Azure, the same in every tenant. */
const builtIn = {
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': 'Storage Blob Data Owner',
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88': 'Storage Queue Data Contributor',
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3': 'Storage Table Data Contributor',
  '3913510d-42f4-4e42-8a64-420c390055eb': 'Monitoring Metrics Publisher',
  '0ad04412-c4d5-4796-b79c-f76d14c8d402': 'Durable Task Data Contributor',
};

function definitionsOf(snapshot: Snapshot) {
  return ofType(snapshot, 'Microsoft.Authorization/roleDefinitions').map(({ name, properties }) => {
    const { roleName, permissions, assignableScopes } = roleDefinition.parse(properties);
    return { name, roleName, ...permissions[0], scope: assignableScopes[0] };
  });
}

/** Each as `where: role`, where the scope is written from the last resource group or subscription on. */
function assignmentsOf(snapshot: Snapshot): string[] {
  const names = new Map<string, string>([
    ...Object.entries(builtIn),
    ...definitionsOf(snapshot).map(({ name, roleName }) => [name, roleName] as const),
  ]);
  return ofType(snapshot, 'Microsoft.Authorization/roleAssignments').map(({ id, properties }) => {
    const { roleDefinitionId } = roleAssignment.parse(properties);
    const scope = id.slice(0, id.lastIndexOf('/providers/Microsoft.Authorization/'));
    const role = names.get(roleDefinitionId.slice(roleDefinitionId.lastIndexOf('/') + 1));
    return `${scope.replace(/^.*\/providers\//, '').replace(subscription, '')}: ${role ?? roleDefinitionId}`;
  });
}

const entities = 'Microsoft.Storage/storageAccounts/tableServices/tables/entities';

describe.each(['main', 'everything'])('the rights that %s.bicepparam gives', (name) => {
  const snapshot = snapshotOf(name);
  const installation = String(snapshot.outputs['SALLYPORT_INSTALLATION_ID']);
  const suffix = /st(\w{13})host/.exec(snapshot.text)?.[1] ?? '';
  const tables = `Microsoft.Storage/storageAccounts/st${suffix}tables/tableServices/default/tables`;
  const host = `Microsoft.Storage/storageAccounts/st${suffix}host`;
  const always = [
    `${host}: Storage Blob Data Owner`,
    `${host}: Storage Queue Data Contributor`,
    `${host}: Storage Table Data Contributor`,
    `${tables}/sallyportAudit: Sallyport ${installation} tables, read and insert`,
    `${tables}/sallyportIndex: Sallyport ${installation} tables, read and insert`,
    `${tables}/sallyportSeals: Sallyport ${installation} tables, read and insert`,
    `${tables}/sallyportRequests: Sallyport ${installation} tables, read, insert and update`,
    `${tables}/sallyportPolicies: Sallyport ${installation} tables, read, insert and update`,
    `${tables}/sallyportNsgs: Sallyport ${installation} tables, read, insert and update`,
    `${tables}/sallyportHeartbeat: Sallyport ${installation} tables, read, insert and update`,
    `${tables}/sallyportLive: Sallyport ${installation} tables, read, insert, update and delete`,
    `Microsoft.Insights/components/appi-sallyport-${suffix}: Monitoring Metrics Publisher`,
  ];
  const chosen = [
    `Microsoft.DurableTask/schedulers/dts-sallyport-${suffix}: Durable Task Data Contributor`,
    `Microsoft.Insights/dataCollectionRules/dcr-sallyport-${suffix}: Monitoring Metrics Publisher`,
    `Microsoft.Storage/storageAccounts/st${suffix}tables/blobServices/default/containers/audit-export: ` +
      `Sallyport ${installation} blobs, read and append`,
  ];

  it('are these and no others', () => {
    expect(assignmentsOf(snapshot).sort()).toEqual(
      [...always, ...(name === 'everything' ? chosen : [])].sort(),
    );
  });

  it('go to the identity of the app', () => {
    const identity = snapshot.resources.find(({ type }) => type.endsWith('/userAssignedIdentities'))?.id;

    for (const { properties } of ofType(snapshot, 'Microsoft.Authorization/roleAssignments')) {
      expect(properties['principalId']).toContain(`reference('${identity ?? 'none'}'`);
    }
  });

  it('are of custom roles with exactly these data actions, for the resource group alone', () => {
    const expected = {
      'tables, read and insert': ['read', 'add/action'],
      'tables, read, insert and update': ['read', 'add/action', 'update/action'],
      'tables, read, insert, update and delete': ['read', 'add/action', 'update/action', 'delete'],
    };
    const group = snapshot.resources.find(({ type }) => type.endsWith('/resourceGroups'))?.id;
    const onTables = definitionsOf(snapshot).filter(({ roleName }) => roleName.includes('tables'));

    expect(onTables.map(({ roleName, dataActions }) => [roleName, dataActions]).sort()).toEqual(
      Object.entries(expected).map(([title, actions]) => [
        `Sallyport ${installation} ${title}`,
        actions.map((action) => `${entities}/${action}`),
      ]),
    );
    for (const { actions, scope } of definitionsOf(snapshot)) {
      expect([actions, scope]).toEqual([[], group]);
    }
  });
});

describe('the right to export the audit', () => {
  it('neither overwrites nor deletes', () => {
    const role = definitionsOf(snapshotOf('everything')).find(({ roleName }) => roleName.includes('blobs'));

    expect(role?.dataActions).toEqual([
      'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read',
      'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action',
    ]);
  });
});

describe('the rights on tables', () => {
  const definitions = new Map(
    definitionsOf(snapshotOf('main')).map(({ roleName, dataActions }) => [roleName, dataActions]),
  );
  const given = new Map(
    assignmentsOf(snapshotOf('main'))
      .map((line) => line.split(': ') as [string, string])
      .filter(([scope]) => scope.includes('/tables/'))
      .map(([scope, role]) => [scope.slice(scope.lastIndexOf('/') + 1), definitions.get(role)]),
  );

  it.each(tableBelow(read('docs/operations.md'), 'On the tables'))(
    'on %s are those of the operations page',
    (table, _does, documented = '') => {
      const short = given.get(table)?.map((action) => action.replace(`${entities}/`, '').split('/')[0]);

      expect(short).toEqual(documented.split(', '));
    },
  );
});

describe('the rights on networks', () => {
  const everything = snapshotOf('networkRightsEverything');
  const byDefault = snapshotOf('networkRights');
  const titled = (title: string) =>
    `Sallyport contoso ${title} ${subscription.replace('/subscriptions/', '')}`;

  it('are the reading part on the subscription by default, and nothing to write', () => {
    expect(assignmentsOf(byDefault)).toEqual([`: ${titled('network reader')}`]);
  });

  it('are given by group, and never on a single network security group', () => {
    expect(assignmentsOf(everything).sort()).toEqual([
      `/resourceGroups/rg-hub: ${titled('firewall gatekeeper')}`,
      `/resourceGroups/rg-machines: ${titled('network gatekeeper')}`,
      `/resourceGroups/rg-machines: ${titled('network reader')}`,
      `/resourceGroups/rg-network: ${titled('network gatekeeper')}`,
      `/resourceGroups/rg-network: ${titled('network reader')}`,
    ]);
  });

  it('have no part for firewalls until it is asked for', () => {
    expect(definitionsOf(byDefault).map(({ roleName }) => roleName)).toEqual([
      titled('network reader'),
      titled('network gatekeeper'),
    ]);
  });

  it('hold in the reading part nothing but reads, in the writing part these four actions', () => {
    const [reader, gatekeeper] = definitionsOf(byDefault);
    // A POST that changes nothing.
    const list = 'Microsoft.Network/virtualNetworks/listNetworkManagerEffectiveSecurityAdminRules/action';

    expect(reader?.actions.filter((action) => !action.endsWith('/read'))).toEqual([list]);
    expect(gatekeeper?.actions).toEqual([
      'Microsoft.Network/networkSecurityGroups/write',
      'Microsoft.Network/networkSecurityGroups/securityRules/write',
      'Microsoft.Network/networkSecurityGroups/securityRules/delete',
      'Microsoft.Network/applicationSecurityGroups/joinNetworkSecurityRule/action',
    ]);
  });

  it('are together those of the role for other ways to deploy', () => {
    const { Actions } = z
      .object({ Actions: z.array(z.string()) })
      .parse(JSON.parse(read('docs/roles/application.json')));

    expect(
      definitionsOf(byDefault)
        .flatMap(({ actions }) => actions)
        .sort(),
    ).toEqual(Actions.sort());
  });

  it('leave out what only an owner of networks needs, and have no wildcard', () => {
    const all = definitionsOf(everything).flatMap(({ actions, dataActions }) => [...actions, ...dataActions]);

    expect(all.filter((action) => action.includes('*'))).toEqual([]);
    expect(all).not.toContain('Microsoft.Network/networkSecurityGroups/delete');
    expect(all).not.toContain('Microsoft.Network/networkSecurityGroups/join/action');
    expect(all).not.toContain('Microsoft.Network/networkInterfaces/write');
  });

  it('can be assigned in the subscription alone', () => {
    expect(new Set(definitionsOf(everything).map(({ scope }) => scope))).toEqual(new Set([subscription]));
  });
});
