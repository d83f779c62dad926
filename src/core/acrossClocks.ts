import type { LiveRow } from './accessRequest.ts';
import type { JsonObject } from './network.ts';
import { readRules } from './nsgBody.ts';
import type { Stored } from './stores.ts';

/** How far apart two of our clocks may be, each within half a minute of the true time, in milliseconds. */
export const clocksApart = 60_000;

/**
 * The rows of an NSG as a worker has to see them whose clock may be behind those of others. What is `opening` has begun, for
 * somebody's clock said so: else this worker would take away what another has just opened and is about to call active.
 * And an active grant in its last minute none of whose rules is there is over: somebody's clock said so, took them
 * away and is about to call it closed, and they are not put back. Throws if the body is no NSG's.
 */
export function acrossClocks(
  rows: readonly Stored<LiveRow>[],
  body: JsonObject,
  now: Date,
  installation: string,
): Stored<LiveRow>[] {
  let present: ReadonlyMap<string, unknown> | undefined;
  return rows.map((stored) => {
    const { row } = stored;
    const begins = Date.parse(row.start) - now.getTime();
    if (row.state === 'opening' && begins > 0 && begins <= clocksApart) {
      return { ...stored, row: { ...row, start: now.toISOString() } };
    }
    const ends = Date.parse(row.end) - now.getTime();
    if (row.state !== 'active' || ends <= 0 || ends > clocksApart) return stored;
    present ??= readRules(body, installation).byRequest;
    return present.has(row.requestId) ? stored : { ...stored, row: { ...row, end: now.toISOString() } };
  });
}
