import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Box } from '../../src/core/accessRequest.ts';
import { foresee } from '../../src/core/foresee.ts';
import { describeGrant } from '../../src/core/ownedRule.ts';
import type { JsonObject } from '../../src/core/network.ts';
import { foreignRule } from '../support/foreignRule.ts';
import { contoso } from '../support/liveRow.ts';

const now = new Date('2026-11-23T12:00:00.000Z');
const requestId = 'a'.repeat(32);
const ssh: Box = {
  protocol: 'Tcp',
  sourceAddressPrefixes: ['203.0.113.7/32'],
  destinationAddressPrefixes: ['10.1.0.4/32'],
  destinationPorts: [22],
};

function obstacle(...securityRules: JsonObject[]) {
  const id =
    '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/contoso/providers/Microsoft.Network/networkSecurityGroups/web';
  const body = { id, etag: 'W/"1"', properties: { provisioningState: 'Succeeded', securityRules } };
  const nsg = { id, etag: 'W/"1"', provisioningState: 'Succeeded', body };
  return foresee({ nsg, boxes: [ssh], requestId, now, installation: contoso });
}

/** As the first match would have it for the one packet kind that is asked for; `*` matches everything. */
const foreign = fc.record({
  priority: fc.integer({ min: 100, max: 400 }),
  access: fc.constantFrom('Allow', 'Deny'),
  protocol: fc.constantFrom('*', 'Tcp', 'Udp'),
  destinationPortRange: fc.constantFrom('*', '22', '20-30', '443'),
  sourceAddressPrefix: fc.constantFrom('*', '203.0.113.0/24', '203.0.113.7/32', '198.51.100.0/24'),
  destinationAddressPrefix: fc.constantFrom('*', '10.1.0.0/16', '10.1.0.4', '10.2.0.0/16'),
  direction: fc.constantFrom('Inbound', 'Outbound'),
});
const meets = (rule: { [name: string]: unknown }) =>
  rule['direction'] === 'Inbound' &&
  rule['protocol'] !== 'Udp' &&
  rule['destinationPortRange'] !== '443' &&
  rule['sourceAddressPrefix'] !== '198.51.100.0/24' &&
  rule['destinationAddressPrefix'] !== '10.2.0.0/16';

describe('what stands in the way of a grant', () => {
  it('is nothing in an NSG without rules, although Azure’s own deny everything', () => {
    expect(obstacle()).toBeUndefined();
  });

  it('is the first foreign deny that meets it within the band or before, and no other rule', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(foreign, { maxLength: 8, selector: ({ priority }) => priority }),
        (properties) => {
          const rules = properties.map(({ priority, ...rest }) =>
            foreignRule(`r${priority}`, priority, rest),
          );
          const denies = properties
            .filter(
              (rule) => rule.access === 'Deny' && rule.priority <= contoso.allowBand.last && meets(rule),
            )
            .sort((a, b) => a.priority - b.priority);
          const reason = obstacle(...rules);
          const [first] = denies;
          if (first === undefined) expect(reason).toBeUndefined();
          else {
            expect(reason?.code).toBe('blocked-by-foreign-rule');
            expect(reason?.message).toContain(`"r${String(first.priority)}"`);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is not the place that another grant takes now: it may have ended by then', () => {
    const others = Array.from({ length: 150 }, (_, index) => {
      const other = index.toString(16).padStart(32, '0');
      return foreignRule(`sallyport-contoso-${other}-1`, 100 + index, {
        access: 'Allow',
        description: describeGrant(other, now.toISOString()),
      });
    });
    expect(obstacle(...others)).toBeUndefined();
  });
});
