import type { AccessRequest, JournalEntry } from '../core/accessRequest.ts';
import type { Approval } from '../core/approval.ts';
import type { Change } from '../core/journal.ts';
import { isSame, judgeApproval, ownRequest, type Judgement } from '../core/judgeApproval.ts';
import type { Stored } from '../core/stores.ts';
import type { DecideResult, DecisionCall } from './contracts.ts';
import type { Dependencies } from './dependencies.ts';
import { findDecider } from './findDecider.ts';
import { idempotentCall } from './idempotentCall.ts';
import { recordRefusal } from './recordRefusal.ts';
import type { RefusalQuota } from './refusalQuota.ts';

/** One person's decision that counts, and the approval with it. */
export type Counted = Extract<Judgement, { kind: 'counts' }>;
/** What a decision makes of the row, or why it makes nothing of it. */
export type Outcome = { kind: 'row'; row: AccessRequest } | Exclude<DecideResult, { kind: 'decided' }>;

/** What of a row waits for people. */
export interface Waiting {
  approval: Approval;
  /** The row after somebody's yes. What is refused all the same has Sallyport's own no directly after it. */
  approve(counted: Counted, change: Change): Promise<Outcome>;
  /** The row after somebody's no. */
  deny(change: Change): AccessRequest;
}

/** What people decide on: a request, or more time for a grant. */
export interface Matter {
  /** Undefined where nothing of this kind waits. */
  waiting(row: AccessRequest): Waiting | undefined;
  /** Brings what follows from a row up to it. Never rejects: the sweep makes up for what fails. */
  carryOut(stored: Stored<AccessRequest>, seenAt: Date): Promise<AccessRequest>;
}

/**
 * Makes the function by which people decide. What somebody decided counts from the moment at which the row says so, under
 * its ETag: of two that decide at once the second is judged by what the first has left. What is decided on is what waited
 * when the call came in: what was asked for while it was under way has been seen by nobody.
 */
export function createDecide(
  dependencies: Pick<Dependencies, 'requests' | 'authorization' | 'audit' | 'clock' | 'log' | 'newId'>,
  quota: RefusalQuota,
  matters: { request: Matter; extension: Matter },
): (call: DecisionCall) => Promise<DecideResult> {
  const { requests, clock, log } = dependencies;

  return async (call) => {
    const { id, caller, correlationId, comment, idempotencyKey } = call;
    const { objectId, displayName } = caller.person;
    const sent = idempotencyKey && idempotentCall('decision', id, caller.person, idempotencyKey);
    const change: Change = {
      ...{ at: clock.now(), actor: objectId, actorName: displayName, reasons: [], comment, correlationId },
      ...(sent && { call: sent }),
    };
    let meant: string | undefined;
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const seenAt = clock.now();
      const stored = await requests.get(id);
      if (stored === undefined) return { kind: 'not-found' };
      const earlier = sent || attempt > 0 ? entryOf(stored.row, change) : undefined;
      if (earlier !== undefined) {
        if (sent && earlier.call?.bodyHash !== sent.bodyHash) return { kind: 'key-reused' };
        // Called again with the same key; or this very change was written although the answer to it was lost.
        return attempt === 0 ? answerOf(stored.row, earlier, stored.row) : finish(stored, seenAt, earlier);
      }
      meant ??= whatWaits(stored.row);
      const isMeant = whatWaits(stored.row) === meant && mayHaveSeen(stored.row, call, change.at);
      const outcome = isMeant ? await judge(stored.row, call, change) : overtaken;
      if (outcome.kind !== 'row') {
        log.info('decision-refused', { requestId: id, correlationId, kind: outcome.kind });
        if (outcome.kind === 'refused') {
          const { code, message } = outcome;
          const wanted = { row: stored.row, caller, wanted: call.decision, comment, correlationId };
          await recordRefusal(dependencies, quota, { ...wanted, code, message });
        }
        return outcome;
      }
      const replaced = await requests.replace(outcome.row, stored.etag);
      if (replaced === 'changed') continue;
      const entry = entryOf(replaced.row, change);
      if (entry === undefined) throw new Error(`The decision on request ${id} is not in its journal.`);
      return finish(replaced, seenAt, entry);
    }
    throw new Error(`Request ${id} was changed by others ten times in a row.`);
  };

  async function judge(row: AccessRequest, { caller, ...call }: DecisionCall, change: Change) {
    if (isSame(row.requester, caller.person)) return ownRequest;
    const waiting = matters[row.extension === undefined ? 'request' : 'extension'].waiting(row);
    if (waiting === undefined) {
      const message = `This request is ${row.state}: there is nothing to decide.`;
      return { kind: 'conflict', code: 'not-pending', message } as const;
    }
    const { approval } = waiting;
    const { correlationId, comment } = call;
    const decider = await findDecider(dependencies, caller, row, approval, { correlationId, isFresh: true });
    if ('kind' in decider) return decider;
    const { requester } = row;
    const judgement = judgeApproval({ approval, requester, decider, comment, now: clock.now() });
    if (judgement.kind !== 'counts') return judgement;
    if (call.decision === 'approve') return waiting.approve(judgement, change);
    const message = 'Somebody who may decide has denied it.';
    const reasons = [{ code: 'denied-by-approver' as const, message }];
    return { kind: 'row', row: waiting.deny({ ...change, reasons }) } as const;
  }

  async function finish(stored: Stored<AccessRequest>, seenAt: Date, entry: JournalEntry) {
    const matter = entry.event.startsWith('extension-') ? matters.extension : matters.request;
    return answerOf(stored.row, entry, await matter.carryOut(stored, seenAt));
  }
}

/** Tells one extension from the next, and from the request itself. */
function whatWaits({ extension }: AccessRequest): string {
  return extension === undefined ? 'the request' : `${extension.requestedAt} ${extension.end}`;
}

/**
 * Whether what waits can be what was decided on: the end that was named is its end, and it was asked for before the call
 * came in. A call may have been under way for long before it reads the row.
 */
function mayHaveSeen({ end, extension }: AccessRequest, call: DecisionCall, cameIn: Date): boolean {
  const isNamed = call.end === undefined || Date.parse(call.end) === Date.parse(extension?.end ?? end);
  return isNamed && (extension === undefined || new Date(extension.requestedAt) <= cameIn);
}

const overtaken = {
  kind: 'conflict',
  code: 'not-pending',
  message: 'What this was to decide on waits no longer: others were faster. Look at what waits now.',
} as const;

const decisions: readonly string[] = ['approved', 'denied', 'extension-approved', 'extension-denied'];

/** The entry that this call has made, by its key or, without one, by its instant. */
function entryOf({ journal }: AccessRequest, { at, actor, call }: Change): JournalEntry | undefined {
  return journal.find((entry) =>
    call === undefined
      ? decisions.includes(entry.event) && entry.actor === actor && entry.at === at.toISOString()
      : entry.call?.key === call.key,
  );
}

/** What whoever made this entry is told, also when they ask again. */
function answerOf(row: AccessRequest, entry: JournalEntry, request: AccessRequest): DecideResult {
  const next = row.journal[entry.number];
  const isRefused =
    next !== undefined &&
    next.actor === 'sallyport' &&
    ['approved denied', 'extension-approved extension-denied'].includes(`${entry.event} ${next.event}`);
  if (!isRefused) return { kind: 'decided', request };
  const { policies } = row.decision;
  return { kind: 'denied', decision: { outcome: 'denied', reasons: next.reasons, policies } };
}
