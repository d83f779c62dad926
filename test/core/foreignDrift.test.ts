import { describe, expect, it } from 'vitest';
import type { LiveRow } from '../../src/core/accessRequest.ts';
import { foreignDrift } from '../../src/core/foreignDrift.ts';
import type { JsonObject } from '../../src/core/network.ts';
import { planBody } from '../../src/core/nsgBody.ts';
import { plan } from '../../src/core/plan.ts';
import { foreignRule } from '../support/foreignRule.ts';
import { contoso, liveRow } from '../support/liveRow.ts';

const nsg = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/web';
const start = new Date('2026-03-04T12:00:00.000Z');
const [alice, bob] = [liveRow(nsg, start, 7), liveRow(nsg, start, 8)];

/** What is found when these rules of others stand beside those of Alice and Bob. */
function found(rules: JsonObject[], rows: LiveRow[] = [alice, bob]) {
  const empty: JsonObject = { properties: { provisioningState: 'Succeeded', securityRules: [] } };
  const { securityRules = [] } = plan({ body: empty, rows, now: start, installation: contoso });
  const body = planBody(empty, [...rules, ...securityRules]);
  const admitted = rows.map(({ requestId }) => requestId);
  return foreignDrift({ body, rows, admitted, now: start, installation: 'contoso' }).map(
    ({ event, rule, requestId, reasons }) => ({ event, rule, requestId, message: reasons[0]?.message }),
  );
}

function names(list: ReturnType<typeof found>): string[] {
  return list.map(({ event, rule, requestId }) => `${event} ${rule} ${requestId?.slice(-1) ?? ''}`);
}

describe('a rule of somebody else', () => {
  it('that comes first for a part of a grant blocks it, and is named with an example', () => {
    const deny = foreignRule('deny-alice', 99, {
      destinationPortRange: '20-30',
      sourceAddressPrefix: '203.0.113.7',
    });
    expect(found([deny])).toEqual([
      {
        ...{ event: 'blocked-by-foreign-rule', rule: 'deny-alice', requestId: alice.requestId },
        message: expect.stringContaining('such as 203.0.113.7 to 10.1.0.4 on Tcp 22.') as string,
      },
    ]);
  });

  it.each([
    ['comes later', foreignRule('deny-all', 1000)],
    ['is about other ports', foreignRule('deny-web', 99, { destinationPortRange: '443' })],
    ['is about the other direction', foreignRule('deny-out', 99, { direction: 'Outbound' })],
  ])('that %s is none that is told of', (_, rule) => {
    expect(found([rule])).toEqual([]);
  });

  it('that lets in whatever a grant does bypasses it', () => {
    const allow = foreignRule('allow-office', 300, {
      ...{ access: 'Allow', sourceAddressPrefix: '203.0.113.0/29', destinationPortRange: '20-30' },
    });
    expect(names(found([allow]))).toEqual(['bypassed-by-foreign-rule allow-office 7']);
  });

  it('that lets in the whole internet does so for public sources alone', () => {
    const allow = foreignRule('allow-internet', 300, { access: 'Allow', sourceAddressPrefix: 'Internet' });
    const [box] = bob.boxes;
    if (box === undefined) throw new Error('A row has a box.');
    const inside = { ...bob, boxes: [{ ...box, sourceAddressPrefixes: ['10.0.0.0/24'] }] };
    expect(names(found([allow], [alice, inside]))).toEqual(['bypassed-by-foreign-rule allow-internet 7']);
    const tagged = foreignRule('allow-network', 300, {
      access: 'Allow',
      sourceAddressPrefix: 'VirtualNetwork',
    });
    expect(found([tagged], [alice, inside])).toEqual([]);
  });

  it('bypasses nothing where it lets in a part only, or where a deny comes before it', () => {
    const part = foreignRule('allow-part', 300, { access: 'Allow', sourcePortRange: '1024-65535' });
    expect(found([part])).toEqual([]);
    const all = foreignRule('allow-all', 300, { access: 'Allow' });
    expect(names(found([all]))).toHaveLength(2);
    const deny = foreignRule('deny-ssh', 299, { destinationPortRange: '22' });
    expect(found([all, deny])).toEqual([]);
  });

  it('bypasses nothing of which every rule was accepted as deleted', () => {
    const all = foreignRule('allow-all', 300, { access: 'Allow' });
    expect(found([all], [{ ...alice, accepted: { 1: 'absent' } }])).toEqual([]);
  });
});
