import { beforeEach, expect, it } from 'vitest';
import type { AccessRequest } from '../../src/core/accessRequest.ts';
import { enterState } from '../../src/core/journal.ts';
import { settle } from '../../src/workflow/settle.ts';
import { grantWorld, idOf, nicNsg, noon, subnetNsg, type GrantWorld } from '../support/grantWorld.ts';

const id = idOf(1);

let world: GrantWorld;
let opening: AccessRequest;
beforeEach(async () => {
  world = await grantWorld();
  await world.clock.run(world.startProcess().submit());
  opening = await world.request(id);
});

function settled(request: AccessRequest) {
  const ignore = () => undefined;
  const { live, audit } = world.stores;
  const log = { info: ignore, warn: ignore, error: ignore };
  return settle({ live, audit, clock: world.clock, log }, request, noon);
}

it('puts no older version of a request over the live rows of a newer one', async () => {
  const entry = { at: noon, actor: 'sallyport', reasons: [] };
  await settled(enterState(opening, 'closing', entry, { outcome: 'closed' }));

  await settled(opening);

  for (const nsgId of [subnetNsg, nicNsg]) {
    expect((await world.stores.live.get(nsgId, id))?.row).toMatchObject({ state: 'closing', version: 2 });
  }
});

it('makes no live row from a request that was read so long ago that its rows may have been removed', async () => {
  for (const nsgId of [subnetNsg, nicNsg]) await world.stores.live.remove(nsgId, id);
  await world.clock.advanceTo(new Date(noon.getTime() + 200_000));

  await expect(settled(opening)).rejects.toThrow('too long ago');

  for (const nsgId of [subnetNsg, nicNsg]) expect(await world.stores.live.get(nsgId, id)).toBeUndefined();
});
