import { describe, expect, it } from 'vitest';
import { foreignRule, withRule } from '../support/foreignRule.ts';
import {
  alice,
  contentOf,
  eventsOf,
  grantWorld,
  minutes,
  nicNsg,
  subnetNsg,
  vmId,
  type GrantWorld,
  type Process,
} from '../support/grantWorld.ts';

async function accepted(world: GrantWorld, process: Process): Promise<string> {
  const result = await world.clock.run(process.submit());
  if (result.kind !== 'accepted') throw new Error(`It was not accepted but ${result.kind}.`);
  return result.request.id;
}

describe('a grant', () => {
  it('opens every NSG on the path, stays until its end, and leaves each NSG as it was', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const before = [subnetNsg, nicNsg].map((nsgId) => contentOf(world.network.nsg(nsgId)));

    const id = await accepted(world, process);
    await world.runUntil(minutes(59), process);

    expect((await world.request(id)).state).toBe('active');
    expect(world.ownedRules(subnetNsg)).toEqual([`sallyport-contoso-${id}-1`]);
    expect(world.ownedRules(nicNsg)).toEqual([`sallyport-contoso-${id}-1`]);

    await world.runUntil(minutes(61), process);

    expect((await world.request(id)).state).toBe('closed');
    expect([subnetNsg, nicNsg].map((nsgId) => contentOf(world.network.nsg(nsgId)))).toEqual(before);
    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
    expect(world.running.get(id)?.asked()).toEqual({ kind: 'returned', output: 'done' });
    expect(world.logged).toEqual([]);
  });

  it('costs one write for each NSG to open and one to close', async () => {
    const world = await grantWorld();
    const process = world.startProcess();

    await accepted(world, process);
    await world.runUntil(minutes(61), process);

    expect(world.network.calls.filter(({ method }) => method === 'write')).toHaveLength(4);
  });

  it('has its row and its record of the intent before the first call that could open anything (I4)', async () => {
    const seen: string[][] = [];
    const world: GrantWorld = await grantWorld(async ({ method }) => {
      if (method !== 'write') return;
      const [row] = await world.stores.live.unended();
      seen.push(row === undefined ? [] : await eventsOf(world, row.requestId));
    });
    const process = world.startProcess();

    await accepted(world, process);
    await world.runUntil(minutes(1), process);

    expect(seen).toEqual([['opening'], ['opening']]);
  });

  it('ends at once when it is revoked, and one record says who did it', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const id = await accepted(world, process);
    await world.runUntil(minutes(10), process);

    await process.revoke(id);
    await process.revoke(id);
    await world.runUntil(minutes(11), process);
    await process.revoke(id);

    expect(world.ownedRules(subnetNsg)).toEqual([]);
    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
    const [, , closing] = await world.audit(id);
    expect(closing).toMatchObject({ actor: alice.objectId, reasons: [{ code: 'revoked' }] });
  });

  it('is not called active when it is revoked while it is being opened', async () => {
    const world: GrantWorld = await grantWorld(async ({ method }) => {
      const [row] = await world.stores.live.unended();
      if (method === 'write' && row !== undefined) await world.startProcess().revoke(row.requestId);
    });
    const process = world.startProcess();

    const id = await accepted(world, process);
    await world.runUntil(minutes(5), process);

    expect(await eventsOf(world, id)).toEqual(['opening', 'closing', 'closed']);
    expect(world.ownedRules()).toEqual([]);
  });

  it('that was never seen active is called closed only when no write can be under way any more', async () => {
    const world: GrantWorld = await grantWorld(async ({ method }) => {
      const [row] = await world.stores.live.unended();
      if (method === 'write' && row !== undefined) await world.startProcess().revoke(row.requestId);
    });
    const process = world.startProcess();

    const id = await accepted(world, process);
    await world.runUntil(minutes(5), process);

    const [, closing, closed] = await world.audit(id);
    const waited = Date.parse(closed?.at ?? '') - Date.parse(closing?.at ?? '');
    expect(waited).toBeGreaterThanOrEqual(25_000);
  });

  it('ends failed and leaves nothing open when one NSG of two refuses', async () => {
    const world = await grantWorld();
    const process = world.startProcess();

    const id = await accepted(world, process);
    world.network.edit(nicNsg, (body) => withRule(body, foreignRule('deny-everything', 150)));
    await world.runUntil(minutes(2), process);

    expect(await world.request(id)).toMatchObject({
      state: 'failed',
      reason: { code: 'blocked-by-foreign-rule' },
    });
    expect((await world.request(id)).reason?.message).toContain('deny-everything');
    expect(world.ownedRules()).toEqual([]);
    expect(await eventsOf(world, id)).toEqual(['opening', 'closing', 'failed']);
  });

  it('ends failed when its NSG is deleted before it opens', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const id = await accepted(world, process);
    world.network.removeNsg(nicNsg);

    await world.runUntil(minutes(2), process);

    expect(await world.request(id)).toMatchObject({ state: 'failed', reason: { code: 'target-gone' } });
    expect(world.ownedRules(subnetNsg)).toEqual([]);
  });

  it('gives up opening in time when Azure keeps throttling, and closes', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const id = await accepted(world, process);
    world.network.fail('write', { kind: 'throttled', retryAfterSeconds: 30 }, 40);

    await world.runUntil(minutes(15), process);

    expect(await world.request(id)).toMatchObject({ state: 'failed', reason: { code: 'throttled' } });
  });

  it('keeps an edit that an administrator makes while it is open', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const id = await accepted(world, process);
    await world.runUntil(minutes(5), process);

    world.network.edit(subnetNsg, (body) =>
      withRule(body, foreignRule('allow-monitoring', 400, { access: 'Allow' })),
    );
    await world.runUntil(minutes(61), process);

    expect((await world.request(id)).state).toBe('closed');
    expect(JSON.stringify(world.network.nsg(subnetNsg))).toContain('allow-monitoring');
    expect(world.ownedRules(subnetNsg)).toEqual([]);
  });

  it.each(['superseded', 'unknown-after-commit', 'changed-meanwhile', 'locked', 'operation-failed'] as const)(
    'opens and closes although a write ends %s',
    async (kind) => {
      const world = await grantWorld();
      const process = world.startProcess();
      const before = contentOf(world.network.nsg(subnetNsg));
      world.network.fail('write', { kind }, 2);
      const id = await accepted(world, process);
      await world.runUntil(minutes(2), process);
      expect((await world.request(id)).state).toBe('active');

      world.network.fail('write', { kind }, 2);
      await world.runUntil(minutes(65), process);

      expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
      expect(contentOf(world.network.nsg(subnetNsg))).toEqual(before);
    },
  );

  it('is closed by the sweep when the right to write is missing for longer than the orchestration tries', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const id = await accepted(world, process);
    await world.runUntil(minutes(59), process);
    for (const method of ['write', 'deleteRule', 'writeRule'] as const) {
      world.network.fail(method, { kind: 'not-permitted' }, 1000);
    }
    await world.runUntil(minutes(80), process);
    expect(world.running.get(id)?.asked()).toEqual({ kind: 'returned', output: 'handed-to-sweep' });
    expect((await world.request(id)).state).toBe('closing');
    expect(world.logged).toContain('close-unfinished');
    expect(world.logged.filter((message) => message.startsWith('closed-by-rule'))).toEqual([]);

    world.network.clearFaults();
    await world.clock.run(process.sweep());

    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
    expect(world.ownedRules(subnetNsg)).toEqual([]);
  });

  it.each([
    ['deleting its rule', ['write'], 'closed-by-rule-delete', 0],
    ['turning its rule into one that denies nobody', ['write', 'deleteRule'], 'closed-by-rule-deny', 1],
  ] as const)(
    'is closed by %s where the whole NSG is refused for good',
    async (_way, methods, told, left) => {
      const world = await grantWorld();
      const process = world.startProcess();
      const before = contentOf(world.network.nsg(subnetNsg));
      const id = await accepted(world, process);
      await world.runUntil(minutes(30), process);
      const neighbour = await accepted(world, process);
      await world.runUntil(minutes(59), process);
      for (const method of methods) world.network.fail(method, { kind: 'not-permitted' }, 1000);

      await world.runUntil(minutes(62), process);

      expect((await world.request(id)).state).toBe('closed');
      expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
      expect(world.logged.filter((message) => message === told)).toHaveLength(2);
      expect(world.logged).not.toContain('close-unfinished');
      for (const nsgId of [subnetNsg, nicNsg]) {
        expect(world.ownedRules(nsgId)).toHaveLength(1 + left);
        expect(world.ownedRules(nsgId)).toContain(`sallyport-contoso-${neighbour}-1`);
      }
      expect((await world.request(neighbour)).state).toBe('active');

      world.network.clearFaults();
      await world.runUntil(minutes(95), process);

      expect(await eventsOf(world, neighbour)).toEqual(['opening', 'active', 'closing', 'closed']);
      expect(contentOf(world.network.nsg(subnetNsg))).toEqual(before);
    },
  );

  it('fails to open while the whole NSG is refused, and does not keep what has ended open', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const ending = await accepted(world, process);
    await world.runUntil(minutes(59), process);
    world.network.fail('write', { kind: 'refused' }, 1000);
    const opening = await accepted(world, process);

    await world.runUntil(minutes(62), process);

    expect(await eventsOf(world, ending)).toEqual(['opening', 'active', 'closing', 'closed']);
    expect(await eventsOf(world, opening)).toEqual(['opening', 'closing', 'failed']);
    expect(await world.request(opening)).toMatchObject({ reason: { code: 'refused-by-azure' } });
    expect(world.ownedRules()).toEqual([]);
  });

  it('does not touch a neighbour’s grant on the same port and source when it ends', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const first = await accepted(world, process);
    await world.runUntil(minutes(30), process);
    const second = await accepted(world, process);
    await world.runUntil(minutes(61), process);

    expect((await world.request(first)).state).toBe('closed');
    expect((await world.request(second)).state).toBe('active');
    expect(world.ownedRules(subnetNsg)).toEqual([`sallyport-contoso-${second}-1`]);
  });
});

describe('submitting', () => {
  it('refuses what no policy allows, records it once and stores nothing else', async () => {
    const world = await grantWorld();
    const process = world.startProcess();

    const result = await world.clock.run(
      process.submit({
        virtualMachines: [
          { id: vmId, ports: [{ number: 3389, allowedSourceAddressPrefix: '203.0.113.7/32' }] },
        ],
      }),
    );

    expect(result).toMatchObject({
      kind: 'denied',
      decision: { outcome: 'denied', reasons: [{ code: 'port-not-in-policy', allowed: [22] }] },
    });
    expect(await world.stores.live.unended()).toEqual([]);
    await world.clock.advanceTo(minutes(1));
    const page = await world.stores.audit.query({ requesterId: alice.objectId });
    expect(page.records.map(({ event }) => event)).toEqual(['request.denied']);
  });

  it.each([
    ['no virtual machine', []],
    ['a virtual machine without a port', [{ id: vmId, ports: [] }]],
  ])(
    'refuses what names %s, whoever let it through, and makes no row of it',
    async (_case, virtualMachines) => {
      const world = await grantWorld();

      const result = await world.clock.run(world.startProcess().submit({ virtualMachines }));

      expect(result).toMatchObject({ kind: 'denied' });
      expect(await world.stores.live.unended()).toEqual([]);
      expect(world.running.size).toBe(0);
    },
  );

  it('tells a virtual machine that does not exist from one without a policy', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const missing = vmId.replace('vm-web', 'vm-none');
    const other = vmId.replace('vm-web', 'vm-other');
    world.network.addVirtualMachine({
      virtualMachineId: other,
      networkInterfaceId: 'nic',
      addresses: [],
      nsgIds: [subnetNsg],
    });

    const results = await Promise.all(
      [missing, other].map((id) =>
        world.clock.run(
          process.submit({
            virtualMachines: [{ id, ports: [{ number: 22, allowedSourceAddressPrefix: '203.0.113.7/32' }] }],
          }),
        ),
      ),
    );

    const codes = results.map((result) =>
      result.kind === 'denied' ? result.decision.reasons.map(({ code }) => code) : result.kind,
    );
    expect(codes).toEqual([['vm-not-found'], ['no-policy']]);
  });

  it('answers a repeated key with the same request, and refuses it with another body', async () => {
    const world = await grantWorld();
    const process = world.startProcess();

    const first = await world.clock.run(process.submit({ idempotencyKey: 'k-1' }));
    const again = await world.clock.run(process.submit({ idempotencyKey: 'k-1' }));
    const other = await world.clock.run(process.submit({ idempotencyKey: 'k-1', bodyHash: 'another' }));
    const somebodyElse = await world.clock.run(
      process.submit({ idempotencyKey: 'k-1', requester: { ...alice, objectId: 'b0b' } }),
    );

    expect(again).toMatchObject({ kind: 'accepted' });
    expect(
      again.kind === 'accepted' && first.kind === 'accepted' && again.request.id === first.request.id,
    ).toBe(true);
    expect(other).toEqual({ kind: 'key-reused' });
    expect(somebodyElse.kind).toBe('accepted');
    expect(await world.stores.live.unended()).toHaveLength(2);
  });

  it('stops recording refusals of one person after twenty in a minute, and begins again', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const ask = () =>
      world.clock.run(
        process.submit({
          virtualMachines: [
            { id: vmId, ports: [{ number: 1, allowedSourceAddressPrefix: '203.0.113.7/32' }] },
          ],
        }),
      );
    for (let count = 0; count < 20; count += 1) expect((await ask()).kind).toBe('denied');

    expect(await ask()).toEqual({ kind: 'too-many-refusals', retryAfterSeconds: 60 });

    await world.clock.advanceTo(minutes(1));
    expect((await ask()).kind).toBe('denied');
  });

  it.each([
    ['throttles', { kind: 'throttled', retryAfterSeconds: 17 } as const, 17],
    ['gives no usable answer', { kind: 'unknown' } as const, 10],
  ])('stores nothing when Azure %s', async (_case, fault, retryAfterSeconds) => {
    const world = await grantWorld();
    const process = world.startProcess();
    world.network.fail('resolve', fault);

    const result = await world.clock.run(process.submit());

    expect(result).toMatchObject({ kind: 'unavailable', retryAfterSeconds });
    expect(await world.stores.live.unended()).toEqual([]);
  });
});
