import { expect, it } from 'vitest';
import { alice, grantWorld } from '../support/grantWorld.ts';

const bob = { ...alice, objectId: '00000000-0000-4000-8000-000000000b0b', displayName: 'Bob' };
const elsewhere = { ...alice, tenantId: 'bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee' };

it("is one's own: the same key of somebody else, or of another tenant, names another request", async () => {
  const world = await grantWorld();
  const process = world.startProcess();
  const ids: string[] = [];

  for (const requester of [alice, bob, elsewhere, alice]) {
    const result = await world.clock.run(process.submit({ requester, idempotencyKey: 'ticket-4711' }));
    if (result.kind === 'accepted') ids.push(result.request.id);
  }

  expect(ids).toHaveLength(4);
  expect(new Set(ids).size).toBe(3);
  expect(ids[3]).toBe(ids[0]);
});
