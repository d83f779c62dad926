import type { BaselineBox, BaselineRow } from './baseline.ts';
import { reach } from './guard/reach.ts';
import type { Installation } from './installation.ts';
import type { NsgDocument } from './network.ts';
import { planBody } from './nsgBody.ts';
import { plan } from './plan.ts';
import type { Reason } from './reason.ts';
import { canonicalId } from './resourceId.ts';

/** What an NSG, as it was read, makes of one baseline. */
export interface BaselineJudgement {
  virtualMachineId: string;
  /** As the plan says it. */
  state: 'standing' | 'gone' | 'changing' | 'no-capacity';
  /** Why it finds no room, and which foreign rules let in before it what it is to keep out. */
  reasons: Reason[];
}

/** Elementary steps for one baseline; what takes more is not told. */
const budget = 200_000;
/** Foreign rules that are named for one baseline at one NSG. */
const mostRules = 5;

/**
 * What an NSG makes of the baselines that have a row for it, exactly: for when a policy is applied or foreseen. What every
 * reconcile can afford is `bypassedBaselines`. Throws as `plan` does.
 */
export function judgeBaselines(
  { id, body }: Pick<NsgDocument, 'id' | 'body'>,
  baselines: readonly BaselineRow[],
  installation: Installation,
  now: Date,
): BaselineJudgement[] {
  const planned = plan({ body, rows: [], baselines, now, installation });
  // As it is to be: whoever is before the baseline once it stands is before it for good.
  const after = planned.securityRules === undefined ? body : planBody(body, planned.securityRules);
  const rowOf = new Map(baselines.map((row) => [canonicalId(row.virtualMachineId), row]));
  return planned.baselines.map(({ virtualMachineId, state, reason }) => {
    const row = rowOf.get(canonicalId(virtualMachineId));
    const isShut = row?.state === 'standing' && state !== 'no-capacity';
    const rules = isShut ? bypassing({ ...row, nsgId: id }, after, installation) : [];
    return {
      virtualMachineId,
      state,
      reasons: [
        ...(reason === undefined ? [] : [reason]),
        ...rules.map((rule): Reason => bypassed(rule, virtualMachineId, id, installation)),
      ],
    };
  });
}

/** Names of the foreign rules that let in, before the baseline, what it is to keep out. */
function bypassing(
  { boxes }: Pick<BaselineRow, 'boxes' | 'nsgId'>,
  body: NsgDocument['body'],
  installation: Installation,
): string[] {
  const names = boxes.flatMap((box: BaselineBox) =>
    (reach({ bodies: [body], box, installation: installation.id, budget }) ?? []).flatMap(({ by }) =>
      by.flatMap(({ rule, owner }) => (owner === 'foreign' ? [rule] : [])),
    ),
  );
  return [...new Set(names)].sort().slice(0, mostRules);
}

function bypassed(
  rule: string,
  virtualMachineId: string,
  nsgId: string,
  { baselineBand }: Installation,
): Reason {
  return {
    code: 'bypassed-by-foreign-rule',
    message: `The inbound rule "${rule}" of ${nsgId} lets in what the baseline of ${virtualMachineId} is to keep out, for it comes before it. Whoever owns it can narrow it, remove it or move it behind priority ${baselineBand.last}.`,
  };
}
