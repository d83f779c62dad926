import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { read } from '../docs/pages.ts';
import { ofType, snapshotOf, subscription, theOnly } from './snapshots.ts';

const snapshot = snapshotOf('watchdogEverything');
const group = `${subscription}/resourceGroups/rg-sallyport-watchdog-contoso`;
const workflow = theOnly(snapshot, 'Microsoft.Logic/workflows');
const definition = JSON.parse(read('infra/watchdog/workflow.json')) as { parameters: object };
const role = z
  .object({ permissions: z.tuple([z.object({ actions: z.array(z.string()) }).loose()]) })
  .parse(theOnly(snapshot, 'Microsoft.Authorization/roleDefinitions').properties);

describe('the template of the watchdog', () => {
  it('deploys the definition that is run in a test, with each of its parameters', () => {
    expect(workflow.properties['definition']).toEqual(definition);
    expect(workflow.properties['parameters']).toMatchObject({
      installation: { value: 'contoso' },
      graceMinutes: { value: 30 },
      subscriptions: { value: [subscription.replace('/subscriptions/', '')] },
    });
    expect(Object.keys(z.object({}).loose().parse(workflow.properties['parameters']))).toEqual(
      Object.keys(definition.parameters),
    );
  });

  it('is in a resource group of its own, and carries no tag by which azd would delete it', () => {
    expect(workflow.id.startsWith(`${group}/`)).toBe(true);
    expect(snapshot.text).not.toContain('azd-env-name');
  });

  it('gives an identity of its own the rights of the watchdog, in the groups that the app may write', () => {
    const documented = z
      .object({ Actions: z.array(z.string()) })
      .parse(JSON.parse(read('docs/roles/watchdog.json')));
    const definitionId = theOnly(snapshot, 'Microsoft.Authorization/roleDefinitions').id;
    const assignments = ofType(snapshot, 'Microsoft.Authorization/roleAssignments');

    expect(workflow['identity']).toEqual({ type: 'SystemAssigned' });
    expect(role.permissions[0]).toEqual({
      actions: documented.Actions,
      notActions: [],
      dataActions: [],
      notDataActions: [],
    });
    expect(assignments.map(({ id }) => id.split('/providers/')[0])).toEqual([
      `${subscription}/resourceGroups/rg-machines`,
      `${subscription}/resourceGroups/rg-network`,
    ]);
    for (const { properties } of assignments) {
      expect(properties['roleDefinitionId']).toBe(definitionId);
      expect(properties['principalId']).toContain('outputs.principalId');
    }
  });

  it('rings at every failed run, which every removal is', () => {
    const alert = theOnly(snapshot, 'Microsoft.Insights/metricAlerts');

    expect(alert.properties).toMatchObject({
      severity: 0,
      enabled: true,
      scopes: [workflow.id],
      criteria: { allOf: [{ metricName: 'RunsFailed', operator: 'GreaterThan', threshold: 0 }] },
      actions: [{ actionGroupId: theOnly(snapshot, 'Microsoft.Insights/actionGroups').id }],
    });
    expect(read('infra/watchdog/workflow.json')).toContain('"runStatus": "Failed"');
  });
});
