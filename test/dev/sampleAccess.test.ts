import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appIdentity, approversGroupId, people, type PersonName } from '../../dev/sample/people.ts';
import { sampleSubscription, virtualMachines } from '../../dev/sample/policies.ts';
import { actions } from '../../src/core/authorization.ts';
import { simulateArm, type SimulatedArm } from '../adapters/arm/simulatedArm.ts';
import { read } from '../docs/pages.ts';

const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000001' };
const { initiate, readPolicy, readVirtualMachine, writePolicy, deletePolicy, writeVirtualMachine } = actions;

describe('the people of the sample', () => {
  let simulated: SimulatedArm;
  beforeAll(async () => {
    simulated = await simulateArm({ state: JSON.parse(read('dev/sample/azure.json')) as unknown });
  });
  afterAll(() => simulated.arm.close());

  it.each<[PersonName, readonly string[]]>([
    ['alice', [initiate, readPolicy, readVirtualMachine]],
    ['bob', [initiate, readPolicy, readVirtualMachine]],
    ['carol', [readPolicy, readVirtualMachine]],
    ['dave', [readPolicy, readVirtualMachine]],
    ['erin', [readPolicy, writePolicy, deletePolicy, readVirtualMachine, writeVirtualMachine]],
    ['frank', Object.values(actions)],
  ])('%s may do on every machine what Azure was told, and no more', async (name, allowed) => {
    const { authorization } = simulated.connectAll();
    const all = Object.values(actions);
    for (const scope of [...Object.values(virtualMachines), sampleSubscription]) {
      const answer = await authorization.check(people[name], scope, all, call);
      const missing = all.filter((action) => !allowed.includes(action));
      expect(answer).toMatchObject(missing.length === 0 ? { kind: 'allowed' } : { kind: 'denied', missing });
    }
  });

  it('are in the group of approvers only as carol', async () => {
    const { authorization } = simulated.connectAll();
    for (const [name, person] of Object.entries(people)) {
      const answer = await authorization.memberships(person, virtualMachines.web, call);
      const groupIds = new Set(name === 'carol' ? [approversGroupId] : []);
      expect(answer).toEqual({ kind: 'known', groupIds });
    }
  });

  it.each(['requester', 'approver', 'policy-administrator'])(
    'have the role that docs/roles/%s.json makes',
    (file) => {
      const { Name, Actions } = JSON.parse(read(`docs/roles/${file}.json`)) as {
        Name: string;
        Actions: string[];
      };
      const found = simulated.arm.access.roleDefinitions.find(({ roleName }) => roleName === Name);
      expect(found?.permissions.flatMap((permission) => permission.actions)).toEqual(Actions);
    },
  );

  it('share it with the app, which has the parts of infra/roles where the template gives them', () => {
    const { roleAssignments, roleDefinitions } = simulated.arm.access;
    const subscriptionId = sampleSubscription.replace('/subscriptions/', '');
    const given = roleAssignments
      .filter(({ principalId }) => principalId === appIdentity.objectId)
      .map(({ role, scope }) => {
        const found = roleDefinitions.find(({ name }) => name === role);
        const actions = found?.permissions.flatMap((permission) => permission.actions);
        return [scope.replace(sampleSubscription, ''), found?.roleName, actions];
      });

    const partOf = (name: string) => {
      const part = JSON.parse(read(`infra/roles/${name}.json`)) as { title: string; actions: string[] };
      return [`Sallyport contoso ${part.title} ${subscriptionId}`, part.actions];
    };
    expect(given).toEqual([
      ['', ...partOf('network-reader')],
      ...['Contoso-Network', 'Contoso-Web-RG', 'contoso-data-RG'].map((group) => [
        `/resourceGroups/${group}`,
        ...partOf('network-gatekeeper'),
      ]),
    ]);
  });
});
