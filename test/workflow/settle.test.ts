import { expect, it } from 'vitest';
import { enterState } from '../../src/core/journal.ts';
import { settle } from '../../src/workflow/settle.ts';
import { grantWorld, nicNsg, noon, subnetNsg } from '../support/grantWorld.ts';

const id = '1'.padStart(32, '0');

it('puts no older version of a request over the live rows of a newer one', async () => {
  const world = await grantWorld();
  await world.clock.run(world.startProcess().submit());
  const opening = await world.request(id);
  const entry = { at: noon, actor: 'sallyport', reasons: [] };
  const closing = enterState(opening, 'closing', entry, { outcome: 'closed' });
  const ignore = () => undefined;
  const dependencies = {
    ...{ live: world.stores.live, audit: world.stores.audit, clock: world.clock },
    log: { info: ignore, warn: ignore, error: ignore },
  };
  await settle(dependencies, closing, noon);

  await settle(dependencies, opening, noon);

  for (const nsgId of [subnetNsg, nicNsg]) {
    expect((await world.stores.live.get(nsgId, id))?.row).toMatchObject({ state: 'closing', version: 2 });
  }
});
