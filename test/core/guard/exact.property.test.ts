import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainGrants } from '../../../src/core/guard/explainGrants.ts';
import { guard } from '../../../src/core/guard/guard.ts';
import { admits, changeTest, isOfGrant, judgeWrite, probeOf } from './bruteForce.ts';
import type { Probe } from './bruteForce.ts';
import { probesFor, writes } from './smallWorlds.ts';

function show(probe: Probe): object {
  const { source: from, destination: to, members } = probe;
  return { ...probe, source: from.toString(16), destination: to.toString(16), members: [...members] };
}

describe('the guard, against every packet of a small world', () => {
  it('refuses exactly what breaks a promise for some packet and some membership, with a packet that does', () => {
    fc.assert(
      fc.property(writes, (input) => {
        const judge = judgeWrite(input);
        const expected = new Set(probesFor(input).flatMap((probe) => judge(probe).kinds));
        const result = guard(input);
        if (result.verdict === 'over-budget') expect.fail('The budget is ample.');
        const violations = result.verdict === 'refused' ? result.violations : [];
        if (violations.length < 20) {
          expect([...new Set(violations.map(({ kind }) => kind))].sort()).toEqual([...expected].sort());
        }
        for (const { kind, sample } of violations) {
          if (sample === undefined) expect.fail(`${kind} has no packet`);
          expect(judge(probeOf(sample)).kinds).toContain(kind);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('states exactly which packets a proven write newly admits and newly refuses', () => {
    fc.assert(
      fc.property(writes, (input) => {
        const result = guard(input);
        if (result.verdict !== 'proven') return;
        const judge = judgeWrite(input);
        const admitted = result.difference.admitted.map(changeTest);
        const refused = result.difference.refused.map(changeTest);
        for (const probe of probesFor(input)) {
          const expected = judge(probe);
          // Once, not only at least once: the regions have no packet in common.
          const right =
            admitted.filter((has) => has(probe)).length === Number(expected.admitted) &&
            refused.filter((has) => has(probe)).length === Number(expected.refused);
          if (!right) expect.fail(`${JSON.stringify(show(probe))} is not as stated`);
        }
      }),
      { numRuns: 600 },
    );
  });

  it('says of every grant whether all of its packets with ports get in, with one that does not', () => {
    fc.assert(
      fc.property(writes, (input) => {
        const { after, grants, installation, budget } = input;
        const probes = probesFor(input).filter(({ destinationPort }) => destinationPort !== undefined);
        const isAdmitted = admits(after);
        const states = explainGrants({ body: after, grants, installation, budget });
        grants.forEach((grant, index) => {
          const has = isOfGrant(grant);
          const all = probes.every((probe) => !has(probe) || isAdmitted(probe));
          const state = states[index];
          expect(state?.state).toBe(all ? 'admitted' : 'blocked');
          if (state?.state !== 'blocked') return;
          expect(has(probeOf(state.sample))).toBe(true);
          expect(isAdmitted(probeOf(state.sample))).toBe(false);
        });
      }),
      { numRuns: 300 },
    );
  });
});
