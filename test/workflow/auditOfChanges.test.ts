import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/network.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import {
  grantWorld,
  idOf,
  minutes,
  nicNsg,
  submission,
  subnetNsg,
  type GrantWorld,
} from '../support/grantWorld.ts';
import { accepted, always, once, openRules } from '../support/hindrances.ts';

const id = idOf(1);
const rule = `sallyport-contoso-${id}-1`;
const opened = ['nsg-subnet', 'nsg-nic'].map(
  (nsg) => `${nsg}: 203.0.113.7 can now reach 10.1.0.4 on Tcp 22 (rule ${rule}).`,
);
const shut = ['nsg-subnet', 'nsg-nic'].map(
  (nsg) => `${nsg}: 203.0.113.7 can no longer reach 10.1.0.4 on Tcp 22 (rule ${rule}).`,
);

/** Event → details of each record, after checking them against each other and the request's row. */
async function detailsOf(world: GrantWorld, requestId = id): Promise<Record<string, unknown>> {
  const records = await world.audit(requestId);
  expect(verifyTrail(requestId, records, await world.request(requestId))).toEqual([]);
  return Object.fromEntries(records.map(({ event, details }) => [event.replace('request.', ''), details]));
}

/** Somebody with rights on the NSGs takes our rules away. */
function takeRulesAway(world: GrantWorld): void {
  for (const nsgId of [subnetNsg, nicNsg]) {
    world.network.edit(nsgId, (body) => {
      const properties = body['properties'] as { securityRules: (JsonObject & { name: string })[] };
      const securityRules = properties.securityRules.filter(({ name }) => !name.startsWith('sallyport-'));
      return { ...body, properties: { ...properties, securityRules } };
    });
  }
}

describe('the audit records of a grant', () => {
  it('say who could newly reach what through each NSG, and who no longer', async () => {
    const world = await grantWorld();
    await accepted(world, world.startProcess());
    await world.runUntil(minutes(70), world.startProcess());

    expect(await detailsOf(world)).toEqual({
      opening: undefined,
      active: { changes: opened },
      closing: undefined,
      closed: { changes: shut },
    });
  });

  it('say so of each of several that one write opened, and one closed', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const sources = ['203.0.113.7', '203.0.113.8', '203.0.113.9'];
    for (const [index, source] of sources.entries()) {
      const virtualMachines = submission.virtualMachines.map((machine) => ({
        ...machine,
        ports: [{ number: 22, protocol: 'Tcp' as const, allowedSourceAddressPrefix: `${source}/32` }],
      }));
      await world.clock.run(process.submit({ virtualMachines, bodyHash: String(index) }));
    }
    await world.runUntil(minutes(70), process);

    for (const [index, source] of sources.entries()) {
      const { active, closed } = await detailsOf(world, idOf(index + 1));
      expect(JSON.stringify(active)).toContain(`nsg-nic: ${source} can now reach 10.1.0.4 on Tcp 22`);
      expect(JSON.stringify(closed)).toContain(`nsg-nic: ${source} can no longer reach 10.1.0.4 on Tcp 22`);
      expect(JSON.stringify([active, closed]).match(/203\.0\.113\.\d/g)).toEqual(Array(4).fill(source));
    }
  });

  it('say that nothing changed where another grant admits the same', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await accepted(world, process);
    await world.runUntil(minutes(10), process);
    await world.clock.run(process.submit({ bodyHash: 'second' }));
    await world.runUntil(minutes(65), process);

    const { active } = await detailsOf(world, idOf(2));
    expect(JSON.stringify(active)).toContain('Nobody can newly reach anything');
    expect(JSON.stringify((await detailsOf(world))['closed'])).toContain(
      'Nobody is newly kept from anything',
    );
  });

  it('say it of a close that went rule by rule', async () => {
    const world = await grantWorld();
    await accepted(world, world.startProcess());
    await world.runUntil(minutes(59), world.startProcess());
    world.network.fail('write', { kind: 'refused', code: 'RequestDisallowedByPolicy' }, 10);
    await world.runUntil(minutes(70), world.startProcess());

    expect(world.logged).toContain('closed-by-rule-delete');
    expect((await detailsOf(world))['closed']).toEqual({ changes: shut });
  });

  it('say what another worker’s write opened, compared with the same rules without it', async () => {
    const world = await grantWorld();
    await accepted(world, world.startProcess());
    // Dies when both NSGs are written and nothing is noted.
    let writes = 0;
    const dying = world.startProcess(undefined, {
      after: (effect) => {
        writes += effect === 'network.writeNsg' ? 1 : 0;
        if (writes === 2) dying.lifeline.dead = true;
        return undefined;
      },
    });
    await world.runUntil(minutes(1), dying);
    await world.runUntil(minutes(2), world.startProcess());

    const { active } = await detailsOf(world);
    expect(active).toEqual({
      changes: opened.flatMap((line) => [
        `${line.split(':')[0] ?? ''}: Its rules were there when the network security group was first read. Compared with the same rules without them:`,
        line,
      ]),
    });
  });

  it('name the call of a revocation, whose it was and which', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await accepted(world, process);
    await world.runUntil(minutes(5), process);
    await world.clock.run(process.revoke(id, 'b0b00000-0000-4000-8000-000000000007'));
    await world.runUntil(minutes(10), process);

    const records = await world.audit(id);
    const call = records.map(({ event, actor, correlationId }) => [event, actor, correlationId]);
    expect(call.slice(2)).toEqual([
      ['request.closing', submission.requester.objectId, 'b0b00000-0000-4000-8000-000000000007'],
      ['request.closed', 'sallyport', submission.correlationId],
    ]);
    expect(await detailsOf(world)).toMatchObject({ closed: { changes: shut } });
  });
});

describe('a record is marked as observed', () => {
  it('when it follows more than a minute late, after an audit that was down at the close', async () => {
    const world = await grantWorld();
    await accepted(world, world.startProcess());
    await world.runUntil(minutes(59), world.startProcess());
    await world.clock.advanceTo(minutes(61));
    await world.clock.run(world.startProcess(undefined, always('audit')).sweep());
    expect(openRules(world)).toEqual([]);

    await world.clock.advanceTo(minutes(75));
    await world.clock.run(world.startProcess().sweep());
    const { active, closing, closed } = await detailsOf(world);
    const observedAt = minutes(75).toISOString();
    expect([active, closing]).toEqual([{ changes: opened }, { observedAt }]);
    expect(closed).toEqual({ changes: shut, observedAt });
    const [, , began] = await world.audit(id);
    expect(Date.parse(began?.at ?? '')).toBeLessThan(minutes(62).getTime());
  });

  it('when the rules were gone before anybody who could read the rows looked', async () => {
    const world = await grantWorld();
    await accepted(world, world.startProcess());
    await world.runUntil(minutes(59), world.startProcess());
    takeRulesAway(world);
    await world.clock.advanceTo(minutes(61));
    await world.clock.run(world.startProcess(undefined, always('requests')).sweep());
    expect((await world.request(id)).state).toBe('active');

    await world.clock.advanceTo(minutes(90));
    await world.clock.run(world.startProcess().sweep());
    const closed = (await world.audit(id)).at(-1);
    expect(closed?.event).toBe('request.closed');
    expect(closed?.reasons.map(({ code }) => code)).toEqual(['ended', 'closed-unseen']);
    expect(closed?.details).toEqual({
      observedAt: closed?.at,
      changes: shut.flatMap((line) => [
        `${line.split(':')[0] ?? ''}: Its rules were gone when the network security group was first read. Compared with the same rules and them:`,
        line,
      ]),
    });
    expect(Date.parse(closed?.at ?? '')).toBeGreaterThanOrEqual(minutes(90).getTime());
  });

  it('when a sweep had to close by the rules’ own description, the tables being down', async () => {
    const world = await grantWorld();
    await accepted(world, world.startProcess());
    await world.runUntil(minutes(59), world.startProcess());
    const blind = world.startProcess(undefined, {
      before: (effect) => {
        if (/^(requests|live|audit)/.test(effect)) throw new Error('The table is down.');
      },
    });
    await world.clock.advanceTo(minutes(61));
    await world.clock.run(blind.sweep()).catch(() => undefined);
    expect(openRules(world)).toEqual([]);
    expect((await world.request(id)).state).toBe('active');

    await world.clock.advanceTo(minutes(90));
    await world.clock.run(world.startProcess().sweep());
    const closed = (await world.audit(id)).at(-1);
    expect(closed?.reasons.map(({ code }) => code)).toEqual(['ended', 'closed-unseen']);
    expect(closed?.details?.['observedAt']).toBe(closed?.at);
    expect(await detailsOf(world)).toMatchObject({ active: { changes: opened } });
  });

  it('not when the same close is only repeated', async () => {
    const world = await grantWorld();
    await accepted(world, world.startProcess());
    await world.runUntil(minutes(59), world.startProcess());
    const hindered = world.startProcess(
      undefined,
      once('requests.replace', () => {
        throw new Error('The table is down.');
      }),
    );
    await world.clock.advanceTo(minutes(60));
    await world.clock.run(hindered.sweep());
    await world.runUntil(minutes(62), world.startProcess());

    expect((await detailsOf(world))['closed']).toEqual({ changes: shut });
  });

  it('not where a grant never had a rule', async () => {
    const world = await grantWorld();
    world.network.fail('write', { kind: 'refused', code: 'RequestDisallowedByPolicy' }, 10);
    await accepted(world, world.startProcess());
    await world.runUntil(minutes(10), world.startProcess());

    expect(await detailsOf(world)).toEqual({ opening: undefined, closing: undefined, failed: undefined });
  });
});
