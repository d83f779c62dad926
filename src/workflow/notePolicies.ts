import type { BaselineRow } from '../core/baseline.ts';
import { canonicalJson } from '../core/canonicalJson.ts';
import type { DesiredBaselines } from '../core/desiredBaselines.ts';
import type { Policy } from '../core/policy.ts';
import { provisioningOf, type Outcome } from '../core/policyProvisioning.ts';
import { canonicalId } from '../core/resourceId.ts';
import type { Stored } from '../core/stores.ts';
import type { ApplyResult } from './applyBaselines.ts';
import type { Dependencies } from './dependencies.ts';

/** What applying policies writes into them. */
export interface PolicyNotes {
  /**
   * Before any row: who has left is told in the journal, once, and what is changed is not called applied. `changed` where
   * somebody has changed a policy meanwhile.
   */
  begin(desired: DesiredBaselines): Promise<'begun' | 'changed'>;
  /** Nothing new is known of this row: its policies keep what they say. */
  leave(row: BaselineRow): void;
  /** After everything: whether the baselines of each policy stand. */
  conclude(
    desired: DesiredBaselines,
    outcomes: ReadonlyMap<BaselineRow, readonly Outcome[]>,
  ): Promise<ApplyResult>;
}

/** Seconds after which what has not settled is looked at again. */
const pause = 5;

/** Makes the notes of one application; policies are written under the ETags with which they were read. */
export function createPolicyNotes(
  { policies, clock, log }: Pick<Dependencies, 'policies' | 'clock' | 'log'>,
  read: readonly Stored<Policy>[],
  correlationId: string,
): PolicyNotes {
  const stored = new Map(
    read.filter(({ row }) => row.isDeleted !== true).map((one) => [canonicalId(one.row.id), one]),
  );
  const left = new Set<string>();

  async function save(next: Policy): Promise<boolean> {
    const key = canonicalId(next.id);
    const found = stored.get(key);
    if (found === undefined || canonicalJson(found.row) === canonicalJson(next)) return true;
    const replaced = await policies.replace(next, found.etag);
    if (replaced === 'changed') return false;
    stored.set(key, replaced);
    return true;
  }

  return {
    async begin({ changes, left: gone }) {
      const changing = new Set(
        changes
          .flatMap((change) => [
            ...(change.kind === 'insert' ? [] : change.row.causes),
            ...(change.kind === 'end' ? [] : change.causes),
          ])
          .map(({ policyId }) => canonicalId(policyId)),
      );
      for (const [key, { row }] of stored) {
        const known = new Set((row.left ?? []).map((one) => canonicalId(one.virtualMachineId)));
        const fresh = gone.filter(
          (one) => canonicalId(one.policyId) === key && !known.has(canonicalId(one.virtualMachineId)),
        );
        const next: Policy = changing.has(key)
          ? { ...row, provisioning: { state: 'updating', reasons: [] } }
          : row;
        const ids = fresh.map(({ virtualMachineId }) => virtualMachineId);
        if (!(await save(ids.length === 0 ? next : noteLeft(next, fresh, clock.now(), correlationId)))) {
          return 'changed';
        }
        if (ids.length > 0) log.warn('machine-left-policy', { policyId: row.id, virtualMachineIds: ids });
      }
      return 'begun';
    },
    leave({ causes }) {
      causes.forEach(({ policyId }) => left.add(canonicalId(policyId)));
    },
    async conclude({ problems, left: gone }, outcomes) {
      const of = new Map<string, Outcome[]>([...stored.keys()].map((key) => [key, []]));
      for (const { policyId, reason } of problems) {
        const kind = reason.code === 'not-settled' ? 'pending' : 'failed';
        of.get(canonicalId(policyId))?.push({ kind, reason });
      }
      let isPending = false;
      for (const [row, found] of outcomes) {
        isPending ||= found.some(({ kind }) => kind === 'pending');
        if (row.state === 'ending') continue;
        row.causes.forEach(({ policyId }) => of.get(canonicalId(policyId))?.push(...found));
      }
      for (const [key, { row }] of stored) {
        const own = of.get(key) ?? [];
        isPending ||= own.some(({ kind }) => kind === 'pending');
        if (left.has(key)) continue;
        const still = gone.filter(({ policyId }) => canonicalId(policyId) === key);
        const next = withLeft({ ...row, provisioning: provisioningOf(own) }, still, problems);
        if (!(await save(next))) isPending = true;
      }
      return isPending ? { kind: 'again', afterSeconds: pause } : { kind: 'done' };
    },
  };
}

/** The policy that tells who has left it: their names stand in the record that is made of it. */
function noteLeft(policy: Policy, fresh: DesiredBaselines['left'], now: Date, correlationId: string): Policy {
  const number = Math.max(policy.journal.at(-1)?.number ?? 0, policy.recorded) + 1;
  return {
    ...policy,
    left: [...(policy.left ?? []), ...fresh.map(({ virtualMachineId, at }) => ({ virtualMachineId, at }))],
    journal: [
      ...policy.journal,
      {
        number,
        event: 'left',
        at: now.toISOString(),
        actor: 'sallyport',
        correlationId,
        changes: fresh.map(
          ({ virtualMachineId }) =>
            `${virtualMachineId} has left the policy or is gone. Its baseline stays until an administrator releases it.`,
        ),
      },
    ],
  };
}

/** Whom the policy still keeps shut although they have left, and no release that has done what it was for. */
function withLeft(
  policy: Policy,
  still: DesiredBaselines['left'],
  problems: DesiredBaselines['problems'],
): Policy {
  const next = { ...policy };
  const kept = (policy.left ?? []).filter((one) => still.some((other) => isSame(one, other)));
  // A machine that could not be looked up has not been released yet.
  const released = (policy.released ?? []).filter((id) =>
    problems.some((one) => one.reason.code === 'not-settled' && isSame(one, { virtualMachineId: id })),
  );
  delete next.left;
  delete next.released;
  return {
    ...next,
    ...(kept.length === 0 ? {} : { left: kept }),
    ...(released.length === 0 ? {} : { released }),
  };
}

function isSame(a: { virtualMachineId: string }, b: { virtualMachineId: string }): boolean {
  return canonicalId(a.virtualMachineId) === canonicalId(b.virtualMachineId);
}
