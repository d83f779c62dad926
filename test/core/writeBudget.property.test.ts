import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  documented,
  laterOf,
  observe,
  pauseBetweenPolls,
  readsLeft,
  standingOf,
  type Bucket,
  type CallKind,
  type OpenStanding,
} from '../../src/core/writeBudget.ts';

const start = Date.parse('2026-11-23T12:00:00.000Z');

/** Azure's side: a bucket that is filled by the second and emptied by everybody. Counts in thousandths, exactly. */
function azure(kind: CallKind, capacity: number = documented[kind].capacity) {
  const perMillisecond = documented[kind].perSecond;
  let thousandths = capacity * 1000;
  return {
    pass(milliseconds: number) {
      thousandths = Math.min(capacity * 1000, thousandths + milliseconds * perMillisecond);
    },
    left: () => thousandths / 1000,
    /** What is left after the call; undefined for a 429. */
    call(): number | undefined {
      if (thousandths < 1000) return undefined;
      thousandths -= 1000;
      return Math.floor(thousandths / 1000);
    },
  };
}

const kinds = fc.constantFrom<CallKind>('read', 'write');
/** Pauses, each followed by so many calls of which we see the answers, in order. */
const histories = fc.array(
  fc.record({ pause: fc.nat({ max: 15_000 }), calls: fc.integer({ min: 1, max: 120 }) }),
  { minLength: 1, maxLength: 12 },
);

/** Plays a history on Azure's bucket and on ours; stops at nothing. */
function play(kind: CallKind, capacity: number, history: { pause: number; calls: number }[]) {
  const real = azure(kind, capacity);
  let now = start;
  let known: Bucket | undefined;
  for (const { pause, calls } of history) {
    real.pass(pause);
    now += pause;
    for (let call = 0; call < calls; call += 1) {
      const remaining = real.call();
      known = observe(known, {
        ...{ kind, at: new Date(now) },
        ...(remaining === undefined ? { exhaustedForSeconds: 1 } : { remaining }),
      });
    }
  }
  return { real, known, now };
}

describe('what is thought to be left of a bucket', () => {
  it('is never more than there is, and less by no more than one call, as long as every answer is seen', () => {
    fc.assert(
      fc.property(kinds, histories, fc.nat({ max: 30_000 }), (kind, history, later) => {
        const { real, known, now } = play(kind, documented[kind].capacity, history);
        if (known === undefined) throw new Error('Nothing was observed.');
        real.pass(later);
        const kept = documented[kind].capacity / 5;
        const standing = standingOf(known, new Date(now + later));
        if (standing.opens === 'now') expect(real.left()).toBeGreaterThanOrEqual(kept + 1 - 1e-6);
        else if (known.exhaustedUntil <= now + later) expect(real.left()).toBeLessThan(kept + 2);
      }),
      { numRuns: 500 },
    );
  });

  it('leaves closes a fifth of the bucket, however many opens ask', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const { real, known, now } = play('write', 200, history);
        let bucket = known;
        for (let opens = 0; opens < 400; opens += 1) {
          if (standingOf(bucket, new Date(now)).opens === 'later') break;
          const remaining = real.call();
          if (remaining === undefined) throw new Error('An open was let through to a 429.');
          bucket = observe(bucket, { kind: 'write', at: new Date(now), remaining });
        }
        expect(standingOf(bucket, new Date(now)).opens).toBe('later');
        if (real.left() < 40) {
          // Then closes had spent it, and no open came on top.
          expect(bucket).toEqual(known);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('lets opens go on once the Retry-After has passed that it named', () => {
    fc.assert(
      fc.property(kinds, histories, (kind, history) => {
        const { known, now } = play(kind, documented[kind].capacity, history);
        const standing = standingOf(known, new Date(now));
        if (standing.opens === 'now') return;
        const after = new Date(now + standing.retryAfterSeconds * 1000);
        expect(standingOf(known, after)).toEqual({ opens: 'now' });
        expect(standingOf(known, new Date(after.getTime() - 1001)).opens).toBe('later');
      }),
      { numRuns: 300 },
    );
  });

  it('keeps for closes a fifth of the largest bucket that was ever shown', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 20_000 }), (capacity) => {
        const full = observe(undefined, { kind: 'write', at: new Date(start), remaining: capacity });
        const low = observe(full, {
          kind: 'write',
          at: new Date(start),
          remaining: Math.floor(capacity / 5),
        });
        expect(standingOf(full, new Date(start))).toEqual({ opens: 'now' });
        expect(standingOf(low, new Date(start)).opens).toBe('later');
      }),
    );
  });

  it('never grows by an answer that overtook another', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 200 }), { minLength: 1, maxLength: 20 }), (remainders) => {
        const seen = remainders.reduce<Bucket | undefined>(
          (bucket, remaining) => observe(bucket, { kind: 'write', at: new Date(start), remaining }),
          undefined,
        );
        expect(seen?.tokens).toBe(Math.min(...remainders));
      }),
    );
  });
});

describe('a quota that is exhausted', () => {
  const exhausted = (seconds: number) =>
    observe(undefined, { kind: 'write', at: new Date(start), exhaustedForSeconds: seconds });

  it('holds opens back until its Retry-After has passed', () => {
    expect(standingOf(exhausted(39), new Date(start))).toEqual({ opens: 'later', retryAfterSeconds: 39 });
    expect(standingOf(exhausted(39), new Date(start + 39_000))).toEqual({ opens: 'now' });
  });

  it('holds them back longer where the bucket is not refilled by then', () => {
    expect(standingOf(exhausted(1), new Date(start + 1000))).toEqual({
      opens: 'later',
      retryAfterSeconds: 4,
    });
  });

  it('is not cut short by an answer of another region, whose bucket is full', () => {
    const after = observe(exhausted(39), { kind: 'write', at: new Date(start + 1000), remaining: 199 });
    expect(standingOf(after, new Date(start + 1000))).toEqual({ opens: 'later', retryAfterSeconds: 38 });
  });

  it('is not believed for longer than five minutes', () => {
    expect(standingOf(exhausted(999_999), new Date(start))).toEqual({
      opens: 'later',
      retryAfterSeconds: 300,
    });
  });
});

describe('the reads that lists may spend', () => {
  const reads = (remaining: number) => observe(undefined, { kind: 'read', at: new Date(start), remaining });

  it('are what is left above two fifths of the bucket', () => {
    expect(readsLeft(undefined, new Date(start))).toBe(150);
    expect(readsLeft(reads(180), new Date(start))).toBe(80);
    expect(readsLeft(reads(99), new Date(start))).toBe(0);
  });

  it('end before opens do', () => {
    fc.assert(
      fc.property(fc.nat({ max: 250 }), (remaining) => {
        if (readsLeft(reads(remaining), new Date(start)) > 0) {
          expect(standingOf(reads(remaining), new Date(start))).toEqual({ opens: 'now' });
        }
      }),
    );
  });

  it('are none while a quota is exhausted', () => {
    const bucket = observe(undefined, { kind: 'read', at: new Date(start), exhaustedForSeconds: 60 });
    expect(readsLeft(bucket, new Date(start + 59_000))).toBe(0);
    expect(readsLeft(bucket, new Date(start + 60_000))).toBe(150);
  });
});

describe('the later of two standings', () => {
  const now: OpenStanding = { opens: 'now' };
  const later = (retryAfterSeconds: number): OpenStanding => ({ opens: 'later', retryAfterSeconds });

  it.each([
    [now, now, now],
    [now, later(3), later(3)],
    [later(3), now, later(3)],
    [later(3), later(5), later(5)],
    [later(5), later(3), later(5)],
  ])('of %j and %j is %j', (one, other, expected) => {
    expect(laterOf(one, other)).toEqual(expected);
  });
});

describe('the pause between polls', () => {
  const bucket = (remaining: number) => observe(undefined, { kind: 'read', at: new Date(start), remaining });
  const pause = (remaining: number, seconds = 0) =>
    pauseBetweenPolls(bucket(remaining), new Date(start + 1000 * seconds));

  it('is none where nothing is known and where reads are plenty, and 3 s where only those for closes are left', () => {
    expect(pauseBetweenPolls(undefined, new Date(start))).toBe(0);
    expect([pause(249), pause(150), pause(50), pause(0)]).toEqual([0, 0, 3, 3]);
  });

  it('is the longer the fewer reads are left, and shorter when they have come back', () => {
    fc.assert(
      fc.property(fc.nat({ max: 250 }), fc.nat({ max: 250 }), fc.nat({ max: 20 }), (one, other, seconds) => {
        expect(pause(Math.min(one, other))).toBeGreaterThanOrEqual(pause(Math.max(one, other)));
        expect(pause(one, seconds)).toBeLessThanOrEqual(pause(one));
      }),
    );
  });
});
