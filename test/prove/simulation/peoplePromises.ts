import type { AccessRequest, Person } from '../../../src/core/accessRequest.ts';
import { alice, callerOf } from './people.ts';
import type { PolicyLog } from './policyLog.ts';
import type { Bounds, Known } from './promises.ts';
import type { Ask, More } from './world.ts';

/** What somebody decides, from the instant at which they say it. */
export interface Said {
  by: Person;
  decision: 'approve' | 'deny' | 'review';
  at: number;
  /** What they were told, once they were. */
  answer?: string;
}

/** More time, from the instant at which it is asked for. */
interface Wanted {
  more: More;
  at: number;
  /** It has moved the end, or was denied. */
  isOver: boolean;
}

export interface PeoplePromises {
  asks: (ask: Ask) => void;
  decides: (id: string, by: Person, decision: Said['decision']) => Said;
  extends: (more: More) => void;
  /** A row was stored, in this state and with these times; `before` is what was known of it. */
  noted: (request: Known, row: AccessRequest, before: Known | undefined) => void;
  /** A rule of it stands, and did not a moment ago. */
  opened: (request: Known, nsgId: string) => void;
  checkRecords: (request: Known, records: readonly { event: string; actor: string }[]) => void;
  counted: Record<string, number>;
}

/** How long what is judged may be under way before it is stored: some calls to Azure, each with its faults. */
const judging = 90_000;
const decisionEvents: ReadonlySet<string> = new Set([
  'approved',
  'denied',
  'extension-approved',
  'extension-denied',
  'break-glass-reviewed',
]);

/**
 * Watches what people decide: who has said what when, by the calls that they made, against what is opened, for how long,
 * and what is recorded of it. Of what is not certain from outside it takes what lets the product do most.
 */
export function createPeoplePromises(
  log: PolicyLog,
  bounds: Bounds,
  now: () => number,
  violate: (promise: string, what: string) => void,
): PeoplePromises {
  const askedAt = new Map<number, number>();
  const said = new Map<string, Said[]>();
  const wanted = new Map<string, Wanted[]>();
  /** Extensions that wait, by request. */
  const waiting = new Map<string, Wanted>();
  const moved = new Map<string, number>();
  const journals = new Map<string, number>();
  const counted: Record<string, number> = {};
  const skew = bounds.skew * 1000;
  const requesterOf = ({ ask }: Known) => ask.person ?? alice;

  /** Whoever has said yes by then, and is not the requester. */
  function approversOf(request: Known, from: number, to: number): Set<string> {
    const own = requesterOf(request).objectId;
    return new Set(
      (said.get(request.id) ?? [])
        .filter(
          ({ by, decision, at }) => decision === 'approve' && by.objectId !== own && from <= at && at <= to,
        )
        .map(({ by }) => by.objectId),
    );
  }

  /** The fewest people that a policy wanted at any time since then. */
  function neededSince(request: Known, from: number): number {
    const all = log.since(request.ask.machine, from - judging).map(({ approvers }) => approvers);
    return all.length === 0 ? 0 : Math.min(...all);
  }

  function checkApproved(request: Known, what: string): void {
    if (request.ask.breakGlass === true) return;
    const from = askedAt.get(request.ask.number) ?? request.askedAt;
    const until = request.askedAt + (bounds.approval ?? Infinity) * 1000 + 2 * skew;
    const needed = neededSince(request, from);
    const { size } = approversOf(request, from, until);
    if (size < needed)
      violate('I4', `${request.ask.number} ${what} with ${size} of ${needed} approvals in time`);
  }

  function checkAllowed({ ask }: Known): void {
    if (log.since(ask.machine, -Infinity).length === 0) return;
    const isAllowed = log.since(ask.machine, now() - judging).some(({ ports }) => ports.includes(ask.port));
    if (!isAllowed) violate('I2', `${ask.number} is let in to a port that no policy names`);
  }

  /** From what was asked for to what it has become: when, how long, and whether people have let it. */
  function checkBegun(request: Known, row: AccessRequest): void {
    const { ask } = request;
    const [start, end] = [Date.parse(row.start), Date.parse(row.end)];
    if (end - start !== ask.seconds * 1000) {
      violate('I2', `${ask.number} lasts ${(end - start) / 1000} s instead of ${ask.seconds}`);
    }
    const chosen = ask.start?.getTime() ?? 0;
    // Stored by a clock that is ahead it has no start any more, and is approved by one that is behind.
    if (start < chosen - 2 * skew) violate('I2', `${ask.number} starts before the start that was chosen`);
    if (Math.abs(start - Math.max(chosen, now())) > skew + 60_000) {
      violate('I2', `${ask.number} starts ${(start - now()) / 1000} s from now`);
    }
    checkApproved(request, `is ${row.state}`);
    checkAllowed(request);
  }

  function checkExtended(request: Known, end: number): void {
    const { ask, id } = request;
    const longer = end - request.end;
    const call = (wanted.get(id) ?? []).find(
      ({ more, isOver }) =>
        !isOver && more.seconds * 1000 === longer && more.person.objectId === requesterOf(request).objectId,
    );
    if (call === undefined) {
      violate(
        'I2',
        `${ask.number} has become ${longer / 1000} s longer, which its requester has not asked for`,
      );
      return;
    }
    call.isOver = true;
    moved.set(id, (moved.get(id) ?? 0) + 1);
    const needed = neededSince(request, call.at);
    const { size } = approversOf(request, call.at, now());
    if (size < needed) violate('I4', `${ask.number} is extended with ${size} of ${needed} approvals`);
    if (now() > request.end + skew + 5000) violate('I5', `${ask.number} is extended after its end`);
  }

  /** An extension that waits is over when it waits no more and the end is where it was. */
  function noteWaiting(request: Known, row: AccessRequest): void {
    const { id } = request;
    const before = waiting.get(id);
    if (row.extension === undefined) {
      if (before !== undefined) before.isOver = true;
      waiting.delete(id);
    } else if (before === undefined) {
      const longer = Date.parse(row.extension.end) - request.end;
      const call = (wanted.get(id) ?? []).find(
        ({ more, isOver }) => !isOver && more.seconds * 1000 === longer,
      );
      if (call === undefined) violate('I2', `an extension of ${request.ask.number} waits that nobody wants`);
      else waiting.set(id, call);
    }
  }

  return {
    counted,
    asks({ number }) {
      if (!askedAt.has(number)) askedAt.set(number, now());
    },
    decides(id, by, decision) {
      const one: Said = { by, decision, at: now() };
      said.set(id, [...(said.get(id) ?? []), one]);
      return one;
    },
    extends(more) {
      const all = wanted.get(more.id) ?? [];
      const isAgain =
        more.idempotencyKey !== undefined &&
        all.some(({ more: other }) => other.idempotencyKey === more.idempotencyKey);
      if (!isAgain) wanted.set(more.id, [...all, { more, at: now(), isOver: false }]);
    },
    noted(request, row, before) {
      for (const { event } of row.journal.slice(journals.get(row.id) ?? 0)) {
        counted[event] = (counted[event] ?? 0) + 1;
      }
      journals.set(row.id, row.journal.length);
      const isBegun = row.state === 'scheduled' || row.state === 'opening';
      if (isBegun && (before === undefined || before.state === 'pending')) checkBegun(request, row);
      else if (row.state === 'opening' && before?.state === 'scheduled') checkAllowed(request);
      else if (request.state !== 'pending' && Date.parse(row.end) > request.end) {
        checkExtended(request, Date.parse(row.end));
      }
      noteWaiting(request, row);
    },
    opened(request, nsgId) {
      const { ask, state, start } = request;
      const where = `in ${nsgId.slice(nsgId.lastIndexOf('/') + 1)}`;
      if (state === 'pending' || state === 'scheduled')
        violate('I4', `${ask.number} is open ${where} and still ${state}`);
      if (now() < Math.max(start, ask.start?.getTime() ?? 0) - skew) {
        violate('I2', `${ask.number} is open ${where} before its start`);
      }
      checkApproved(request, `is open ${where}`);
    },
    checkRecords(request, records) {
      const own = requesterOf(request);
      const calls = said.get(request.id) ?? [];
      const count = (event: string) => records.filter((record) => record.event === event).length;
      const tell = (what: string) => violate('I6', `${request.ask.number} ${what}`);
      for (const { event, actor } of records) {
        if (!decisionEvents.has(event) || actor === 'sallyport' || actor === 'sweep') continue;
        if (actor === own.objectId) tell(`has the record ${event} of its own requester`);
        const decision = event.endsWith('approved')
          ? 'approve'
          : event.endsWith('denied')
            ? 'deny'
            : 'review';
        const isTheirs = calls.some(({ by, decision: other }) => by.objectId === actor && other === decision);
        if (!isTheirs) tell(`has the record ${event} of somebody who has not said so`);
      }
      for (const { by, decision, answer } of calls) {
        if (answer !== 'decided' && answer !== 'reviewed') continue;
        const events = records.filter(
          ({ event, actor }) => decisionEvents.has(event) && actor === by.objectId,
        );
        if (events.length === 0) tell(`has no record of what ${by.displayName} has decided (${decision})`);
      }
      const twice = ['approved', 'break-glass-reviewed'].flatMap((event) => {
        const actors = records.filter((record) => record.event === event).map(({ actor }) => actor);
        return new Set(actors).size === actors.length ? [] : [event];
      });
      if (twice.length > 0) tell(`has two records of one person's decision: ${twice.join()}`);
      if (count('break-glass-reviewed') > 1) tell('was reviewed twice');
      for (const { actor } of records.filter(({ event }) => event === 'break-glass-reviewed')) {
        const reviewer = calls.find(({ by }) => by.objectId === actor)?.by;
        if (reviewer === undefined || callerOf(reviewer).roles.length === 0)
          tell('was reviewed without a role');
      }
      if (count('extended') !== (moved.get(request.id) ?? 0)) {
        tell(`has ${count('extended')} records of ${moved.get(request.id) ?? 0} extensions`);
      }
      const ends = count('extension-approved') + count('extension-denied') + count('extension-expired');
      if (count('extension-requested') > (wanted.get(request.id) ?? []).length) tell('was extended unasked');
      if (count('extension-requested') > 0 && ends + count('extended') < count('extension-requested')) {
        tell('has an extension that never ended');
      }
    },
  };
}
