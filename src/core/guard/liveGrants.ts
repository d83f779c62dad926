import type { GrantedBox, LiveGrant } from './grant.ts';

/** What the guard needs of a row of the NSG. */
export interface GrantRow {
  requestId: string;
  state: string;
  /** ISO 8601 instants. */
  start: string;
  end: string;
  boxes: GrantedBox[];
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
    .map(({ requestId, boxes }) => ({ requestId, boxes, declined: declined.has(requestId) }));
}
