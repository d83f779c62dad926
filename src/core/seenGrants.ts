import { isRunning, type LiveRow, type SeenGrant } from './accessRequest.ts';
import { contentHash } from './canonicalJson.ts';
import type { JsonObject } from './network.ts';
import { readRules } from './nsgBody.ts';
import { parseOwnedName } from './ownedRule.ts';
import type { Plan } from './plan.ts';
import { readMeaning } from './securityRule.ts';
import type { SeenMark, Stored } from './stores.ts';

export interface ReadBack {
  /** An NSG that was read as settled. */
  body: JsonObject;
  /** Its live rows, read after it. */
  rows: readonly Stored<LiveRow>[];
  now: Date;
  /** The plan over both, which found nothing to do. */
  plan: Pick<Plan, 'admitted' | 'present'>;
  installation: string;
  /** When the NSG was asked for. */
  readAt: Date;
}

/** What an NSG that needs no write shows of each of its grants: the open ones, and those that are over and shut. */
export function seenGrants(readBack: ReadBack): Map<string, SeenGrant> {
  const { body, rows, now, plan, installation } = readBack;
  const readAt = readBack.readAt.toISOString();
  const admitted = new Set(plan.admitted);
  const present = new Set(plan.present);
  const rulesOf = ruleHashes(body, installation);
  const seen = new Map<string, SeenGrant>();
  for (const { row } of rows) {
    const { requestId, version } = row;
    if (admitted.has(requestId)) {
      seen.set(requestId, { version, readAt, state: 'open', rules: rulesOf(requestId), changes: [] });
    } else if (!present.has(requestId) && isOver(row, now)) {
      seen.set(requestId, { version, readAt, state: 'shut', rules: {}, changes: [] });
    }
  }
  return seen;
}

/** Requests that are over by these rows: ended, or past their end. */
export function overIn(rows: readonly Stored<LiveRow>[], now: Date): Set<string> {
  return new Set(rows.filter(({ row }) => isOver(row, now)).map(({ row }) => row.requestId));
}

/**
 * Whether a grant that was open is missing in an NSG that was read before the grant was known to be over. That may be
 * from before it was opened, and says nothing of how it ended.
 */
export function isReadTooEarly(
  seen: ReadonlyMap<string, SeenGrant>,
  rows: readonly Stored<LiveRow>[],
  wasOver: ReadonlySet<string>,
): boolean {
  return rows.some(
    ({ row }) =>
      row.seen?.state === 'open' && seen.get(row.requestId)?.state === 'shut' && !wasOver.has(row.requestId),
  );
}

/**
 * Those of them that others wait for, or that tell drift from what was never written, and that their rows do not say
 * yet. A grant that is over and was never seen open has nobody who would believe it.
 */
export function marksToMake(
  seen: ReadonlyMap<string, SeenGrant>,
  rows: readonly Stored<LiveRow>[],
  except: string | undefined,
): SeenMark[] {
  return rows.flatMap(({ row, etag }) => {
    const { requestId } = row;
    const now = seen.get(requestId);
    if (now === undefined || requestId === except || isNoted(row, now)) return [];
    return [{ requestId, etag, seen: now }];
  });
}

function isNoted({ seen: before, state }: LiveRow, now: SeenGrant): boolean {
  if (now.state === 'shut') {
    return before === undefined || before.state === 'shut' || state === 'closed' || state === 'failed';
  }
  return (
    before?.state === 'open' &&
    // The step of a grant that is opening asks for its own version.
    (state === 'active' || before.version === now.version) &&
    contentHash(before.rules) === contentHash(now.rules)
  );
}

function isOver(row: LiveRow, now: Date): boolean {
  if (isRunning(row)) return now.getTime() >= Date.parse(row.end);
  return row.state !== 'pending' && row.state !== 'scheduled';
}

function ruleHashes(body: JsonObject, installation: string): (requestId: string) => Record<string, string> {
  const { byRequest } = readRules(body, installation);
  return (requestId) =>
    Object.fromEntries(
      (byRequest.get(requestId) ?? []).map(({ raw, head }) => [
        String(parseOwnedName(head.name, installation)?.number),
        contentHash(readMeaning(raw)),
      ]),
    );
}
