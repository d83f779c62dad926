import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Difference } from '../../../src/core/guard/difference.ts';
import { grantDifferences, type ReadTwice } from '../../../src/core/guard/grantDifferences.ts';
import type { JsonObject } from '../../../src/core/network.ts';
import { admits, changeTest, isOfGrant } from './bruteForce.ts';
import { probesFor, writes } from './smallWorlds.ts';

/** Two readings between which we wrote, and somebody else changed rules of theirs. */
const readings: fc.Arbitrary<ReadTwice> = fc
  .tuple(writes, fc.array(fc.nat(3), { maxLength: 2 }), fc.boolean())
  .map(([input, gone, noted]) => {
    const isKept = ({ name }: { name?: unknown }) => !gone.some((index) => name === `rule-${index}`);
    const after = withRules(input.after, (rules) => rules.filter(isKept));
    return { ...input, after: noted ? withRules(after, noteStates) : after };
  });

function withRules(body: JsonObject, change: (rules: JsonObject[]) => JsonObject[]): JsonObject {
  const properties = body['properties'] as JsonObject;
  return {
    ...body,
    properties: { ...properties, securityRules: change(properties['securityRules'] as JsonObject[]) },
  };
}

/** What Azure writes beside a rule that nobody has changed. */
function noteStates(rules: JsonObject[]): JsonObject[] {
  return rules.map((rule) => ({
    ...rule,
    etag: 'W/"2"',
    properties: { ...(rule['properties'] as JsonObject), provisioningState: 'Succeeded' },
  }));
}

function isTold(changes: Difference['admitted']) {
  const tests = changes.map(changeTest);
  // Once, not only at least once: what is told of one grant has no packet in common.
  return (probe: Parameters<(typeof tests)[number]>[0]) => tests.filter((has) => has(probe)).length;
}

describe('what a grant gains or loses, against every packet of a small world', () => {
  it('is exactly what of its packets is newly admitted or refused, whoever changed it', () => {
    fc.assert(
      fc.property(readings, (seen) => {
        const told = grantDifferences(seen);
        const [was, is] = [admits(seen.before), admits(seen.after)];
        for (const grant of seen.grants) {
          const difference = told?.get(grant.requestId);
          if (difference === undefined) expect.fail('The budget is ample.');
          const [admitted, refused] = [isTold(difference.admitted), isTold(difference.refused)];
          const isOf = isOfGrant(grant);
          for (const probe of probesFor(seen)) {
            const [before, after] = isOf(probe) ? [was(probe), is(probe)] : [false, false];
            const changed = before !== after;
            if (
              admitted(probe) !== Number(changed && after) ||
              refused(probe) !== Number(changed && before)
            ) {
              expect.fail(`${probe.source.toString(16)} to ${probe.destination.toString(16)} is not as told`);
            }
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
