import type { Box, FoundVirtualMachine } from '../core/accessRequest.ts';
import { boxesOf } from '../core/box.ts';
import { causeOf } from '../core/cause.ts';
import type { Deciding } from '../core/decide.ts';
import type { ResolvedVirtualMachine, ResolveRefusal } from '../core/network.ts';
import type { Reason } from '../core/reason.ts';
import { canonicalId } from '../core/resourceId.ts';
import type { NetworkTarget } from './checkAdminRules.ts';
import type { Submission } from './contracts.ts';
import type { Dependencies } from './dependencies.ts';
import type { PathNsg, Unavailable } from './preflight.ts';

export interface ResolvedPath {
  /** What speaks against it: without one of these everything was found. */
  reasons: Reason[];
  path: PathNsg[];
  found: FoundVirtualMachine[];
  networks: NetworkTarget[];
}

/**
 * Finds the NSGs and addresses of what was granted; of what has no policy, only whether it exists. `known` is what was
 * read of these machines a moment ago.
 */
export async function resolvePath(
  dependencies: Pick<Dependencies, 'network' | 'log'>,
  submission: Pick<Submission, 'virtualMachines' | 'correlationId'>,
  deciding: Deciding,
  known: readonly ReadNetwork[] = [],
): Promise<ResolvedPath | Unavailable> {
  const denied = deciding.decision.outcome === 'denied' ? [...deciding.decision.reasons] : [];
  const options = { correlationId: submission.correlationId };
  const asked = submission.virtualMachines.map(({ id }, index) => ({ id, index }));
  const toRead =
    denied.length === 0
      ? asked
      : asked.filter(({ index }) =>
          denied.some(({ code, field }) => code === 'no-policy' && field === `virtualMachines[${index}].id`),
        );
  const isKnown = ({ index }: { index: number }) => known.some((read) => read.index === index);
  const rest = await readNetworks(
    dependencies,
    toRead.filter((machine) => !isKnown(machine)),
    options,
  );
  if (rest === undefined) return unreadable;
  const networks = [
    ...known.filter(({ index }) => toRead.some((machine) => machine.index === index)),
    ...rest,
  ];

  const reasons: Reason[] = [];
  const path = new Map<string, PathNsg>();
  const found: FoundVirtualMachine[] = [];
  const targets: NetworkTarget[] = [];
  for (const { index, network } of networks) {
    if ('refused' in network) {
      if (network.refused === 'throttled') return unavailable(network);
      // Without a policy only its absence is of interest; the rest is not for this person to know.
      if (denied.length > 0 && network.refused !== 'vm-not-found') continue;
      reasons.push({
        code: network.refused,
        message: network.message,
        field: `virtualMachines[${index}].id`,
      });
      continue;
    }
    const granted = deciding.virtualMachines[index];
    if (granted === undefined) continue;
    const { boxes, refused } = boxesOf(granted.ports, network.addresses, `virtualMachines[${index}]`);
    reasons.push(...refused);
    const field = `virtualMachines[${index}].id`;
    addTargets(path, network, boxes, field);
    targets.push({ subnetId: network.subnetId, boxes, field });
    found.push(foundOf(network));
  }
  const missing = new Set(reasons.filter(({ code }) => code === 'vm-not-found').map(({ field }) => field));
  const others = denied.filter(({ code, field }) => code !== 'no-policy' || !missing.has(field));
  return { reasons: [...others, ...reasons], path: [...path.values()], found, networks: targets };
}

export const unreadable: Unavailable = {
  kind: 'unavailable',
  retryAfterSeconds: 10,
  message: 'Azure cannot be asked about the virtual machine at the moment. Try again later.',
};

/** The network of the machine at this index of the submission, or why it cannot be had. */
export interface ReadNetwork {
  index: number;
  network: ResolvedVirtualMachine | ResolveRefusal;
}

/** Undefined where Azure gave no usable answer: nothing is known then, and nothing is stored. */
export async function readNetworks(
  { network, log }: Pick<Dependencies, 'network' | 'log'>,
  toRead: { id: string; index: number }[],
  options: { correlationId: string },
): Promise<ReadNetwork[] | undefined> {
  try {
    return await Promise.all(
      toRead.map(async ({ id, index }) => ({
        index,
        network: await network.resolveVirtualMachine(id, options),
      })),
    );
  } catch (error) {
    log.error('resolve-failed', { ...options, cause: causeOf(error) });
    return undefined;
  }
}

function addTargets(
  path: Map<string, PathNsg>,
  network: ResolvedVirtualMachine,
  boxes: readonly Box[],
  field: string,
): void {
  for (const nsg of network.nsgs) {
    const key = canonicalId(nsg.id);
    const one = path.get(key) ?? { target: { nsgId: nsg.id, boxes: [] }, nsg, field };
    one.target.boxes.push(...boxes);
    path.set(key, one);
  }
}

function foundOf(network: ResolvedVirtualMachine): FoundVirtualMachine {
  const { virtualMachineId, vmId, networkInterfaceId, addresses, nsgIds } = network;
  return {
    virtualMachineId,
    ...(vmId === undefined ? {} : { vmId }),
    networkInterfaceId,
    addresses: addresses.map(({ address }) => address),
    nsgIds,
  };
}

function unavailable(refusal: ResolveRefusal): Unavailable {
  return {
    kind: 'unavailable',
    retryAfterSeconds: refusal.retryAfterSeconds ?? 10,
    message: refusal.message,
  };
}
