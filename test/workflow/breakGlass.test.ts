import { describe, expect, it } from 'vitest';
import { attestationsOf, verifySealed } from '../../src/core/verifySeals.ts';
import type { PolicyConditions } from '../../src/core/policy.ts';
import type { Caller } from '../../src/core/caller.ts';
import { approver, caller, demand, oneApprover } from '../support/approvals.ts';
import { eventsOf, grantWorld, idOf, minutes, type GrantWorld, type Process } from '../support/grantWorld.ts';

const id = idOf(1);
const correlationId = '5a11f0a7-0000-4000-8000-0000000000dd';

async function used(conditions: PolicyConditions = { approval: oneApprover }) {
  const world = await grantWorld();
  await demand(world, conditions);
  const process = world.startProcess();
  const result = await world.clock.run(process.submit({ breakGlass: true }));
  return { world, process, result };
}

const review = (process: Process, by: Caller) =>
  process.service.review({ id, caller: by, comment: 'The database had stopped', correlationId });

async function sweepAt(world: GrantWorld, process: Process, ...at: number[]) {
  for (const minute of at) {
    await world.runUntil(minutes(minute), process);
    await world.clock.run(process.sweep());
  }
}

describe('somebody who skips approval', () => {
  it('is let in at once, loudly, and leaves a review open', async () => {
    const { world, process } = await used();
    await world.runUntil(minutes(1), process);

    expect(await world.request(id)).toMatchObject({
      ...{ state: 'active', breakGlass: {}, decision: { outcome: 'granted' } },
    });
    expect(world.logged).toContain('break-glass-used');
    const [opening] = await world.audit(id);
    expect(opening?.reasons.map(({ code }) => code)).toEqual(['approval-needed', 'break-glass']);
    expect((await process.service.listToReview()).map((row) => row.id)).toEqual([id]);
  });

  it('skips nothing else', async () => {
    const { result, world } = await used({ approval: oneApprover, justificationPattern: 'CHG[0-9]+' });

    expect(result).toMatchObject({
      kind: 'denied',
      decision: { reasons: [{ code: 'justification-not-accepted' }] },
    });
    expect(world.logged).not.toContain('break-glass-used');
  });

  it('has skipped nothing where nobody had to approve', async () => {
    const { world } = await used({});

    expect(await world.request(id)).not.toHaveProperty('breakGlass');
    expect(world.logged).not.toContain('break-glass-used');
  });

  it('cannot do so for later', async () => {
    const world = await grantWorld();
    const start = minutes(30).toISOString();

    const result = await world.startProcess().submit({ breakGlass: true, start });

    expect(result).toMatchObject({ kind: 'denied', decision: { reasons: [{ code: 'start-not-allowed' }] } });
  });

  it('is reviewed by somebody else with a role, once', async () => {
    const { world, process } = await used();

    expect(await review(process, approver('alice'))).toMatchObject({ code: 'own-request' });
    expect(await review(process, caller('dave'))).toMatchObject({ code: 'role-missing' });
    expect(await review(process, { ...approver('robot'), isApplication: true })).toMatchObject({
      code: 'application-cannot-decide',
    });
    expect(await review(process, caller('erin', 'Sallyport.Administrator'))).toMatchObject({
      kind: 'reviewed',
    });
    expect(await review(process, approver('carol'))).toMatchObject({
      kind: 'conflict',
      code: 'no-review-open',
    });

    expect(await process.service.listToReview()).toEqual([]);
    expect((await world.audit(id)).at(-1)).toMatchObject({
      ...{ event: 'request.break-glass-reviewed', actor: caller('erin').person.objectId },
      details: { comment: 'The database had stopped', actorName: 'erin' },
    });
  });

  it('is reviewed long after the end: the review stays open until then, and what it adds is sealed', async () => {
    const { world, process } = await used();
    await sweepAt(world, process, 1, 62, 63, 70, 300);
    expect((await process.service.listToReview()).map((row) => row.id)).toEqual([id]);
    expect(await world.request(id)).toMatchObject({ state: 'closed' });

    await review(process, approver('carol'));
    expect(await process.service.listToReview()).toEqual([]);
    await sweepAt(world, process, 301, 302, 310, 311);

    expect(await world.stores.live.unended()).toEqual([]);
    const records = await world.audit(id);
    expect(await eventsOf(world, id)).toEqual([
      ...['opening', 'active', 'closing', 'closed', 'break-glass-reviewed'],
    ]);
    const attestations = attestationsOf(await world.stores.seals.after(0)).get(id) ?? [];
    expect(attestations.map(({ count }) => count)).toEqual([4, 5]);
    expect(verifySealed(id, records, attestations)).toEqual([]);
    expect(world.logged).not.toContain('seal-of-damaged-records: run audit:verify');
  });

  it('is reviewed also where the record cannot be written: the sweep writes it', async () => {
    const { world, process } = await used();
    await sweepAt(world, process, 1, 62, 63);
    const blind = world.startProcess(undefined, {
      before: (effect) => {
        if (effect.startsWith('audit')) throw new Error('The table is down.');
      },
    });

    expect(await review(blind, approver('carol'))).toMatchObject({ kind: 'reviewed' });
    expect(world.logged).toContain('review-left-to-sweep');
    await sweepAt(world, process, 64, 65);

    expect((await eventsOf(world, id)).at(-1)).toBe('break-glass-reviewed');
  });
});
