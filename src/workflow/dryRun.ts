import type { Box, LiveRow, RequestedVirtualMachine } from '../core/accessRequest.ts';
import type { ApprovalRule } from '../core/approval.ts';
import { obstacleToStart, startOf } from '../core/chosenStart.ts';
import { effectOfFlush } from '../core/flushConnection.ts';
import { planBody, readRules } from '../core/nsgBody.ts';
import { ownedName, parseOwnedName } from '../core/ownedRule.ts';
import { plan } from '../core/plan.ts';
import type { Decision, Reason } from '../core/reason.ts';
import type { Submission } from './contracts.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { judgeRequest } from './judgeRequest.ts';
import type { OverQuota, PersonQuota } from './personQuota.ts';
import type { PathNsg, Unavailable } from './preflight.ts';
import { prove } from './prove.ts';

/** What a request would do to one NSG, as it stands now. */
export interface ForeseenNsg {
  nsgId: string;
  /** Each new rule: where it would stand, and what it would let in. */
  rules: (Box & { priority: number })[];
  /** Who could newly reach what: sentences. */
  changes: string[];
  /** What its end would do beside taking its rules away: sentences. */
  atEnd: string[];
  /** Why it would get no rule there. */
  refused?: Reason;
}

/** What would come of a submission. */
export interface DryRun {
  kind: 'foreseen';
  decision: Decision;
  /** Who would have to approve; empty where nobody must. */
  approval: ApprovalRule[];
  virtualMachines: RequestedVirtualMachine[];
  /** ISO 8601; left out where it would be denied. `end` is that of a request which nobody has to approve first. */
  start?: string;
  end?: string;
  nsgs: ForeseenNsg[];
}

export type DryRunResult = DryRun | OverQuota | Unavailable;

/**
 * Decides on a submission as if it were made now, and says which rules would be written and what they would let in. It
 * stores nothing, tells nobody and reserves nothing: a moment later the answer may be another. It counts as a call.
 */
export async function dryRun(
  dependencies: Dependencies,
  quota: PersonQuota,
  submission: Submission,
): Promise<DryRunResult> {
  const { clock, live, newId } = dependencies;
  const { requester } = submission;
  const over =
    quota.call(requester.objectId, clock.now()) ?? (await quota.live(live, requester.objectId, clock.now()));
  if (over !== undefined) return over;
  const obstacle = obstacleToStart(submission, clock.now());
  if (obstacle !== undefined) return denied({ outcome: 'denied', reasons: [obstacle], policies: [] });
  const id = newId();
  const start = startOf({ chosenStart: submission.start }, clock.now());
  const judged = await judgeRequest(dependencies, { ...submission, id, start });
  if (judged.kind === 'unavailable') return judged;
  if (judged.kind === 'denied') return denied(judged.decision);
  const end = submission.end ?? secondsAfter(start, submission.durationSeconds).toISOString();
  const times = { start: start.toISOString(), end };
  return {
    kind: 'foreseen',
    decision: judged.fields.decision,
    approval: judged.approval,
    virtualMachines: judged.virtualMachines,
    ...times,
    nsgs: await Promise.all(
      judged.path.map(async (one) => ({
        ...(await foreseeNsg(dependencies, one, { id, ...times })),
        atEnd: judged.fields.flushConnection === true ? [effectOfFlush(one.nsg.body)] : [],
      })),
    ),
  };
}

function denied(decision: Decision): DryRun {
  return { kind: 'foreseen', decision, approval: [], virtualMachines: [], nsgs: [] };
}

/** Plans the NSG as it was read, without and with the grant: what others are still waiting for is in both. */
async function foreseeNsg(
  { live, installation }: Pick<Dependencies, 'live' | 'installation'>,
  { nsg, target }: PathNsg,
  { id, start, end }: { id: string; start: string; end: string },
): Promise<Omit<ForeseenNsg, 'atEnd'>> {
  const stored = await live.allOfNsg(nsg.id);
  const rows = stored.grants.map(({ row }) => row);
  const baselines = stored.baselines.map(({ row }) => row);
  const now = new Date(start);
  const row: LiveRow = {
    nsgId: nsg.id,
    requestId: id,
    version: 1,
    state: 'opening',
    start,
    end,
    boxes: target.boxes,
  };
  const others = plan({ body: nsg.body, rows, baselines, now, installation });
  const before = others.securityRules === undefined ? nsg.body : planBody(nsg.body, others.securityRules);
  const all = [...rows, row];
  const planned = plan({ body: before, rows: all, baselines, now, installation });
  const refused = planned.refused.find(({ requestId }) => requestId === id)?.reason;
  const securityRules = planned.securityRules ?? readRules(before, installation.id).rules;
  if (refused !== undefined) return { nsgId: nsg.id, rules: [], changes: [], refused };
  const proof = prove({ before, securityRules, rows: all, baselines, now, plan: planned, installation });
  if (proof.kind !== 'proven') return { nsgId: nsg.id, rules: [], changes: [], refused: proof.reason };
  const rules = readRules(proof.body, installation.id).owned.flatMap(({ head }) => {
    const name = parseOwnedName(head.name, installation.id);
    const box = name?.requestId === id ? target.boxes[name.number - 1] : undefined;
    return box === undefined ? [] : [{ priority: head.priority, ...box }];
  });
  // No request will have this id: the rules are named by their number.
  const name = new RegExp(String.raw`\(rule ${ownedName(installation.id, id, 0).slice(0, -1)}(\d+)\)`, 'g');
  return { nsgId: nsg.id, rules, changes: proof.changes.map((text) => text.replace(name, '(new rule $1)')) };
}
