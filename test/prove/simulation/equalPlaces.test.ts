import { describe, expect, it } from 'vitest';
import { equalPlaces } from '../layers/aCrashPoints.ts';
import { createRandom } from '../random.ts';
import type { Place } from './effects.ts';
import { live, type LifeOptions } from './life.ts';
import { shapes } from './shapes.ts';

/** Everything that may tell one future from another. */
async function futureAfter(options: LifeOptions, kills: Place[]) {
  const { broken, died, futureHash, places } = await live({ ...options, kills, placesOf: 1 });
  return { broken, died, futureHash, next: places.map(({ effect, when }) => `${when} ${effect}`) };
}

describe('two places at which a death is held to leave the same world', () => {
  it.each<LifeOptions>([
    { revoke: true, onDeath: 'task failed' },
    { ...shapes.at(-1), onDeath: 'instance failed' },
    { revoke: true, onDeath: 'message lost' },
  ])('have one future, alone and with the same second death: %j', async (options) => {
    const random = createRandom(options.onDeath.length);
    const { places } = await live({ ...options, placesOf: 0 });
    const equal = equalPlaces(places).filter(({ length }) => length > 1);
    for (let turn = 0; turn < 2; turn += 1) {
      const [one, ...others] = random.pick(equal);
      const other = random.pick(others);
      const future = await futureAfter(options, [one]);
      expect(await futureAfter(options, [other])).toEqual(future);

      const [when, effect] = random.pick(future.next).split(' ');
      const second = { effect: Number(effect), when: when as Place['when'] };
      const twice = await futureAfter(options, [one, second]);
      expect(twice.died).toBe(2);
      expect(await futureAfter(options, [other, second])).toEqual(twice);
    }
  });

  it('are apart where something was written between them, and have other futures', async () => {
    const options: LifeOptions = { revoke: true, onDeath: 'task failed' };
    const { places, lines } = await live({ ...options, placesOf: 0, keepTrace: 1000 });
    const effects = lines.filter((line) => / w1 \w+\.\w+ /.test(line));
    const worldAt = ({ effect, when }: Place) =>
      places.find((place) => place.effect === effect && place.when === when)?.world;
    for (const write of ['requests.insert', 'audit.insert', 'live.insert', 'orchestrations.start']) {
      const effect = effects.findIndex((line) => line.includes(` w1 ${write} `)) + 1;
      const [before, after]: [Place, Place] = [
        { effect, when: 'before' },
        { effect, when: 'after' },
      ];

      expect(worldAt(before), write).not.toBe(worldAt(after));
      const futures = [await futureAfter(options, [before]), await futureAfter(options, [after])];
      expect(futures[0]?.futureHash, write).not.toBe(futures[1]?.futureHash);
    }
  });
});
