import { expect, it } from 'vitest';
import { grantWorld, idOf, nicNsg, noon, subnetNsg, type Process } from '../support/grantWorld.ts';

const [first, second] = [1, 2].map(idOf) as [string, string];

it('takes no grant for shut by an NSG that was read before the grant was opened (I5)', async () => {
  const world = await grantWorld();
  let goOn: () => void = () => undefined;
  const stalled = new Promise<void>((resolve) => (goOn = resolve));
  let rowsReads = 0;
  const slow: Process = world.startProcess(undefined, {
    before: (effect) => {
      if (effect !== 'live.allOfNsg') return undefined;
      rowsReads += 1;
      return rowsReads <= 2 ? stalled : undefined;
    },
    after: (effect) => {
      // It dies with what it has noted, before it looks at the NSG again.
      if (effect === 'live.markSeen') slow.lifeline.dead = true;
      return undefined;
    },
  });
  const quick = world.startProcess();
  await world.clock.run(quick.submit());
  await world.clock.run(quick.submit());
  // The slow worker has read both NSGs, without any rule of ours, and not yet their rows.
  const stale = slow.step(second, 'sallyport');
  await world.clock.advanceTo(new Date(noon.getTime() + 100));
  expect(rowsReads).toBe(2);
  await world.clock.run(quick.step(first, 'sallyport'));
  await world.clock.run(quick.step(second, 'sallyport'));
  expect((await world.request(first)).state).toBe('active');
  await world.clock.run(quick.revoke(first));
  await world.clock.run(quick.revoke(second));

  goOn();
  await world.clock.run(Promise.allSettled([stale]));
  await world.clock.run(quick.step(first, 'sallyport'));

  expect((await world.request(first)).state).toBe('closed');
  const left = [subnetNsg, nicNsg].flatMap((nsgId) => world.ownedRules(nsgId));
  expect(left.filter((name) => name.includes(first))).toEqual([]);
});
