import type { BaselineRow } from './baseline.ts';
import { describeDifference } from './guard/describeDifference.ts';
import { guard } from './guard/guard.ts';
import { standingBaselines } from './guard/standingBaselines.ts';
import type { Installation } from './installation.ts';
import type { JsonObject, NsgDocument } from './network.ts';
import { planBody, readRules } from './nsgBody.ts';
import { plan } from './plan.ts';
import { readMeaning } from './securityRule.ts';
import { judgeBaselines } from './judgeBaselines.ts';

/** Elementary steps for one NSG; what takes more is told without the packets. */
const budget = 1_000_000;

/**
 * What changed baselines do to an NSG as it was read, as sentences: the rules that come and go, who can reach what no longer
 * or again and by which rule, and what is in the way. Grants are left out: they come before baselines.
 * Throws as `plan` does.
 */
export function policyEffects(
  nsg: Pick<NsgDocument, 'id' | 'body'>,
  { before, after }: { before: readonly BaselineRow[]; after: readonly BaselineRow[] },
  installation: Installation,
  now: Date,
): string[] {
  const was = planned(nsg.body, before, installation, now);
  const is = planned(was, after, installation, now);
  const rulesOf = (body: JsonObject) => readRules(body, installation.id).owned;
  const names = (body: JsonObject) => new Set(rulesOf(body).map(({ head }) => head.name));
  const [old, next] = [names(was), names(is)];
  const written = rulesOf(is).filter(({ head }) => !old.has(head.name));
  const removed = rulesOf(was).filter(({ head }) => !next.has(head.name));
  return [
    ...written.map(({ raw, head }) => {
      const { protocol, sources, destinations, destinationPorts } = readMeaning(raw);
      return `Adds the rule ${head.name} (priority ${head.priority}): denies ${listed(sources)} to ${listed(destinations)}, ${protocol} ${listed(destinationPorts)}.`;
    }),
    ...removed.map(({ head }) => `Removes the rule ${head.name} (priority ${head.priority}).`),
    ...changesOf(was, is, after, installation),
    ...judgeBaselines(nsg, after, installation, now).flatMap(({ reasons }) =>
      reasons.map(({ message }) => message),
    ),
  ];
}

/** The body with exactly these baselines, and no grants. */
function planned(
  body: JsonObject,
  baselines: readonly BaselineRow[],
  installation: Installation,
  now: Date,
): JsonObject {
  const { securityRules } = plan({ body, rows: [], baselines, now, installation });
  return securityRules === undefined ? body : planBody(body, securityRules);
}

function changesOf(
  before: JsonObject,
  after: JsonObject,
  rows: readonly BaselineRow[],
  { id, allowBand }: Installation,
): string[] {
  const { standing, keys } = standingBaselines(rows);
  const result = guard({
    before,
    after,
    installation: id,
    lastAllowPriority: allowBand.last,
    grants: [],
    baselines: standing,
    decided: keys,
    budget,
  });
  if (result.verdict === 'proven') return describeDifference(result.difference);
  return ['Who can reach what no longer, or again, could not be worked out.'];
}

function listed(values: readonly string[]): string {
  const shown = values.slice(0, 4).join(', ');
  return values.length > 4 ? `${shown} and ${values.length - 4} more` : shown;
}
