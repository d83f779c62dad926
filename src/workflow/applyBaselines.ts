import { standBaseline, endBaseline, type BaselineRow } from '../core/baseline.ts';
import { causeOf } from '../core/cause.ts';
import { desiredBaselines, subscriptionsOfBaselines, type BaselineChange } from '../core/desiredBaselines.ts';
import type { Listing } from '../core/listing.ts';
import type { NsgDocument } from '../core/network.ts';
import type { Policy } from '../core/policy.ts';
import type { Outcome } from '../core/policyProvisioning.ts';
import { canonicalId } from '../core/resourceId.ts';
import { judgeBaselines } from '../core/judgeBaselines.ts';
import type { Stored } from '../core/stores.ts';
import type { Dependencies } from './dependencies.ts';
import { inParallel } from './inParallel.ts';
import { createPolicyNotes } from './notePolicies.ts';
import type { Reconcile, ReconcileResult } from './reconcileResult.ts';

export type BaselineDependencies = Pick<
  Dependencies,
  'policies' | 'live' | 'network' | 'clock' | 'log' | 'installation'
>;

/** Policies, deleted ones too, and the rows of their baselines, as they were read. */
export interface BaselineState {
  policies: Stored<Policy>[];
  rows: Stored<BaselineRow>[];
  /** The subscriptions that have to be listed to apply them; none where there is nothing to apply. */
  subscriptionIds: string[];
}

export interface ApplyCall {
  correlationId: string;
  listing: Listing;
  /** The NSGs that were listed with it. */
  nsgs: readonly NsgDocument[];
  /** No NSG is begun after this; whoever applies next goes on. */
  notAfter: Date;
  /** Keys of NSGs that are not tried again yet: what was said of them stays said. */
  resting?: ReadonlySet<string>;
}

export type ApplyResult = { kind: 'done' } | { kind: 'again'; afterSeconds: number };

/** Reads both by one query each. Throws where they cannot be read: nothing is decided then. */
export async function readBaselineState({
  policies,
  live,
}: Pick<Dependencies, 'policies' | 'live'>): Promise<BaselineState> {
  const [all, rows] = await Promise.all([policies.all(), live.everyBaseline()]);
  const subscriptionIds = subscriptionsOfBaselines(
    all.map(({ row }) => row),
    rows.map(({ row }) => row),
  );
  return { policies: all, rows, subscriptionIds };
}

/**
 * Brings the rows of baselines to what policies and lists want, each row before its rules, has their NSGs reconciled, and
 * writes into each policy whether its baselines stand. May be killed anywhere, repeated and raced: rows and policies change
 * under their ETags, and whoever comes next goes on from what is there. Nothing to do is nothing written.
 */
export async function applyBaselines(
  dependencies: BaselineDependencies,
  reconcileNsg: Reconcile,
  state: BaselineState,
  call: ApplyCall,
): Promise<ApplyResult> {
  const { live, network, clock, log, installation } = dependencies;
  const { correlationId, listing, resting = new Set<string>() } = call;
  const desired = desiredBaselines({
    policies: state.policies.map(({ row }) => row),
    listing,
    rows: state.rows.map(({ row }) => row),
    now: clock.now(),
  });
  const notes = createPolicyNotes(dependencies, state.policies, correlationId);
  // A policy that somebody has changed meanwhile wants something else by now.
  if ((await notes.begin(desired)) === 'changed') return { kind: 'again', afterSeconds: 1 };

  const etagOf = new Map(state.rows.map(({ row, etag }) => [row, etag]));
  const rows = new Map(state.rows.map(({ row }) => [keyOf(row), row]));
  const raced: BaselineChange[] = [];
  await inParallel(desired.changes, async (change) => {
    const written = await write(change);
    if (written === undefined) raced.push(change);
    else rows.set(keyOf(written), written);
  });
  if (raced.length > 0) return { kind: 'again', afterSeconds: 1 };

  const rowsOf = new Map<string, BaselineRow[]>();
  for (const row of rows.values()) {
    const key = canonicalId(row.nsgId);
    rowsOf.set(key, [...(rowsOf.get(key) ?? []), row]);
  }
  const touched = new Set(
    desired.changes.map((change) => canonicalId(change.kind === 'insert' ? change.nsgId : change.row.nsgId)),
  );
  const listed = new Map(call.nsgs.map((nsg) => [canonicalId(nsg.id), nsg]));
  const outcomes = new Map<BaselineRow, Outcome[]>();
  await inParallel([...rowsOf], async ([key, own]) => {
    const nsg = listed.get(key);
    let found = nsg === undefined || touched.has(key) ? undefined : outcomesOf(nsg, own);
    if (found === undefined && resting.has(key)) own.forEach((row) => notes.leave(row));
    else found ??= await reconcileBaselines(own);
    found?.forEach((outcome, row) => outcomes.set(row, outcome));
  });
  return notes.conclude(desired, outcomes);

  /** Undefined where somebody else has changed the row meanwhile. */
  async function write(change: BaselineChange): Promise<BaselineRow | undefined> {
    if (change.kind === 'insert') {
      const { nsgId, virtualMachineId } = change;
      const row = withLeft({
        ...{ nsgId, virtualMachineId, version: 1, state: 'standing' },
        ...{ boxes: change.boxes, causes: change.causes },
      });
      if ((await live.insertBaseline(row)) === 'inserted') return row;
      const there = await live.getBaseline(nsgId, virtualMachineId);
      // A row that cannot be read is listed by nobody: it is written anew.
      if (there?.row !== 'unreadable') return undefined;
      return (await live.replaceBaseline(row, there.etag)) === 'replaced' ? row : undefined;
    }
    const { row } = change;
    const now = clock.now();
    const next = change.kind === 'end' ? endBaseline(row, now) : withLeft(standBaseline(row, change, now));
    return (await live.replaceBaseline(next, etagOf.get(row) ?? '')) === 'replaced' ? next : undefined;
  }

  /** What the NSG makes of these baselines; undefined where it has to be reconciled. */
  function outcomesOf(
    nsg: NsgDocument,
    own: readonly BaselineRow[],
  ): Map<BaselineRow, Outcome[]> | undefined {
    if (own.some((row) => row.state === 'ending') || nsg.provisioningState !== 'Succeeded') return undefined;
    const standing = judgeBaselines(nsg, own, installation, clock.now());
    if (standing.some((one) => one.state === 'changing')) return undefined;
    return new Map(
      own.map((row) => {
        const found = standing.find(
          (one) => canonicalId(one.virtualMachineId) === canonicalId(row.virtualMachineId),
        );
        const said = (found?.reasons ?? []).map((reason): Outcome => ({
          kind: reason.code === 'bypassed-by-foreign-rule' ? 'told' : 'failed',
          reason,
        }));
        return [row, said];
      }),
    );
  }

  /** Has the NSG of these rows reconciled, and says what it makes of them then. */
  async function reconcileBaselines(own: readonly BaselineRow[]): Promise<Map<BaselineRow, Outcome[]>> {
    const nsgId = own[0]?.nsgId ?? '';
    const all = (outcome: Outcome) => new Map(own.map((row) => [row, [outcome]]));
    const left = call.notAfter.getTime() - clock.now().getTime();
    if (left <= 0) return all(pending('The network security group is not reached yet.'));
    const result = await Promise.race([attempt(nsgId), clock.sleep(left).then(() => 'busy' as const)]);
    const failure = failureOf(result);
    if (failure !== undefined) return all(failure);
    const read = await network.readNsg(nsgId, { correlationId });
    const stands =
      read.kind === 'read'
        ? outcomesOf(
            read.nsg,
            own.filter((row) => row.state === 'standing'),
          )
        : undefined;
    return stands ?? all(pending(`${nsgId} has not settled yet.`));
  }

  async function attempt(nsgId: string): Promise<ReconcileResult | 'busy'> {
    try {
      return await reconcileNsg(nsgId, { correlationId, purpose: 'close' });
    } catch (error) {
      log.error('reconcile-failed', { nsgId, correlationId, cause: causeOf(error) });
      return 'busy';
    }
  }
}

/** What a reconcile that did not come to its end says of every baseline of the NSG. */
function failureOf(result: ReconcileResult | 'busy'): Outcome | undefined {
  if (result === 'busy') return pending('The network security group is busy.');
  switch (result.kind) {
    case 'converged':
      return undefined;
    case 'gone':
    case 'refused':
      return { kind: 'failed', reason: result.reason };
    case 'again':
    case 'without-rows':
      return { kind: 'pending', reason: result.reason };
  }
}

function pending(message: string): Outcome {
  return { kind: 'pending', reason: { code: 'not-settled', message } };
}

/** The row with the earliest instant at which a machine has left any of its causes. */
function withLeft(row: BaselineRow): BaselineRow {
  const next = { ...row };
  delete next.leftAt;
  const [leftAt] = row.causes.flatMap((cause) => cause.leftAt ?? []).sort();
  return leftAt === undefined ? next : { ...next, leftAt };
}

function keyOf({ nsgId, virtualMachineId }: BaselineRow): string {
  return `${canonicalId(nsgId)} ${canonicalId(virtualMachineId)}`;
}
