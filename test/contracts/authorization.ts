import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { actions, type Authorization } from '../../src/core/authorization.ts';

/** Everybody may do everything at first, and is in no group. */
export interface AuthorizationHarness {
  authorization: Authorization;
  deny(denial: { objectId: string; scope: string; action: string }): void;
  /** Takes every denial back. */
  allow(): void;
  /** Azure does not answer, until `answer`. */
  fail(): void;
  answer(): void;
  join(objectId: string, groupId: string, scope: string): void;
  leave(objectId: string, groupId: string): void;
  /** So much later nothing that was answered before holds any more. */
  forget(): void;
  close(): Promise<void>;
}

const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000001' };
const fresh = { ...call, isFresh: true };
const alice = { objectId: '00000000-0000-4000-8000-0000000a11ce' };
const bob = { objectId: '00000000-0000-4000-8000-000000000b0b' };
const approvers = '00000000-0000-4000-8000-0000000a9904';
const needed = [actions.initiate, actions.readVirtualMachine];

/** What every implementation of Authorization does; the scopes are two machines of one resource group. */
export function describeAuthorizationContract(
  name: string,
  { group, machines: [machine, other] }: { group: string; machines: [string, string] },
  make: () => Promise<AuthorizationHarness>,
): void {
  describe(`Authorization: ${name}`, () => {
    let azure: AuthorizationHarness;
    const check = (scope = machine, options: typeof call = call, person = alice) =>
      azure.authorization.check(person, scope, needed, options);
    const groups = async (scope = machine, person = alice) => {
      const answer = await azure.authorization.memberships(person, scope, fresh);
      return answer.kind === 'known' ? [...answer.groupIds] : answer;
    };

    beforeEach(async () => {
      azure = await make();
    });
    afterEach(() => azure.close());

    it('allows what nothing forbids', async () => {
      expect(await check()).toEqual({ kind: 'allowed' });
    });

    it('allows whoever needs nothing', async () => {
      expect(await azure.authorization.check(alice, machine, [], call)).toEqual({ kind: 'allowed' });
    });

    it('names what is missing, and only that, in a whole sentence', async () => {
      azure.deny({ ...alice, scope: machine, action: actions.initiate });
      const answer = await check();
      expect(answer).toMatchObject({ kind: 'denied', missing: [actions.initiate] });
      expect(JSON.stringify(answer)).toMatch(/initiate\/action[^"]*\./);
    });

    it('denies at the scope and below it, whatever the case of its id, and nowhere else', async () => {
      azure.deny({ ...alice, scope: machine, action: '*' });
      expect(await check(machine.toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions'))).toMatchObject({
        kind: 'denied',
      });
      expect(await check(other)).toEqual({ kind: 'allowed' });
      azure.deny({ ...alice, scope: group, action: '*' });
      expect(await check(other, fresh)).toMatchObject({ kind: 'denied' });
    });

    it('denies the person that it is about, and nobody else', async () => {
      azure.deny({ ...alice, scope: group, action: '*' });
      expect(await check(machine, call, bob)).toEqual({ kind: 'allowed' });
      expect(await check()).toMatchObject({ kind: 'denied' });
    });

    it('asks anew for whoever wants a fresh answer', async () => {
      expect(await check()).toEqual({ kind: 'allowed' });
      azure.deny({ ...alice, scope: machine, action: '*' });
      expect(await check(machine, fresh)).toMatchObject({ kind: 'denied' });
      azure.allow();
      expect(await check(machine, fresh)).toEqual({ kind: 'allowed' });
    });

    it('sees a change when an answer holds no longer', async () => {
      expect(await check()).toEqual({ kind: 'allowed' });
      azure.deny({ ...alice, scope: machine, action: '*' });
      azure.forget();
      expect(await check()).toMatchObject({ kind: 'denied' });
    });

    it('does not know while Azure does not answer, and asks again after that', async () => {
      azure.fail();
      expect(await check()).toMatchObject({ kind: 'unknown', message: expect.any(String) as string });
      expect(await groups()).toMatchObject({ kind: 'unknown' });
      azure.answer();
      expect(await check()).toEqual({ kind: 'allowed' });
      expect(await groups()).toEqual([]);
    });

    it('knows the groups of a person that hold a role there or above, in lower case', async () => {
      azure.join(alice.objectId, approvers.toUpperCase(), group);
      expect(await groups()).toEqual([approvers]);
      expect(await groups(machine, bob)).toEqual([]);
      azure.leave(alice.objectId, approvers.toUpperCase());
      expect(await groups()).toEqual([]);
    });

    it('knows no groups that hold a role elsewhere only', async () => {
      azure.join(alice.objectId, approvers, other);
      expect(await groups()).toEqual([]);
      expect(await groups(other)).toEqual([approvers]);
    });
  });
}
