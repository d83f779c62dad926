import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { actions, type Authorization } from '../../../src/core/authorization.ts';
import { describeAuthorizationContract } from '../../contracts/authorization.ts';
import {
  accessWorld,
  alice,
  assignment,
  bob,
  denial,
  everything,
  group,
  join,
  nothing,
} from './accessWorld.ts';
import { ids, leapingClock, simulateArm, subscriptionId, type SimulatedArm } from './simulatedArm.ts';

const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000001' };
const needed = [actions.initiate, actions.readVirtualMachine];
const machine = ids.vm('web-1');
const everybody = '00000000-0000-0000-0000-000000000000';
const reading = '/providers/Microsoft.Authorization/(role|deny)';

describeAuthorizationContract(
  'Azure Resource Manager',
  { group, machines: [machine, ids.vm('open-1')] },
  async () => {
    const clock = leapingClock();
    const { arm, connectAll } = await simulateArm({ clock, state: accessWorld });
    return {
      authorization: connectAll().authorization,
      deny: ({ objectId, scope, action }) => {
        arm.access.denyAssignments.push(denial(objectId, scope, action));
      },
      allow: () => {
        arm.access.denyAssignments = [];
      },
      fail: () => {
        arm.faults.add({ match: { path: reading }, fault: { kind: 'status', status: 500 } });
      },
      answer: () => {
        arm.faults.clear();
      },
      join: (objectId, groupId, scope) => {
        join(arm.access, objectId, groupId, scope);
      },
      leave: (objectId, groupId) => {
        arm.access.groups = arm.access.groups.filter(
          ({ id, members }) => id !== groupId || !members.includes(objectId),
        );
      },
      forget: () => {
        clock.leap(60_000);
      },
      close: () => arm.close(),
    };
  },
);

describe('whether a person may, as Azure Resource Manager is asked', () => {
  let simulated: SimulatedArm;
  let clock: ReturnType<typeof leapingClock>;
  let authorization: Authorization;
  const approvers = '00000000-0000-4000-8000-0000000a9904';
  const inner = '00000000-0000-4000-8000-0000000a9905';

  async function begin(state: object = {}): Promise<void> {
    clock = leapingClock();
    simulated = await simulateArm({ clock, state: { ...accessWorld, ...state }, settings: { pageSize: 2 } });
    ({ authorization } = simulated.connectAll());
  }
  async function beginAnew(state: object): Promise<void> {
    await simulated.arm.close();
    await begin(state);
  }
  const check = (objectId = alice, scope = machine) => authorization.check({ objectId }, scope, needed, call);
  const reads = () => simulated.arm.requests.map(({ path }) => path.split('/').at(-1));
  const fault = (what: string, settings: { kind: string; [setting: string]: unknown }) =>
    simulated.arm.faults.add({ match: { path: `/Microsoft.Authorization/${what}` }, fault: settings });

  beforeEach(() => begin());
  afterEach(() => simulated.arm.close());

  it('costs a read of assignments, one of deny assignments and one of the role, and no group is asked about', async () => {
    expect(await check()).toEqual({ kind: 'allowed' });
    expect(reads().sort()).toEqual([everything, 'denyAssignments', 'roleAssignments'].sort());
  });

  it('costs one more read for each further person, and none for the same again within a minute', async () => {
    await check();
    await check(bob);
    expect(simulated.arm.requests).toHaveLength(4);
    await Promise.all(Array.from({ length: 100 }, (_, index) => check(index % 2 === 0 ? alice : bob)));
    expect(simulated.arm.requests).toHaveLength(4);
    clock.leap(60_000);
    await check();
    expect(reads().slice(4).sort()).toEqual(['denyAssignments', 'roleAssignments']);
  });

  it('shares what is under way among all who ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => check()));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['allowed']));
    expect(simulated.arm.requests).toHaveLength(3);
  });

  it('reads at the machine and nowhere above, and each role once for every machine of a subscription', async () => {
    const paths = () => simulated.arm.requests.map(({ path }) => path.toLowerCase());
    await check();
    expect(paths().filter((path) => !path.startsWith(`${machine}/providers/`.toLowerCase()))).toEqual([]);
    await check(alice, ids.vm('open-1'));
    expect(reads().filter((last) => last === everything)).toHaveLength(1);
  });

  it('does not hand on what was asked before to whoever wants it fresh', async () => {
    const [earlier] = await Promise.all([
      check(),
      authorization.check({ objectId: alice }, machine, needed, { ...call, isFresh: true }),
    ]);
    expect(earlier).toEqual({ kind: 'allowed' });
    expect(reads().filter((path) => path === 'roleAssignments')).toHaveLength(2);
  });

  it('reads every page', async () => {
    const many = Array.from({ length: 9 }, () => assignment(alice, group, nothing));
    await beginAnew({ roleAssignments: [...many, assignment(alice, group, everything)] });
    expect(await check()).toEqual({ kind: 'allowed' });
    expect(reads().filter((path) => path === 'roleAssignments')).toHaveLength(5);
  });

  it('finds what is assigned to a group in a group of theirs', async () => {
    await beginAnew({
      groups: [
        { id: approvers, displayName: 'outer', members: [inner] },
        { id: inner, displayName: 'inner', members: [alice] },
      ],
      roleAssignments: [assignment(approvers, group, everything, { principalType: 'Group' })],
    });
    expect(await check()).toEqual({ kind: 'allowed' });
    expect(await check(bob)).toMatchObject({ kind: 'denied', missing: needed });
  });

  it('does not count an assignment below the machine, nor one with a condition', async () => {
    await beginAnew({
      roleAssignments: [
        assignment(alice, `${machine}/extensions/agent`, everything),
        assignment(alice, group, everything, { condition: '@Resource[x] StringEquals 1' }),
      ],
    });
    expect(await check()).toMatchObject({ kind: 'denied', missing: needed });
  });

  it('sees a deny assignment for everybody, which no list of a person has, and spares whoever is excluded', async () => {
    const excludePrincipals = [{ id: bob, type: 'User' }];
    await beginAnew({
      denyAssignments: [{ ...denial(everybody, group, '*', 'SystemDefined'), excludePrincipals }],
    });
    expect(await check()).toMatchObject({ kind: 'denied', missing: needed });
    expect(await check(bob)).toEqual({ kind: 'allowed' });
    expect(reads().filter((path) => path === 'denyAssignments')).toHaveLength(1);
  });

  it('asks Azure whether a deny assignment for a group speaks of the person', async () => {
    await beginAnew({
      groups: [{ id: approvers, displayName: 'denied', members: [alice] }],
      denyAssignments: [denial(approvers, group, '*', 'Group')],
    });
    expect(await check()).toMatchObject({ kind: 'denied', missing: needed });
    expect(await check(bob)).toEqual({ kind: 'allowed' });
    // At the scope for all, and for each of both.
    expect(reads().filter((path) => path === 'denyAssignments')).toHaveLength(3);
  });

  it('denies at what is not there: nobody has a role in it', async () => {
    const elsewhere = machine.replace(subscriptionId, '99999999-2222-4333-8444-555555555555');
    expect(await check(alice, elsewhere)).toMatchObject({ kind: 'denied', missing: needed });
    expect(await check(alice, machine.replace('/contoso/', '/gone/'))).toMatchObject({ kind: 'denied' });
  });

  it('grants nothing by a role that is gone', async () => {
    await beginAnew({ roleDefinitions: [] });
    expect(await check()).toMatchObject({ kind: 'denied', missing: needed });
  });

  it.each(['roleAssignments', 'roleDefinitions', 'denyAssignments'])(
    'denies and names the right that the app lacks, where it may not read %s',
    async (what) => {
      fault(what, { kind: 'forbidden' });
      const answer = await check();
      expect(answer).toMatchObject({ kind: 'denied', missing: needed });
      expect(JSON.stringify(answer)).toContain(`its own identity lacks Microsoft.Authorization/${what}/read`);
    },
  );

  it('denies in a subscription of another tenant, for which our token is none', async () => {
    fault('roleAssignments', { kind: 'status', status: 401, code: 'InvalidAuthenticationTokenTenant' });
    expect(await check()).toMatchObject({ kind: 'denied', missing: needed });
  });

  it('does not know when our token is refused', async () => {
    fault('roleAssignments', { kind: 'unauthorized' });
    expect(await check()).toMatchObject({ kind: 'unknown' });
  });

  it.each(['roleAssignments', 'roleDefinitions', 'denyAssignments'])(
    'does not know while %s are throttled, and says for how long',
    async (what) => {
      fault(what, { kind: 'throttle', retryAfter: 12 });
      expect(await check()).toMatchObject({ kind: 'unknown', retryAfterSeconds: 12 });
      simulated.arm.faults.clear();
      expect(await check()).toEqual({ kind: 'allowed' });
    },
  );

  it('does not know when an answer is cut off in the middle', async () => {
    fault('roleDefinitions', { kind: 'malformed' });
    expect(await check()).toMatchObject({ kind: 'unknown' });
  });

  it.each([
    ['no GUID', "x') or assignedTo('y", machine],
    ['a scope with dots', alice, `${machine}/../../x`],
    ['a scope that is a management group', alice, '/providers/Microsoft.Management/managementGroups/contoso'],
    ['a scope with a query', alice, `${machine}?x=`],
  ])('sends nothing for %s, and does not know', async (_what, objectId, scope) => {
    expect(await check(objectId, scope)).toMatchObject({ kind: 'unknown' });
    expect(await authorization.memberships({ objectId }, scope, call)).toMatchObject({ kind: 'unknown' });
    expect(simulated.arm.requests).toEqual([]);
  });

  it.each([
    ['a resource group', group],
    ['a subscription', `/subscriptions/${subscriptionId}`],
  ])('is asked at %s too', async (_what, scope) => {
    await beginAnew({ roleAssignments: [assignment(alice, machine, everything)] });
    expect(await check(alice, scope)).toMatchObject({ kind: 'denied' });
    await beginAnew({});
    expect(await check(alice, scope)).toEqual({ kind: 'allowed' });
  });
});
