import { nicNsg, subnetNsg, type GrantWorld, type Hindrance, type Process } from './grantWorld.ts';

/** The first request of a world, accepted. */
export async function accepted(world: GrantWorld, process: Process): Promise<void> {
  const result = await world.clock.run(process.submit());
  if (result.kind !== 'accepted') throw new Error(`It was not accepted but ${result.kind}.`);
}

/** Names of owned rules in both NSGs. */
export function openRules(world: GrantWorld): string[] {
  return [...world.ownedRules(subnetNsg), ...world.ownedRules(nicNsg)];
}

/** Lets one effect of a process, the first that matches, wait until an instant or fail. */
export function once(effect: string, hinder: () => void | Promise<void>): Hindrance {
  let done = false;
  return {
    before: async (name) => {
      if (done || name !== effect) return;
      done = true;
      await hinder();
    },
  };
}

/** Every effect that begins so fails. */
export function always(prefix: string): Hindrance {
  return {
    before: (name) => {
      if (name.startsWith(prefix)) throw new Error('The table is down.');
    },
  };
}
