import { createHash } from 'node:crypto';
import type {
  AccessRequest,
  FoundVirtualMachine,
  NsgTarget,
  RequestedVirtualMachine,
} from '../core/accessRequest.ts';
import { boxesOf } from '../core/box.ts';
import { causeOf } from '../core/cause.ts';
import { decide, type Deciding } from '../core/decide.ts';
import type { ResolveRefusal, VirtualMachineNetwork } from '../core/network.ts';
import type { Reason } from '../core/reason.ts';
import { canonicalId } from '../core/virtualMachineId.ts';
import type { Orchestrations, Submission, SubmitResult } from './contracts.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { recordDenied } from './recordJournal.ts';
import type { RefusalQuota } from './refusalQuota.ts';
import { settle } from './settle.ts';

/**
 * Decides on a submission and, if it is granted, makes its rows and starts its orchestration.
 *
 * Everything that reconcile needs is in the rows when this returns, so that any reconcile of these NSGs opens the
 * grant. Once the request's row is stored the answer is `accepted`, whatever fails after it: the sweep goes on.
 */
export async function submit(
  dependencies: Dependencies,
  quota: RefusalQuota,
  orchestrations: Orchestrations,
  submission: Submission,
): Promise<SubmitResult> {
  const { requests, live, policies, clock, log, newId } = dependencies;
  const retryAfterSeconds = quota.exhausted(submission.requester.objectId, clock.now());
  if (retryAfterSeconds > 0) return { kind: 'too-many-refusals', retryAfterSeconds };

  const id = idOf(submission, newId);
  if (submission.idempotencyKey !== undefined) {
    const earlier = await requests.get(id);
    if (earlier !== undefined) return repeated(earlier.row, submission);
  }

  const found = await Promise.all(
    submission.virtualMachines.map((asked) => policies.forVirtualMachine(asked.id)),
  );
  const deciding = decide({ submission, policies: found });
  const resolved = await resolve(dependencies, submission, deciding);
  if ('unavailable' in resolved) return resolved.unavailable;
  if (resolved.reasons.length > 0) {
    quota.count(submission.requester.objectId, clock.now());
    const decision = { ...deciding.decision, outcome: 'denied' as const, reasons: resolved.reasons };
    // Under an id of its own: a denied submission uses up no Idempotency-Key.
    await recordDenied(
      { id: newId(), at: clock.now().toISOString(), submission, decision },
      dependencies.audit,
    );
    return { kind: 'denied', decision };
  }

  const now = clock.now();
  const request: AccessRequest = {
    id,
    state: 'opening',
    version: 1,
    requester: submission.requester,
    virtualMachines: deciding.virtualMachines,
    targets: resolved.targets,
    found: resolved.found,
    duration: submission.duration,
    justification: submission.justification,
    requestedAt: now.toISOString(),
    start: now.toISOString(),
    end: secondsAfter(now, submission.durationSeconds).toISOString(),
    decision: deciding.decision,
    outcome: 'failed',
    correlationId: submission.correlationId,
    instance: id,
    nextDue: now.toISOString(),
    journal: [
      {
        number: 1,
        event: 'opening',
        at: now.toISOString(),
        actor: submission.requester.objectId,
        reasons: deciding.decision.reasons,
      },
    ],
    recorded: 0,
    bodyHash: submission.bodyHash,
  };
  // First the row that makes the sweep look: a request that nothing knows of would never end.
  await live.addUnended({
    requestId: id,
    requesterId: submission.requester.objectId,
    createdAt: now.toISOString(),
  });
  const inserted = await requests.insert(request);
  if (inserted === 'exists') {
    const winner = await requests.get(id);
    if (winner === undefined) throw new Error(`Request ${id} exists and has no row.`);
    return repeated(winner.row, submission);
  }
  try {
    await settle(dependencies, request, now);
    await orchestrations.start(request.instance, id);
  } catch (error) {
    log.error('start-left-to-sweep', {
      requestId: id,
      correlationId: request.correlationId,
      cause: causeOf(error),
    });
  }
  return { kind: 'accepted', request };
}

/** A repeated Idempotency-Key names the same request for the same person, and no one else's. */
function idOf(submission: Submission, newId: () => string): string {
  if (submission.idempotencyKey === undefined) return newId();
  const { tenantId, objectId } = submission.requester;
  return createHash('sha256')
    .update(JSON.stringify([tenantId, objectId, submission.idempotencyKey]))
    .digest('hex')
    .slice(0, 32);
}

function repeated(earlier: AccessRequest, submission: Submission): SubmitResult {
  return earlier.bodyHash === submission.bodyHash
    ? { kind: 'accepted', request: earlier }
    : { kind: 'key-reused' };
}

type Resolved =
  { reasons: Reason[]; targets: NsgTarget[]; found: FoundVirtualMachine[] } | { unavailable: SubmitResult };

/** Finds the NSGs and addresses of what was granted; of what has no policy, only whether it exists. */
async function resolve(
  dependencies: Dependencies,
  submission: Submission,
  deciding: Deciding,
): Promise<Resolved> {
  const denied = deciding.decision.outcome === 'denied' ? [...deciding.decision.reasons] : [];
  const options = { correlationId: submission.correlationId };
  const asked = submission.virtualMachines.map(({ id }, index) => ({ id, index }));
  const toRead =
    denied.length === 0
      ? asked
      : asked.filter(({ index }) =>
          denied.some(({ code, field }) => code === 'no-policy' && field === `virtualMachines[${index}].id`),
        );
  const networks = await readNetworks(dependencies, toRead, options);
  if (networks === undefined) return { unavailable: unreadable };

  const reasons: Reason[] = [];
  const targets = new Map<string, NsgTarget>();
  const found: FoundVirtualMachine[] = [];
  for (const { index, network } of networks) {
    if ('refused' in network) {
      if (network.refused === 'throttled') return { unavailable: unavailable(network) };
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
    reasons.push(...addTargets(targets, granted, network, index));
    found.push(foundOf(network));
  }
  const missing = new Set(reasons.filter(({ code }) => code === 'vm-not-found').map(({ field }) => field));
  const others = denied.filter(({ code, field }) => code !== 'no-policy' || !missing.has(field));
  return { reasons: [...others, ...reasons], targets: [...targets.values()], found };
}

const unreadable: SubmitResult = {
  kind: 'unavailable',
  retryAfterSeconds: 10,
  message: 'Azure cannot be asked about the virtual machine at the moment. Try again later.',
};

/** Undefined where Azure gave no usable answer: nothing is known then, and nothing is stored. */
async function readNetworks(
  { network, log }: Pick<Dependencies, 'network' | 'log'>,
  toRead: { id: string; index: number }[],
  options: { correlationId: string },
) {
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
  targets: Map<string, NsgTarget>,
  granted: RequestedVirtualMachine,
  network: VirtualMachineNetwork,
  index: number,
): Reason[] {
  const { boxes, refused } = boxesOf(granted.ports, network.addresses, `virtualMachines[${index}]`);
  for (const nsgId of network.nsgIds) {
    const key = canonicalId(nsgId);
    const target = targets.get(key) ?? { nsgId, boxes: [] };
    target.boxes.push(...boxes);
    targets.set(key, target);
  }
  return refused;
}

function foundOf(network: VirtualMachineNetwork): FoundVirtualMachine {
  const { virtualMachineId, vmId, networkInterfaceId, addresses, nsgIds } = network;
  return {
    virtualMachineId,
    ...(vmId === undefined ? {} : { vmId }),
    networkInterfaceId,
    addresses: addresses.map(({ address }) => address),
    nsgIds,
  };
}

function unavailable(refusal: ResolveRefusal): SubmitResult {
  return {
    kind: 'unavailable',
    retryAfterSeconds: refusal.retryAfterSeconds ?? 10,
    message: refusal.message,
  };
}
