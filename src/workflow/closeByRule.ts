import type { LiveRow, SeenGrant } from '../core/accessRequest.ts';
import { acrossClocks } from '../core/acrossClocks.ts';
import type { GrantedBox } from '../core/guard/grant.ts';
import { liveGrants } from '../core/guard/liveGrants.ts';
import type { Installation } from '../core/installation.ts';
import { withFlows } from '../core/flushConnection.ts';
import { isInProgress, type JsonObject, type NsgDocument, type WriteNsgResult } from '../core/network.ts';
import { readRules, type PlacedRule } from '../core/nsgBody.ts';
import { parseOwnedName } from '../core/ownedRule.ts';
import { plan } from '../core/plan.ts';
import { planWithoutRows, type WithoutRows } from '../core/planWithoutRows.ts';
import { seenChanges } from '../core/seenChanges.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';
import { proveRuleDelete, proveRuleDeny } from './prove.ts';

export interface CloseByRuleCall {
  correlationId: string;
  /** How long somebody else's running operation is waited for, in seconds. */
  waitForOthers: number;
  /** Set while there are no rows to go by: they are not asked for. */
  withoutRows?: WithoutRows;
  /** The NSG before anything was written to it; without it, as it is read here first. */
  first?: JsonObject | undefined;
}

/** What was read after everything that was written. */
export interface Seen {
  /** Requests that have any rule there that may admit. */
  present: ReadonlySet<string>;
  /** What was read back of each grant that is open, or over and shut. */
  grants: ReadonlyMap<string, SeenGrant>;
  readAt: Date;
}

/** What is tried next for one rule; `nothing` when Azure has refused it all. */
type Way = 'delete' | 'deny' | 'nothing';

interface Attempt {
  way: 'delete' | 'deny';
  /** Whether it may have been done. */
  done: boolean;
  next: Way;
}

/** No rule is begun later than this, in seconds: a few for each call, so that the caller's patience is enough. */
const patience = 10;

/**
 * Packets that nobody sends: 192.0.2.0/24 is for documentation (RFC 5737), and what an address sends to itself does not
 * leave its machine. One protocol and port, so that the guard can be told exactly this and nothing more.
 */
const nobody: GrantedBox = {
  protocol: 'Tcp',
  sourceAddressPrefixes: ['192.0.2.0/32'],
  destinationAddressPrefixes: ['192.0.2.0/32'],
  destinationPorts: [9],
};

/**
 * Closes what has ended where the whole NSG cannot be written: deletes its rules one by one, and turns those that it may
 * not delete into rules that deny what nobody sends. Opens nothing, and touches no rule but owned allows of grants that
 * are not live. Returns undefined where it could not be read what is left, or where that is not settled.
 *
 * A write of one rule has no precondition, so each rests on an NSG and on rows that were read for it, the rows second.
 * What is written by others in between cannot make it wrong: a grant that has ended does not come back.
 */
export async function closeByRule(
  dependencies: Pick<Dependencies, 'network' | 'live' | 'clock' | 'log' | 'installation'>,
  nsgId: string,
  { correlationId, waitForOthers, withoutRows, first: before }: CloseByRuleCall,
): Promise<Seen | undefined> {
  const { network, live, clock, log, installation } = dependencies;
  const began = clock.now();
  const facts = { nsgId, correlationId };
  const attempts = new Map<string, Attempt>();
  let first = before;

  for (;;) {
    const readAt = clock.now();
    const read = await network.readNsg(nsgId, { correlationId });
    if (read.kind !== 'read') return undefined;
    const { nsg } = read;
    first ??= nsg.body;
    const rowsReadAt = clock.now();
    const asStored = withoutRows === undefined ? await live.ofNsg(nsgId) : [];
    const now = clock.now();
    const stored = acrossClocks(asStored, nsg.body, now, installation.id);
    const rows = stored.map(({ row }) => row);
    const ended =
      withoutRows === undefined
        ? endedAllows(nsg.body, rows, now, installation)
        : allowsToGo(nsg.body, withoutRows, now, installation);
    const isSettled = nsg.provisioningState === 'Succeeded';
    if (isSettled) tellOfClosed(ended);

    const rule = ended.find(({ head }) => wayOf(head.name) !== 'nothing');
    const isDue = rule !== undefined && now < secondsAfter(began, patience);
    if (isInProgress(nsg) && now < secondsAfter(began, isDue ? waitForOthers : patience)) {
      await clock.sleep(500);
      continue;
    }
    if (!isDue) {
      if (!isSettled) return undefined;
      const planned = plan({ body: nsg.body, rows, now, installation });
      const readBack = { first, body: nsg.body, rows: stored, now, readAt, plan: planned, installation };
      // A write of one rule says nothing of `flushConnection`.
      const grants = withFlows(seenChanges(readBack), stored, () => 'not-cut');
      return { present: new Set(planned.present), grants, readAt };
    }
    const written = await write(nsg, rule, { rows, now, rowsReadAt });
    if (written?.kind === 'throttled') return undefined;
    if (written !== undefined && isOpenEnded(written)) await clock.sleep(1000);
  }

  function wayOf(name: string): Way {
    return attempts.get(name)?.next ?? 'delete';
  }

  /** Undefined when it was not sent, for it could not be proven. */
  async function write(
    nsg: NsgDocument,
    rule: PlacedRule,
    { rows, now, rowsReadAt }: { rows: LiveRow[]; now: Date; rowsReadAt: Date },
  ): Promise<WriteNsgResult | undefined> {
    const { name } = rule.head;
    const way = wayOf(name) === 'deny' ? 'deny' : 'delete';
    const deny = denyOfNobody(rule);
    const close = { before: nsg.body, rows, now, installation, rule };
    const violations = way === 'deny' ? proveRuleDeny(close, deny, nobody) : proveRuleDelete(close);
    if (violations.length > 0) {
      log.error('write-not-proven', { ...facts, rule: name, violations, instead: 'nothing' });
      attempts.set(name, { way, done: false, next: 'nothing' });
      return undefined;
    }
    const options = { correlationId, notAfter: secondsAfter(rowsReadAt, limits.freshness) };
    const written =
      way === 'deny'
        ? await network.writeRule(nsg, deny, options)
        : await network.deleteRule(nsg, name, options);
    log.info('rule-write', { ...facts, rule: name, way, result: written.kind });
    const done = written.kind === 'settled' || written.kind === 'unknown';
    const after = way === 'delete' ? 'deny' : 'nothing';
    attempts.set(name, { way, done, next: isOpenEnded(written) ? way : after });
    return written;
  }

  /** Only what was read back is called closed. */
  function tellOfClosed(ended: PlacedRule[]): void {
    const open = new Set(ended.map(({ head }) => head.name));
    for (const [rule, { way, done }] of attempts) {
      if (open.has(rule)) continue;
      attempts.delete(rule);
      if (done && way === 'delete') log.warn('closed-by-rule-delete', { ...facts, rule });
      if (done && way === 'deny') log.warn('closed-by-rule-deny', { ...facts, rule });
    }
  }
}

function endedAllows(body: JsonObject, rows: LiveRow[], now: Date, installation: Installation): PlacedRule[] {
  const live = new Set(liveGrants(rows, now).map(({ requestId }) => requestId));
  return readRules(body, installation.id).owned.filter(({ head }) => {
    const owner = parseOwnedName(head.name, installation.id);
    return head.access === 'allow' && owner !== undefined && !live.has(owner.requestId);
  });
}

function allowsToGo(
  body: JsonObject,
  tables: WithoutRows,
  now: Date,
  installation: Installation,
): PlacedRule[] {
  const removed = new Set(planWithoutRows({ body, tables, now, installation }).removed);
  return readRules(body, installation.id).owned.filter(({ head }) => removed.has(head.name));
}

/** The rule that shuts: it keeps name, priority and description, and goes with the next write of the whole NSG. */
function denyOfNobody({ head }: PlacedRule): JsonObject {
  const [address = ''] = nobody.sourceAddressPrefixes;
  return {
    name: head.name,
    properties: {
      description: head.description,
      protocol: nobody.protocol,
      sourcePortRange: '*',
      destinationPortRange: nobody.destinationPorts.join(),
      sourceAddressPrefix: address,
      destinationAddressPrefix: address,
      access: 'Deny',
      priority: head.priority,
      direction: 'Inbound',
    },
  };
}

/** Neither done nor refused for good: the same may be tried again. */
function isOpenEnded({ kind }: WriteNsgResult): boolean {
  return kind !== 'settled' && kind !== 'not-permitted' && kind !== 'refused';
}
