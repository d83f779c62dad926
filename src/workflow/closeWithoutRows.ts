import type { Drift } from '../core/driftFinding.ts';
import { portionOf } from '../core/driftPortion.ts';
import { guardRemoval } from '../core/guard/guardRemoval.ts';
import { isInProgress } from '../core/network.ts';
import { planBody, readRules } from '../core/nsgBody.ts';
import { parseOwnedName } from '../core/ownedRule.ts';
import { planWithoutRows, type WithoutRows } from '../core/planWithoutRows.ts';
import type { Reason } from '../core/reason.ts';
import { closeByRule } from './closeByRule.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';
import { again, endedBy, type ReconcileResult } from './reconcileResult.ts';
import { completeDrift, inTime, journalDrift, untold } from './recordDrift.ts';

type ClosingDependencies = Pick<
  Dependencies,
  'network' | 'nsgs' | 'requests' | 'live' | 'audit' | 'clock' | 'log' | 'installation'
>;

export interface CloseWithoutRowsCall {
  correlationId: string;
  tables: WithoutRows;
  /** How long somebody else's running operation is waited for, in seconds. */
  waitForOthers: number;
}

/**
 * Closes on one NSG what can be told to be over without rows, and opens nothing: by whole-NSG writes of which it is proven
 * that they only remove, guarded by the ETag, and where those are refused for good, rule by rule. It asks the tables for
 * nothing, so it works without them; what is removed because they are lost is noted where they take it.
 */
export async function closeWithoutRows(
  dependencies: ClosingDependencies,
  nsgId: string,
  { correlationId, tables, waitForOthers }: CloseWithoutRowsCall,
): Promise<ReconcileResult> {
  const { network, clock, log, installation } = dependencies;
  const began = clock.now();
  const facts = { nsgId, correlationId, tables };
  const noted = new Set<string>();
  let last = unsettled;

  while (clock.now() < secondsAfter(began, limits.reconcile)) {
    const readAt = clock.now();
    const read = await network.readNsg(nsgId, { correlationId });
    if (read.kind === 'unknown') {
      await clock.sleep(1000);
      continue;
    }
    if (read.kind !== 'read') return endedBy(read);
    const { nsg } = read;
    if (isInProgress(nsg) && clock.now() < secondsAfter(began, waitForOthers)) {
      await clock.sleep(1000);
      continue;
    }
    const plan = planWithoutRows({ body: nsg.body, tables, now: clock.now(), installation });
    const isSettled = nsg.provisioningState === 'Succeeded';
    if (plan.securityRules === undefined && (isSettled || isInProgress(nsg))) {
      if (!isSettled) {
        await clock.sleep(1000);
        continue;
      }
      if (noted.size > 0) await completeNotes();
      return {
        kind: 'without-rows',
        tables,
        reason: reasons[tables],
        seen: { grants: new Map(), present: new Set(plan.present), readAt },
      };
    }

    const body = planBody(nsg.body, plan.securityRules ?? readRules(nsg.body, installation.id).rules);
    const proof = guardRemoval({ before: nsg.body, after: body, installation: installation.id, grants: [] });
    if (proof.verdict === 'refused') {
      const violations = proof.violations.map(({ kind, message }) => `${kind}: ${message}`);
      log.error('write-not-proven', { ...facts, violations, instead: 'nothing' });
      const reason: Reason = { code: 'write-not-proven', message: 'The write was not proven to close only.' };
      return {
        kind: 'refused',
        reason,
        seen: {
          grants: new Map(),
          present: new Set([...plan.present, ...requestsOf(plan.removed)]),
          readAt,
        },
      };
    }
    if (plan.removed.length > 0) {
      log.error('closed-without-rows', { ...facts, rules: plan.removed });
      if (tables === 'lost') await note(plan.removed);
    }
    const written = await network.writeNsg(nsg, body, {
      correlationId,
      notAfter: secondsAfter(readAt, limits.freshness),
    });
    log.info('nsg-write', { ...facts, result: written.kind, changes: proof.removed });
    switch (written.kind) {
      case 'settled':
      case 'changed-meanwhile':
      case 'too-late':
        // The same content that failed before may fail again at once.
        if (!isSettled) await clock.sleep(1000);
        break;
      case 'unknown':
      case 'locked':
        last = { code: 'not-settled', message: written.message };
        await clock.sleep(1000);
        break;
      case 'throttled':
      case 'not-found':
        return endedBy(written);
      case 'not-permitted':
      case 'refused': {
        const seen = await closeByRule(dependencies, nsgId, {
          correlationId,
          waitForOthers,
          withoutRows: tables,
        });
        if (noted.size > 0) await completeNotes();
        const code = written.kind === 'refused' ? 'refused-by-azure' : 'not-permitted';
        const reason: Reason = { code, message: `${written.code}: ${written.message}` };
        return { kind: 'refused', reason, ...(seen === undefined ? {} : { seen }) };
      }
    }
  }
  return again(5, last);

  function requestsOf(rules: readonly string[]): string[] {
    return rules.flatMap((name) => parseOwnedName(name, installation.id)?.requestId ?? []);
  }

  /** Once for each rule in this call; that it cannot be noted keeps no port open. */
  async function note(rules: readonly string[]): Promise<void> {
    const news = rules
      .filter((rule) => !noted.has(rule))
      .map((rule) => lostRule(rule, requestsOf([rule])[0]));
    if (news.length === 0) return;
    await inTime(dependencies, facts, async () => {
      for (let attempt = 0; attempt < 5; attempt += 1) {
        const stored = await dependencies.nsgs.get(nsgId);
        const rest = untold(news, stored?.row);
        const noticed = { at: clock.now(), correlationId };
        if (rest.length === 0) break;
        if ((await journalDrift(dependencies, nsgId, stored, portionOf(rest), noticed)) === 'journaled')
          break;
      }
      news.forEach(({ rule }) => noted.add(rule));
    });
  }

  async function completeNotes(): Promise<void> {
    await inTime(dependencies, facts, async () => {
      const told = (await dependencies.nsgs.get(nsgId))?.row.told ?? {};
      const over = Object.entries(told).filter(([key]) => key.startsWith(lostKey));
      await completeDrift(dependencies, nsgId, Object.fromEntries(over));
    });
  }
}

const lostKey = 'tables-lost ';

function lostRule(rule: string, requestId: string | undefined): Drift {
  return {
    event: 'leftover-closed',
    key: `${lostKey}${rule.toLowerCase()}`,
    rule,
    sure: true,
    ...(requestId === undefined ? {} : { requestId }),
    reasons: [reasons.lost],
  };
}

const reasons: Record<WithoutRows, Reason> = {
  unreadable: { code: 'not-settled', message: 'The rows of this network security group cannot be read.' },
  lost: {
    code: 'tables-lost',
    message: 'The tables of this installation are lost: every rule that it had opened is closed.',
  },
};
const unsettled: Reason = { code: 'not-settled', message: 'Azure has not settled yet.' };
