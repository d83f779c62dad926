import { asObject, asText, firstDifference } from './json.ts';
import type { Json } from './json.ts';
import { isRecordedFlush, withoutFlush } from './recordedFlush.ts';
import type { RecordedFlush } from './recordedFlush.ts';
import { isOurs, nameOf, requestOf } from './rule.ts';
import type { NsgBody } from './rule.ts';
import { baselineOf } from './standingBaselines.ts';
import type { Violation } from './violation.ts';

/**
 * What a write changes besides owned rules: it may change nothing else, compared as JSON values (I3), but for
 * `flushConnection` exactly as recorded.
 */
export function foreignChanges(
  before: NsgBody,
  after: NsgBody,
  installation: string,
  flush?: RecordedFlush,
): Violation[] {
  const found: Violation[] = [];
  const isRecorded = flush !== undefined && isRecordedFlush(before, after, installation, flush);
  const [was, is] = [before, after].map(({ rest }) => (isRecorded ? withoutFlush(rest) : rest));
  const path = firstDifference(was, is);
  if (path !== undefined) {
    found.push({ kind: 'body-changed', message: `The write would change ${path}, which is not ours.` });
  }
  const [old, next] = [before, after].map(({ rules }) => rules.filter((raw) => !isOurs(raw, installation)));
  const length = Math.max(old?.length ?? 0, next?.length ?? 0);
  for (let index = 0; index < length; index++) {
    const [one, other] = [old?.[index], next?.[index]];
    // An absent rule is told from one that is null: lists of JSON hold no undefined.
    const difference = one === undefined || other === undefined ? '' : firstDifference(one, other);
    if (difference === undefined) continue;
    const rule = nameOf(one ?? other ?? null);
    found.push({
      kind: 'foreign-rule-changed',
      message: `The write would not leave the rule ${JSON.stringify(rule)} of somebody else as and where it is.`,
      rule,
    });
    break;
  }
  return found;
}

/**
 * Owned denies of no grant that a write removes, changes or makes where it may not: one behind the allows goes or changes
 * only if a row decides on it, and none may come to stand where it would shut grants. Judged rule by rule, for what a deny
 * refuses may be hidden by rules of others today.
 */
export function misplacedDenies(
  before: NsgBody,
  after: NsgBody,
  installation: string,
  { lastAllowPriority, decided }: { lastAllowPriority: number; decided: ReadonlySet<string> },
): Violation[] {
  const [old, next] = [before, after].map(
    ({ rules }) =>
      new Map(
        rules
          .filter((raw) => isOurs(raw, installation) && requestOf(nameOf(raw), installation) === undefined)
          .map((raw) => [nameOf(raw).toLowerCase(), raw]),
      ),
  );
  const found: Violation[] = [];
  for (const [key, raw] of old ?? []) {
    const is = next?.get(key);
    const isKept = is !== undefined && firstDifference(raw, is) === undefined;
    if (isKept || !isDeny(raw) || !(priorityOf(raw) > lastAllowPriority)) continue;
    if (decided.has(baselineOf(nameOf(raw), installation) ?? '')) continue;
    const message = `The deny ${nameOf(raw)} would be removed or changed, and no decision is recorded that it may be.`;
    found.push({ kind: 'deny-without-decision', message, rule: nameOf(raw) });
  }
  for (const [key, raw] of next ?? []) {
    const was = old?.get(key);
    const isKept = was !== undefined && firstDifference(raw, was) === undefined;
    if (isKept || !isDeny(raw) || priorityOf(raw) > lastAllowPriority) continue;
    const message = `The deny ${nameOf(raw)} would stand among the allows of grants, or before them.`;
    found.push({ kind: 'deny-before-grants', message, rule: nameOf(raw) });
  }
  return found;
}

function isDeny(raw: Json): boolean {
  return asText(asObject(asObject(raw)['properties'])['access']).toLowerCase() === 'deny';
}

function priorityOf(raw: Json): number {
  const priority = asObject(asObject(raw)['properties'])['priority'];
  return typeof priority === 'number' ? priority : NaN;
}

/** Owned rules of the body to write that share a name or a place with another rule: which one counts is unknown. */
export function sharedPlaces(after: NsgBody, installation: string): Violation[] {
  const found: Violation[] = [];
  const names = new Map<string, Json>();
  const places = new Map<string, Json>();
  const compare = (
    seen: Map<string, Json>,
    key: string,
    raw: Json,
    kind: Violation['kind'],
    what: string,
  ) => {
    const other = seen.get(key);
    seen.set(key, raw);
    if (other === undefined || !(isOurs(raw, installation) || isOurs(other, installation))) return;
    const [rule, second] = isOurs(raw, installation) ? [raw, other] : [other, raw];
    const message = `The owned rule ${nameOf(rule)} would have the ${what} of the rule ${JSON.stringify(nameOf(second))}.`;
    found.push({ kind, message, rule: nameOf(rule) });
  };
  for (const raw of after.rules) {
    const { priority = null, direction } = asObject(asObject(raw)['properties']);
    const way = asText(direction).toLowerCase();
    compare(names, nameOf(raw).toLowerCase(), raw, 'name-taken', 'name');
    compare(places, `${way} ${JSON.stringify(priority)}`, raw, 'priority-taken', 'priority');
  }
  return found;
}
