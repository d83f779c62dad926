import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reach } from '../../../src/core/guard/reach.ts';
import { admits, changeTest, isOfGrant } from './bruteForce.ts';
import { probesFor, writes } from './smallWorlds.ts';

const asked = { protocol: '*' as const, sourceAddressPrefixes: ['*'], destinationPorts: [22, 23] };
const destinations = fc.constantFrom<string[]>(['10.0.0.4/32', '10.0.0.5/32'], ['2001:db8:1::4/128']);
const meant = fc.constantFrom<string[]>([], ['203.0.113.0/31'], ['203.0.113.0/31', '203.0.113.2/32']);

describe('what gets through two NSGs, against every packet of a small world', () => {
  it('is exactly what both admit of the box and nobody means to let in', () => {
    fc.assert(
      fc.property(writes, destinations, meant, (write, destinationAddressPrefixes, from) => {
        const box = { ...asked, destinationAddressPrefixes };
        const isFour = destinationAddressPrefixes[0]?.includes('.') === true;
        const except = isFour && from.length > 0 ? [{ ...box, sourceAddressPrefixes: from }] : [];
        const bodies = [write.before, write.after];
        const found = reach({ bodies, box, except, installation: 'contoso', budget: 10_000_000 });
        if (found === undefined) expect.fail('The budget is ample.');
        const told = found.map(changeTest);
        const [first, second] = [admits(write.before), admits(write.after)];
        const isMeant = isOfGrant({ requestId: '', boxes: except });
        const isAsked = isOfGrant({ requestId: '', boxes: [box] });
        for (const probe of probesFor(write)) {
          if (probe.destinationPort === undefined) continue;
          const isApart = ['source in virtualnetwork', 'source in internet'].every((name) =>
            probe.members.has(name),
          );
          if (isApart) continue;
          const expected = isAsked(probe) && !isMeant(probe) && first(probe) && second(probe);
          const times = told.filter((has) => has(probe)).length;
          if (times !== Number(expected)) {
            expect.fail(
              `${probe.source.toString(16)} to ${probe.destination.toString(16)} is told ${times} times`,
            );
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
