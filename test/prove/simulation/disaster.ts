import type { JsonObject } from '../../../src/core/network.ts';
import { foreignRule, withRule } from '../../support/foreignRule.ts';
import type { Random } from '../random.ts';
import type { Promises } from './promises.ts';
import type { World } from './world.ts';
import { jobs, mail, networkOf, nameOf, nsgIds, ownerOf, rulesOf, twin } from './worldModel.ts';

/** What befalls a history as a whole, besides single faults. */
export interface Disaster {
  /** To be called each second. */
  happen: () => void;
  /** Whether no table can be read or written now. */
  isBlind: () => boolean;
  /** The NSG without what the disaster has put or left there for good; undefined if a baseline is not there. */
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
      const rules = rulesOf(body);
      const hasBaseline = isStanding && id === nsgId;
      if (hasBaseline && !rules.some((rule) => nameOf(rule) === nameOf(baseline))) return undefined;
      const securityRules = rules.filter(
        (rule) =>
          !(hasBaseline && nameOf(rule) === nameOf(baseline)) && !(tables === 'lost' && shutsNobody(rule)),
      );
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

/** What a close leaves that may not delete: it stays where no row says whose it was, and matches nobody. */
function shutsNobody(rule: JsonObject): boolean {
  const { access, sourceAddressPrefix } = rule['properties'] as JsonObject;
  return ownerOf(rule) !== undefined && access === 'Deny' && sourceAddressPrefix === '192.0.2.0/32';
}
