import type { BaselineSource, Policy } from '../../../src/core/policy.ts';
import type { Random } from '../random.ts';
import { contentFor, type Demands } from './machinePolicy.ts';
import type { Promises } from './promises.ts';
import type { Worker, World } from './world.ts';
import { machines, networkOf, web, type Machine } from './worldModel.ts';

/** Somebody who changes policies, and takes the tag from a machine that one of them selects by it. */
export interface PolicyAdministrator {
  /** What a machine's policy says at first. */
  first: (machine: Machine) => Pick<Policy, 'entries'> & Partial<Policy>;
  /** Once the world is there. */
  begin: () => void;
  needsApproval: (machine: Machine) => boolean;
  /** One change, by this worker. */
  change: (worker: Worker) => Promise<void>;
}

const tag = 'just-in-time';
/** Whom a baseline excepts is chosen so that the rest is a few prefixes: what many of them cost shows nothing more. */
const baselines: BaselineSource[] = [
  { kind: 'none' },
  { kind: 'none' },
  { kind: 'internet' },
  { kind: 'internet' },
  { kind: 'everybody', except: ['192.0.0.0/2'] },
  { kind: 'everybody', except: ['10.0.0.0/8'] },
];

/** Without demands every machine has the plain policy of a machine, and nobody is to change it. */
export function createPolicyAdministrator(
  random: Random,
  world: () => World,
  promises: Promises,
  hasDemands: boolean,
): PolicyAdministrator {
  const isTagged = hasDemands && random.oneIn(3);
  const demands = new Map<string, Demands>(
    hasDemands
      ? machines.map((machine) => [machine.id, demandsOf(machine, random.pick([0, 0, 0, 1, 2]))])
      : [],
  );
  let away: 'no' | 'untagged' | 'released' = 'no';

  function demandsOf(machine: Machine, approvers: number): Demands {
    return {
      approvers,
      ports: random.pick([[22, 3389], [22, 3389], [22, 3389], [22], [3389]]),
      baseline: random.pick(baselines),
      ...(isTagged && machine === web ? { tag } : {}),
    };
  }

  async function release(worker: Worker): Promise<void> {
    const { kind } = await worker.release(web);
    if (kind === 'changed') away = 'released';
  }

  return {
    first(machine) {
      const content = contentFor(machine, demands.get(machine.id));
      return { ...content, provisioning: { state: 'updating', reasons: [] } };
    },
    begin() {
      if (!isTagged) return;
      world().inventory.describe(web.id, { tags: { [tag]: 'yes' } });
      world().network.addVirtualMachine({ ...networkOf(web), tags: { [tag]: 'yes' } });
    },
    needsApproval: ({ id }) => (demands.get(id)?.approvers ?? 0) > 0,
    async change(worker) {
      const machine = random.pick(machines);
      if (machine === web && isTagged && away === 'untagged') return release(worker);
      if (machine === web && isTagged && away === 'no' && random.oneIn(3)) {
        // Before that nobody can say from outside whether it ever will.
        if (!promises.baselines.stands(web)) return;
        away = 'untagged';
        promises.policies.untagged(web);
        world().inventory.describe(web.id, {});
        world().network.addVirtualMachine(networkOf(web));
        return;
      }
      if (random.oneIn(4)) {
        await worker.removePolicy(machine);
        return;
      }
      const next = demandsOf(machine, random.pick([demands.get(machine.id)?.approvers ?? 0, 0, 1]));
      demands.set(machine.id, next);
      await worker.putPolicy(machine, contentFor(machine, next));
    },
  };
}
