import { canonicalJson } from './canonicalJson.ts';
import type { BaselineSource, Policy, PolicyConditions, PolicyEntry, Selector } from './policy.ts';
import { describeWindow } from './timeWindow.ts';

/** More sentences than this are counted and not listed: rows and records are bounded. */
const most = 100;

/** What a policy says, apart from its name, version and history. */
export type Said = Pick<Policy, 'entries' | 'conditions' | 'baseline'>;

/** What became different, as sentences for people; none where both say the same. */
export function describeChanges(before: Said | undefined, after: Said | undefined): string[] {
  const [old, next] = [before, after].map((said) => (said === undefined ? [] : statementsOf(said)));
  const changes = [
    ...(old ?? []).filter((line) => !next?.includes(line)).map((line) => `No longer: ${line}`),
    ...(next ?? []).filter((line) => !old?.includes(line)).map((line) => `New: ${line}`),
  ];
  if (changes.length === 0 && before !== undefined && after !== undefined) {
    return writing(before) === writing(after)
      ? []
      : ['Its sources are written differently, and mean the same.'];
  }
  return changes.length <= most
    ? changes
    : [...changes.slice(0, most), `${changes.length - most} more changes.`];
}

/** How sources were written through Microsoft's API, which reads them back so; empty for what was put otherwise. */
function writing({ entries }: Said): string {
  const written = entries.flatMap(({ selector, ports }) =>
    ports.flatMap(({ number, protocol, sourcesAsWritten }) =>
      sourcesAsWritten === undefined ? [] : [canonicalJson([selector, number, protocol, sourcesAsWritten])],
    ),
  );
  return written.sort().join('\n');
}

function statementsOf({ entries, conditions, baseline }: Said): string[] {
  const all = [...entries.flatMap(ofEntry), ...ofConditions(conditions), ofBaseline(baseline)];
  return [...new Set(all)].sort();
}

function ofEntry({ selector, ports }: PolicyEntry): string[] {
  const whose = ofSelector(selector);
  return whose.flatMap((machines) =>
    ports.map(
      ({ number, protocol, allowedSourceAddressPrefixes, maxRequestAccessDuration }) =>
        `Port ${number} (${protocol}) of ${machines} may be asked for from ${allowedSourceAddressPrefixes.join(', ')} for at most ${maxRequestAccessDuration}.`,
    ),
  );
}

function ofSelector(selector: Selector): string[] {
  if ('virtualMachineIds' in selector) return selector.virtualMachineIds;
  const tags = Object.entries(selector.tags ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .sort();
  const tagged = tags.length === 0 ? '' : ` with the tags ${tags.join(', ')}`;
  return selector.scopes.map((scope) => `virtual machines in ${scope}${tagged}`);
}

function ofConditions(conditions: PolicyConditions): string[] {
  const { approval, largestSource, timeWindows, justificationPattern, flushConnection } = conditions;
  const families = Object.entries(largestSource ?? {}).map(([family, length]) => `/${length} (${family})`);
  const groups = approval?.groups.length ? `, of the groups ${[...approval.groups].sort().join(', ')}` : '';
  return [
    ...(approval === undefined
      ? []
      : [
          `It takes the approval of ${approval.approvers} other ${approval.approvers === 1 ? 'person' : 'people'}${groups}.`,
        ]),
    ...(families.length === 0 ? [] : [`No source may be larger than ${families.sort().join(' or ')}.`]),
    ...(timeWindows === undefined
      ? []
      : [`Access may begin ${timeWindows.map(describeWindow).sort().join(', or ')}.`]),
    ...(justificationPattern === undefined
      ? []
      : [`The justification must match ${justificationPattern} as a whole.`]),
    ...(flushConnection === true ? ['Established flows of the whole NSG are cut when a grant ends.'] : []),
  ];
}

function ofBaseline(baseline: BaselineSource): string {
  switch (baseline.kind) {
    case 'internet':
      return 'Its ports are kept shut for the internet.';
    case 'everybody':
      return baseline.except.length === 0
        ? 'Its ports are kept shut for everybody.'
        : `Its ports are kept shut for everybody but ${baseline.except.join(', ')}.`;
    case 'none':
      return 'Its ports are not kept shut.';
  }
}
