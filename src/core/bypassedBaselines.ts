import { rangeOf, rangesOverlap } from './address.ts';
import type { AddressRange } from './address.ts';
import type { BaselineRow } from './baseline.ts';
import { nameOfMachine, parseBaselineName, shortKey } from './baselineRule.ts';
import { covers, extentOf } from './extent.ts';
import type { JsonObject } from './network.ts';
import { isInbound, readRules } from './nsgBody.ts';
import { readMeaning } from './securityRule.ts';
import type { RuleMeaning } from './securityRule.ts';
import { trafficMeets, trafficOfRule } from './traffic.ts';

/** A foreign allow that comes before a rule of a baseline and may let in what that keeps shut. */
export interface BypassedBaseline {
  virtualMachineId: string;
  /** The name of the allow. */
  by: string;
  message: string;
}

/**
 * The allows of somebody else that stand before rules of baselines and meet them: to be reported by name, and not to be
 * fought. One that an earlier foreign deny covers as a whole lets nothing in. Tags and groups count as any address, but
 * for those that by Azure's own words have nothing of the Internet.
 *
 * Every reconcile and every sweep asks this of every NSG, so it compares rules in pairs and says "may". Where a policy is
 * applied or foreseen, `judgeBaselines` asks the guard, packet by packet and within a budget, and says "lets in".
 */
export function bypassedBaselines({
  body,
  baselines,
  installation,
}: {
  body: JsonObject;
  baselines: readonly BaselineRow[];
  /** Installation id. */
  installation: string;
}): BypassedBaseline[] {
  const standing = new Map(
    baselines
      .filter(({ state }) => state === 'standing')
      .map(({ virtualMachineId }) => [shortKey(virtualMachineId), virtualMachineId]),
  );
  if (standing.size === 0) return [];
  const { owned, foreign } = readRules(body, installation);
  const inbound = foreign
    .filter(isInbound)
    .map(({ head, raw }) => ({ head, meaning: readMeaning(raw) }))
    .map((rule) => ({ ...rule, traffic: trafficOfRule(rule.meaning), extent: extentOf(rule.meaning) }));
  const allows = inbound.filter(({ head }) => head.access !== 'deny');
  const denies = inbound.filter(({ head }) => head.access === 'deny');
  const found = new Map<string, BypassedBaseline>();
  for (const { head, raw } of owned) {
    const virtualMachineId = standing.get(parseBaselineName(head.name, installation)?.key ?? '');
    if (virtualMachineId === undefined || head.access !== 'deny') continue;
    const meaning = readMeaning(raw);
    const [traffic, extent] = [trafficOfRule(meaning), extentOf(meaning)];
    const bypassing = allows.filter(
      (allow) =>
        !(allow.head.priority > head.priority) &&
        trafficMeets(allow.traffic, traffic) &&
        sourcesMeet(allow.meaning, meaning) &&
        !denies.some(
          (deny) =>
            deny.head.priority < allow.head.priority &&
            (covers(deny.extent, extent) || covers(deny.extent, allow.extent)),
        ),
    );
    for (const { head: allow } of bypassing) {
      const message = `The rule ${JSON.stringify(allow.name)} (priority ${allow.priority}) of somebody else comes before the baseline of ${nameOfMachine(virtualMachineId)} and may let in what that keeps shut. Whoever owns it can narrow it, remove it or move it behind priority ${head.priority}.`;
      found.set(`${allow.name} ${virtualMachineId}`, { virtualMachineId, by: allow.name, message });
    }
  }
  return [...found.values()];
}

/** Whether an allow may have a source in common with a baseline; what cannot be told counts. */
function sourcesMeet(allow: RuleMeaning, baseline: RuleMeaning): boolean {
  return baseline.sources.some((source) =>
    source === 'internet'
      ? allow.sources.some((other) => mayBeInternet(other))
      : source === '*' || allow.sources.some((other) => mayBeAt(other, source)),
  );
}

/** Tags that Azure defines as apart from the Internet: the virtual network with what is connected to it, and its probes. */
function mayBeInternet(source: string): boolean {
  if (source === 'virtualnetwork' || source === 'azureloadbalancer' || source.startsWith('asg:'))
    return false;
  const range = rangeIn(source);
  return range === undefined || !notInternet.some((other) => contains(other, range));
}

function mayBeAt(source: string, prefix: string): boolean {
  const [range, other] = [
    rangeIn(source === 'azureloadbalancer' ? '168.63.129.16/32' : source),
    rangeIn(prefix),
  ];
  return range === undefined || other === undefined || rangesOverlap(range, other);
}

function contains(outer: AddressRange, inner: AddressRange): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;
}

/** Undefined for a tag, a group, and what is not understood. */
function rangeIn(text: string): AddressRange | undefined {
  try {
    return /^[0-9a-f:.]+\/\d+$/.test(text) ? rangeOf(text) : undefined;
  } catch {
    return undefined;
  }
}

/** What the tag `Internet` has nothing of, but for public addresses that a virtual network has been given. */
export const notInternet = [
  ...['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'],
  ...['168.63.129.16/32', '::1/128', 'fc00::/7', 'fe80::/10'],
].map(rangeOf);
