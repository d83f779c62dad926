import { asObject, firstDifference } from './json.ts';
import type { Json, JsonObject } from './json.ts';
import { isOurs, nameOf, requestOf } from './rule.ts';
import type { NsgBody } from './rule.ts';

/** The one member beside rules that a write may change, and how: what is recorded of it. */
export interface RecordedFlush {
  /** What `properties.flushConnection` was; without a value where it was absent. */
  former: { value?: Json };
  /** Requests that are over and whose policy wants established flows cut with their end. */
  endedWithFlush: ReadonlySet<string>;
}

/**
 * Whether a write changes `properties.flushConnection` exactly as recorded: from what it was to true, with a rule of a
 * grant that is over and wanted it; or from true back to what it was.
 */
export function isRecordedFlush(
  before: NsgBody,
  after: NsgBody,
  installation: string,
  { former, endedWithFlush }: RecordedFlush,
): boolean {
  const [was, is] = [before, after].map(({ rest }) => memberOf(rest));
  if (was === undefined || is === undefined) return false;
  if (same(was, [true])) return same(is, recorded(former));
  if (!same(is, [true]) || !same(was, recorded(former))) return false;
  const stays = new Set(after.rules.map((raw) => nameOf(raw).toLowerCase()));
  return before.rules.some(
    (raw) =>
      isOurs(raw, installation) &&
      endedWithFlush.has(requestOf(nameOf(raw), installation) ?? '') &&
      !stays.has(nameOf(raw).toLowerCase()),
  );
}

/** Everything beside the rules, without the member. */
export function withoutFlush(rest: JsonObject): JsonObject {
  const properties = { ...asObject(rest['properties']) };
  delete properties['flushConnection'];
  return { ...rest, properties };
}

/** The member in a list of one, or an empty list: an absent one is told from one that is null. */
function memberOf(rest: JsonObject): Json[] {
  const properties = asObject(rest['properties']);
  const value = Object.hasOwn(properties, 'flushConnection') ? properties['flushConnection'] : undefined;
  return value === undefined ? [] : [value];
}

function recorded({ value }: RecordedFlush['former']): Json[] {
  return value === undefined ? [] : [value];
}

function same(a: Json[], b: Json[]): boolean {
  return firstDifference(a, b) === undefined;
}
