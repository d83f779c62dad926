import type { GrantedBox, LiveGrant } from './grant.ts';
import type { JsonObject } from './json.ts';

/** What the guard needs of a row of the NSG. */
export interface GrantRow {
  requestId: string;
  state: string;
  /** ISO 8601 instants. */
  start: string;
  end: string;
  boxes: GrantedBox[];
  /** Number of a box, from 1 → the properties of the only rule that it may still have, or that it may have none. */
  accepted?: Record<string, 'absent' | JsonObject>;
}

/**
 * The grants that are live at an instant, by the guard's own reading of the rows: approved, begun, not at its end. What
 * was seen active has begun, whatever a clock that lags says. An instant that cannot be read makes a row not live. `declined` are the requests that the planner gives no rule.
 */
export function liveGrants(
  rows: readonly GrantRow[],
  now: Date,
  declined: ReadonlySet<string> = new Set(),
): LiveGrant[] {
  const time = now.getTime();
  return rows
    .filter(({ state, start }) => state === 'active' || (state === 'opening' && Date.parse(start) <= time))
    .filter(({ end }) => time < Date.parse(end))
    .map(({ requestId, boxes, accepted = {} }) => ({
      requestId,
      boxes: boxes.flatMap((box, index) => {
        const form = accepted[index + 1];
        return form === 'absent' ? [] : [form === undefined ? box : { ...box, narrowedTo: form }];
      }),
      declined: declined.has(requestId),
    }));
}
