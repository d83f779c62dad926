import { describe, expect, it } from 'vitest';
import type { SubmitResult } from '../../src/workflow/contracts.ts';
import { foreignRule, withRule } from '../support/foreignRule.ts';
import { grantWorld, nicNsg, subnetNsg, type GrantWorld } from '../support/grantWorld.ts';

const field = 'virtualMachines[0].id';

async function submitTo(world: GrantWorld): Promise<SubmitResult> {
  return world.clock.run(world.startProcess().submit());
}

async function eventsIn(world: GrantWorld): Promise<string[]> {
  const november = { from: '2026-11-01T00:00:00Z', to: '2026-12-01T00:00:00Z' };
  return (await world.stores.audit.query(november)).records.map(({ event }) => event);
}

/** Nothing of it is anywhere: not in the rows, not in Azure, no orchestration. */
async function expectNothingStored(world: GrantWorld): Promise<void> {
  expect(await world.stores.live.unended()).toEqual([]);
  expect(world.running.size).toBe(0);
  expect(world.network.calls.some(({ method }) => method === 'write')).toBe(false);
}

describe('before anything is stored, a request', () => {
  it.each([
    ['the subnet', subnetNsg],
    ['the interface', nicNsg],
  ])('is denied where the NSG of %s could not be closed again, and says why', async (_of, nsgId) => {
    const world = await grantWorld();
    const message = 'The lock /locks/keep makes it read-only.';
    world.rights.set(nsgId, { kind: 'not-closable', reason: { code: 'not-closable', message } });

    const result = await submitTo(world);

    expect(result).toMatchObject({
      kind: 'denied',
      decision: { outcome: 'denied', reasons: [{ code: 'not-closable', message, field }] },
    });
    await expectNothingStored(world);
    expect(await eventsIn(world)).toEqual(['request.denied']);
  });

  it('asks about every NSG of the path', async () => {
    const world = await grantWorld();
    expect((await submitTo(world)).kind).toBe('accepted');
    expect(world.rights.asked).toEqual([subnetNsg, nicNsg]);
  });

  it('waits where it is not known whether it could be closed', async () => {
    const world = await grantWorld();
    world.rights.set(nicNsg, { kind: 'unknown', message: 'HTTP 500', retryAfterSeconds: 17 });

    expect(await submitTo(world)).toMatchObject({ kind: 'unavailable', retryAfterSeconds: 17 });
    await expectNothingStored(world);
    expect(world.logged).toEqual(['closability-unknown']);
  });

  it.each([
    ['before the band', 90],
    ['inside the band', 200],
  ])('is denied, naming the rule, where a foreign deny %s would come first', async (_where, priority) => {
    const world = await grantWorld();
    world.network.edit(nicNsg, (body) => withRule(body, foreignRule('fabrikam-keeps-out', priority)));

    const result = await submitTo(world);

    expect(result).toMatchObject({
      kind: 'denied',
      decision: { reasons: [{ code: 'blocked-by-foreign-rule', field }] },
    });
    expect(JSON.stringify(result)).toContain('fabrikam-keeps-out');
    await expectNothingStored(world);
  });

  it('is granted where the foreign deny comes after the band, in either NSG: the grant overrides it in both', async () => {
    const world = await grantWorld();
    for (const nsgId of [subnetNsg, nicNsg]) {
      world.network.edit(nsgId, (body) => withRule(body, foreignRule('fabrikam-keeps-out', 300)));
    }
    expect((await submitTo(world)).kind).toBe('accepted');
  });

  it('is denied where the foreign rules leave no room', async () => {
    const world = await grantWorld();
    world.network.edit(subnetNsg, (body) =>
      Array.from({ length: 150 }, (_, index) =>
        foreignRule(`allow-${String(index)}`, 100 + index, { access: 'Allow', destinationPortRange: '443' }),
      ).reduce(withRule, body),
    );
    expect(await submitTo(world)).toMatchObject({
      kind: 'denied',
      decision: { reasons: [{ code: 'no-capacity', field }] },
    });
  });

  it('costs no read of an NSG beyond the one of finding it', async () => {
    const world = await grantWorld();
    await submitTo(world);
    expect(world.network.calls.map(({ method }) => method)).toEqual(['resolve']);
  });
});

describe('while what is left of the budget is kept for closes, a request', () => {
  it('gets the time to wait and leaves nothing behind, without a read', async () => {
    const world = await grantWorld();
    world.budget.set({ opens: 'later', retryAfterSeconds: 4 });

    expect(await submitTo(world)).toMatchObject({ kind: 'unavailable', retryAfterSeconds: 4 });
    await expectNothingStored(world);
    expect(world.network.calls).toEqual([]);
    expect(await eventsIn(world)).toEqual([]);
  });

  it('is accepted where the wait is a moment', async () => {
    const world = await grantWorld();
    world.budget.set({ opens: 'later', retryAfterSeconds: 1 });
    expect((await submitTo(world)).kind).toBe('accepted');
  });

  it('waits too where policy denies it: whether somebody may be told so is read from Azure', async () => {
    const world = await grantWorld();
    world.budget.set({ opens: 'later', retryAfterSeconds: 60 });
    const process = world.startProcess();
    const result = await world.clock.run(process.submit({ duration: 'P1D', durationSeconds: 86_400 }));
    expect(result.kind).toBe('unavailable');
    expect(world.authorization.asked).toEqual([]);
  });

  it('is answered all the same where its key was used before', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const first = await world.clock.run(process.submit({ idempotencyKey: 'one' }));
    world.budget.set({ opens: 'later', retryAfterSeconds: 60 });
    const again = await world.clock.run(process.submit({ idempotencyKey: 'one' }));
    expect(first.kind).toBe('accepted');
    expect(again).toEqual(first);
  });
});
