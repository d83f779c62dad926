import type { JsonObject } from '../../../src/core/network.ts';
import { foreignRule, withRule } from '../../support/foreignRule.ts';
import type { Random } from '../random.ts';
import type { Promises } from './promises.ts';
import type { World } from './world.ts';
import { jobs, mail, networkOf, nameOf, nsgIds, rulesOf, twin } from './worldModel.ts';

/** What befalls a history as a whole, besides single faults. */
export interface Disaster {
  /** To be called each second. */
  happen: () => void;
  /** Whether no table can be read or written now. */
  isBlind: () => boolean;
  /** The NSG without what the disaster has put there for good; undefined if that is not there. */
  without: (nsgId: string) => JsonObject | undefined;
  counted: Record<string, number>;
}

/** What a policy keeps shut for everybody, as it stands in an NSG: no row ever says that it may go. */
const baseline = foreignRule('sallyport-contoso-baseline-1', 260, { destinationPortRange: '22' });

/**
 * Tables that cannot be read for a minute or two, or are lost for good, with a baseline in place either way; a machine that
 * is made anew under its name; a further interface with an address that is in use.
 */
export function createDisaster(random: Random, world: World, promises: Promises): Disaster {
  const counted: Record<string, number> = {};
  const count = (what: string) => (counted[what] = (counted[what] ?? 0) + 1);
  const nsgId = random.pick(nsgIds);
  const tables = random.pick(['kept', 'kept', 'kept', 'unreadable', 'lost'] as const);
  const from = 60 + random.below(100);
  const to = from + 60 + random.below(60);
  const machine = random.pick([mail, jobs]);
  const madeAnewAt = random.oneIn(3) ? 60 + random.below(150) : Infinity;
  const extraAt = random.oneIn(3) ? 30 + random.below(120) : Infinity;
  let isStanding = false;

  function plant(): void {
    const rules = rulesOf(world.network.nsg(nsgId) ?? {});
    const isTaken = rules.some((rule) => (rule['properties'] as JsonObject)['priority'] === 260);
    if (isTaken) return;
    world.network.edit(nsgId, (body) => withRule(body, baseline));
    promises.baseline(nsgId, nameOf(baseline));
    promises.tampered(nsgId, nameOf(baseline));
    isStanding = true;
  }

  return {
    counted,
    isBlind: () => tables === 'unreadable' && from <= world.seconds() && world.seconds() < to,
    without(id) {
      const body = world.network.nsg(id) ?? {};
      if (!isStanding || id !== nsgId) return body;
      const securityRules = rulesOf(body).filter((rule) => nameOf(rule) !== nameOf(baseline));
      if (securityRules.length === rulesOf(body).length) return undefined;
      return { ...body, properties: { ...(body['properties'] as JsonObject), securityRules } };
    },
    happen() {
      const at = Math.round(world.seconds());
      if (at === from && tables !== 'kept') {
        count(`tables ${tables}`);
        plant();
        if (tables === 'lost') {
          world.loseTables();
          promises.lost();
        }
      }
      if (at === madeAnewAt) {
        count('machines made anew');
        world.network.addVirtualMachine({ ...networkOf(machine), vmId: 'another' });
        promises.machineGone(machine.id);
      }
      if (at === extraAt) {
        count('extra interfaces');
        const message = 'Two network interfaces of one network security group have the address 10.1.0.4.';
        world.network.addVirtualMachine({
          ...{ virtualMachineId: twin.id, refused: 'address-not-unique', message },
        });
        promises.refused(twin.id);
      }
    },
  };
}
