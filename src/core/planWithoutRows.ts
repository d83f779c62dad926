import type { Installation } from './installation.ts';
import type { Json, JsonObject } from './network.ts';
import { readRules, type PlacedRule } from './nsgBody.ts';
import { parseOwnedName, readDescription } from './ownedRule.ts';

/**
 * Why there are no rows to go by. `unreadable`: they are there and cannot be read now. `lost`: the tables answer, but
 * they are not those of this installation any more.
 */
export type WithoutRows = 'unreadable' | 'lost';

export interface PlanWithoutRows {
  /** The new complete list of rules; undefined when there is nothing to remove. */
  securityRules?: Json[];
  /** Names of the owned rules that go. */
  removed: string[];
  /** Request ids with any owned rule that may admit and stays. */
  present: string[];
}

/**
 * Which owned rules go while no row can say so: nothing is opened, and only allows are removed.
 *
 * With unreadable rows an allow goes once its own description is past its end, or does not say one: unreadable is not
 * absent. With lost tables every owned allow goes. What is no allow stays in both: without rows nobody can tell a
 * baseline that a policy still wants from one that it does not, and to remove a deny opens. Throws if the body is
 * malformed.
 */
export function planWithoutRows({
  body,
  tables,
  now,
  installation,
}: {
  body: JsonObject;
  tables: WithoutRows;
  now: Date;
  installation: Pick<Installation, 'id'>;
}): PlanWithoutRows {
  const { rules, owned } = readRules(body, installation.id);
  const going = owned
    .filter(({ head }) => head.access === 'allow')
    .filter((rule) => tables === 'lost' || hasEnded(rule, now, installation.id));
  const gone = new Set(going.map(({ index }) => index));
  const staying = owned.filter(({ index, head }) => !gone.has(index) && head.access !== 'deny');
  const present = staying.flatMap(({ head }) => parseOwnedName(head.name, installation.id)?.requestId ?? []);
  return {
    ...(gone.size === 0 ? {} : { securityRules: rules.filter((_, index) => !gone.has(index)) }),
    removed: going.map(({ head }) => head.name),
    present: [...new Set(present)].sort(),
  };
}

/** A description that speaks of another grant than the name does says nothing of this one. */
function hasEnded({ head }: PlacedRule, now: Date, installation: string): boolean {
  const said = readDescription(head.description);
  const owner = parseOwnedName(head.name, installation);
  return said === undefined || said.requestId !== owner?.requestId || said.end <= now;
}
