import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guard } from '../../../src/core/guard/guard.ts';
import { guardRemoval } from '../../../src/core/guard/guardRemoval.ts';
import type { RecordedFlush } from '../../../src/core/guard/recordedFlush.ts';
import type { Json, JsonObject } from '../../../src/core/network.ts';
import { alice, aliceRule, bob, bobRule, body, grant, input, rule } from './samples.ts';

/** A value of the member in a list of one; an empty list where it is absent. */
type Member = Json[];

const on: Member = [true];
const members: Member[] = [[], on, [false], [null], ['true'], [1], [{ on: true }]];
const theirs = rule('theirs', 300);

function nsg(member: Member, ...rules: JsonObject[]): JsonObject {
  const { properties, ...others } = body(...rules, theirs);
  const [value] = member;
  return {
    ...others,
    properties: { ...(properties as JsonObject), ...(value === undefined ? {} : { flushConnection: value }) },
  };
}

const recorded = (former: Member, ...ended: string[]): RecordedFlush => {
  const [value] = former;
  return { former: value === undefined ? {} : { value }, endedWithFlush: new Set(ended) };
};

interface Case {
  from: Member;
  to: Member;
  former: Member;
  /** Whether Alice's row says that she wants flows cut, and whether her rule and Bob's go. */
  wants: boolean;
  aliceEnds: boolean;
  bobEnds: boolean;
}

const same = (a: Member, b: Member) => JSON.stringify(a) === JSON.stringify(b);

/** What is right, said anew: nothing changes, or it is switched on for Alice's end, or it is put back. */
function isRight({ from, to, former, wants, aliceEnds }: Case): boolean {
  if (same(from, to)) return true;
  if (same(to, on)) return same(from, former) && !same(former, on) && wants && aliceEnds;
  return same(from, on) && same(to, former);
}

const cases = fc.record({
  from: fc.constantFrom(...members),
  to: fc.constantFrom(...members),
  former: fc.constantFrom(...members),
  wants: fc.boolean(),
  aliceEnds: fc.boolean(),
  bobEnds: fc.boolean(),
});

describe('flushConnection', () => {
  it('is changed exactly as recorded, by either check of a write, or not at all', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const [a, b] = [rule(aliceRule, 100), rule(bobRule, 101, { destinationPortRange: '23' })];
        const before = nsg(one.from, a, b);
        const after = nsg(one.to, ...(one.aliceEnds ? [] : [a]), ...(one.bobEnds ? [] : [b]));
        const grants = [
          ...(one.aliceEnds ? [] : [grant(alice)]),
          ...(one.bobEnds ? [] : [grant(bob, { destinationPorts: [23] })]),
        ];
        const flush = recorded(one.former, ...(one.wants ? [alice] : []));
        const right = isRight(one) ? 'proven' : 'refused';

        expect(guard(input({ before, after, grants, flush })).verdict).toBe(right);
        expect(guardRemoval({ before, after, installation: 'contoso', grants, flush }).verdict).toBe(right);
        const bare = same(one.from, one.to) ? 'proven' : 'refused';
        expect(guard(input({ before, after, grants })).verdict).toBe(bare);
      }),
      { numRuns: 1000 },
    );
  });

  it('is the only thing beside rules that a record lets a write change', () => {
    const before = nsg([false], rule(aliceRule, 100));
    const flush = recorded([false], alice);
    const elsewhere = { ...nsg(on), tags: { owner: 'contoso' } };
    const besides = nsg(on);
    (besides['properties'] as JsonObject)['resourceGuid'] = 'other';
    const wrong = [elsewhere, besides, nsg(on, rule('new', 310))];

    expect(guard(input({ before, after: nsg(on), flush })).verdict).toBe('proven');
    for (const after of wrong) expect(guard(input({ before, after, flush })).verdict).toBe('refused');
  });

  it('is not switched on by the end of a grant that is no more than named like one that wants it', () => {
    const before = nsg([false], rule(aliceRule, 100), rule(bobRule, 101));
    const after = nsg(on, rule(aliceRule, 100));
    const result = guard(input({ before, after, grants: [grant(alice)], flush: recorded([false], alice) }));

    expect(result).toMatchObject({ verdict: 'refused', violations: [{ kind: 'body-changed' }] });
  });
});
