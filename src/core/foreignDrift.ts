import type { LiveRow } from './accessRequest.ts';
import type { BaselineRow } from './baseline.ts';
import { shortKey } from './baselineRule.ts';
import { bypassedBaselines, notInternet } from './bypassedBaselines.ts';
import type { BypassedBaseline } from './bypassedBaselines.ts';
import type { Drift } from './driftFinding.ts';
import { covers, extentOf } from './extent.ts';
import type { Extent } from './extent.ts';
import { explainGrants } from './guard/explainGrants.ts';
import { liveGrants } from './guard/liveGrants.ts';
import { describePacket } from './guard/packet.ts';
import type { JsonObject } from './network.ts';
import { isInbound, readRules } from './nsgBody.ts';
import type { PlacedRule } from './nsgBody.ts';
import type { NsgRecord } from './nsgRecord.ts';
import { plan } from './plan.ts';
import type { PlanInput } from './plan.ts';
import { readMeaning } from './securityRule.ts';
import { trafficMeets, trafficOfRule } from './traffic.ts';
import type { Traffic } from './traffic.ts';

export interface ForeignInput {
  /** An NSG in which nothing of ours is to be changed. */
  body: JsonObject;
  rows: readonly LiveRow[];
  baselines?: readonly BaselineRow[];
  /** Request ids of the grants whose rules are all there. */
  admitted: readonly string[];
  now: Date;
  /** Installation id. */
  installation: string;
}

/**
 * Whether an NSG that needs no write has something to be told, or told of it what is no longer so, or `flushConnection` to
 * be put back.
 */
export function isDriftDue(
  { body, rows, baselines = [], now, installation }: PlanInput,
  record: Pick<NsgRecord, 'journal' | 'told' | 'flush'> | undefined,
): boolean {
  if (record === undefined && rows.length + baselines.length === 0) return false;
  if (record !== undefined && (record.journal.length > 0 || record.flush !== undefined)) return true;
  const { admitted } = plan({ body, rows, baselines, now, installation });
  const found = foreignDrift({ body, rows, baselines, admitted, now, installation: installation.id });
  const keys = new Set(found.map(({ key }) => key));
  const told = Object.keys(record?.told ?? {});
  return told.length !== keys.size || told.some((key) => !keys.has(key));
}

type Finding = Omit<Drift, 'sure'>;

interface Judged extends PlacedRule {
  traffic: Traffic;
}

/** Elementary steps for all grants of an NSG together: telling is worth less time than proving. */
const budget = 200_000;

/**
 * Foreign rules that take a grant's meaning away: a deny that comes first for some of its packets, or an allow that lets
 * all that one of its rules lets in pass without it, so that the end of the grant will shut nothing. To be reported by
 * name and not to be fought. A deny is found exactly, as far as the budget goes; of allows only one that suffices alone.
 */
export function foreignDrift(input: ForeignInput): Finding[] {
  const { body, rows, baselines = [], admitted, now, installation } = input;
  const nsgRules = readRules(body, installation);
  const judged = (rule: PlacedRule): Judged => ({ ...rule, traffic: trafficOfRule(readMeaning(rule.raw)) });
  const ours = admitted.flatMap((requestId) =>
    (nsgRules.byRequest.get(requestId) ?? []).map((rule) => ({ ...judged(rule), requestId })),
  );
  const uncovered = bypassedBaselines({ body, baselines, installation }).map(findingOfBaseline);
  if (ours.length === 0) return uncovered;

  const foreign = nsgRules.foreign.filter(isInbound);
  const denies = foreign.filter(({ head }) => head.access !== 'allow').map(judged);
  const allows = foreign
    .filter(({ head }) => head.access === 'allow')
    .map((rule) => ({ head: rule.head, extent: extentOf(readMeaning(rule.raw)) }));

  const doubtful = new Set(
    ours
      .filter((rule) => denies.some((deny) => mayComeFirst(deny, rule, rule.head.priority)))
      .map(({ requestId }) => requestId),
  );
  const grants = liveGrants(rows, now).filter(({ requestId }) => doubtful.has(requestId));
  const blocked = explainGrants({ body, installation, grants, budget }).flatMap((state) => {
    if (state.state !== 'blocked' || state.blockedBy?.owner !== 'foreign') return [];
    const { rule } = state.blockedBy;
    const message = `The rule ${JSON.stringify(rule)} of somebody else comes first for some of this access, such as ${describePacket(state.sample)}.`;
    return [findingOf('blocked-by-foreign-rule', rule, state.requestId, message)];
  });
  const bypassed = ours.flatMap((rule) => {
    const extent = extentOf(readMeaning(rule.raw));
    const by = allows.find(
      (allow) =>
        lets(allow.extent, extent) && !denies.some((deny) => mayComeFirst(deny, rule, allow.head.priority)),
    );
    if (by === undefined) return [];
    const message = `The rule ${JSON.stringify(by.head.name)} of somebody else lets in all that the rule ${rule.head.name} does: the end of this grant will not shut it.`;
    return [findingOf('bypassed-by-foreign-rule', by.head.name, rule.requestId, message)];
  });
  return [
    ...new Map([...blocked, ...bypassed, ...uncovered].map((finding) => [finding.key, finding])).values(),
  ];
}

function findingOfBaseline({ virtualMachineId, by, message }: BypassedBaseline): Finding {
  const event = 'bypassed-by-foreign-rule';
  return {
    event,
    rule: by,
    virtualMachineId,
    key: `${event} ${by.toLowerCase()} deny-${shortKey(virtualMachineId)}`,
    reasons: [{ code: event, message }],
  };
}

function findingOf(
  event: 'blocked-by-foreign-rule' | 'bypassed-by-foreign-rule',
  rule: string,
  requestId: string,
  message: string,
): Finding {
  return {
    event,
    rule,
    requestId,
    key: `${event} ${rule.toLowerCase()} ${requestId}`,
    reasons: [{ code: event, message }],
  };
}

/** Whether a rule may decide some of another one's packets before a rule of this priority does. */
function mayComeFirst(rule: Judged, other: Judged, priority: number): boolean {
  return !(rule.head.priority > priority) && trafficMeets(rule.traffic, other.traffic);
}

/**
 * Whether an allow lets in all that a rule is about. The tag `Internet` counts as every public address, which is what it
 * is but for those that a virtual network has been given.
 */
function lets(allow: Extent, rule: Extent): boolean {
  const { ranges, opaque, every } = rule.sources;
  const isPublic =
    allow.sources.opaque.has('internet') &&
    !every &&
    opaque.size === 0 &&
    ranges.every((range) =>
      notInternet.every(
        (other) => other.family !== range.kind || range.last < other.first || other.last < range.first,
      ),
    );
  return covers(isPublic ? { ...allow, sources: { ...allow.sources, every: true } } : allow, rule);
}
