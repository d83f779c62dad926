import { asObject, asText, firstDifference } from './json.ts';
import type { Json } from './json.ts';
import { isOurs, nameOf } from './rule.ts';
import type { NsgBody } from './rule.ts';
import type { Violation } from './violation.ts';

/** What a write changes besides owned rules: it may change nothing else, compared as JSON values (I3). */
export function foreignChanges(before: NsgBody, after: NsgBody, installation: string): Violation[] {
  const found: Violation[] = [];
  const path = firstDifference(before.rest, after.rest);
  if (path !== undefined) {
    found.push({ kind: 'body-changed', message: `The write would change ${path}, which is not ours.` });
  }
  const [old, next] = [before, after].map(({ rules }) => rules.filter((raw) => !isOurs(raw, installation)));
  const length = Math.max(old?.length ?? 0, next?.length ?? 0);
  for (let index = 0; index < length; index++) {
    const [was, is] = [old?.[index], next?.[index]];
    // An absent rule is told from one that is null: lists of JSON hold no undefined.
    const difference = was === undefined || is === undefined ? '' : firstDifference(was, is);
    if (difference === undefined) continue;
    const rule = nameOf(was ?? is ?? null);
    found.push({
      kind: 'foreign-rule-changed',
      message: `The write would not leave the rule ${JSON.stringify(rule)} of somebody else as and where it is.`,
      rule,
    });
    break;
  }
  return found;
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
