import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/network.ts';
import { plan } from '../../src/core/plan.ts';
import { prove } from '../../src/workflow/prove.ts';
import { foreignRule } from '../support/foreignRule.ts';
import { contoso, liveRow } from '../support/liveRow.ts';

const noon = new Date('2026-11-23T12:00:00.000Z');
const nsgId =
  '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/contoso/providers/Microsoft.Network/networkSecurityGroups/web';
const row = liveRow(nsgId, noon, 1);
const own = (number: number) => `sallyport-contoso-${row.requestId}-${number}`;

/** Rules of somebody else each of which doubles what a proof has to tell apart. */
const doubling = Array.from({ length: 40 }, (_, index) =>
  foreignRule(`maze-${index}`, 400 + index, {
    access: 'Allow',
    sourceAddressPrefix: `Tag${index}`,
    destinationAddressPrefix: `OtherTag${index}`,
  }),
);

function bodyOf(rules: JsonObject[]): JsonObject {
  return { id: nsgId, properties: { provisioningState: 'Succeeded', securityRules: rules } };
}

function proofOf(before: JsonObject) {
  const planned = plan({ body: before, rows: [row], now: noon, installation: contoso });
  return prove({
    ...{ before, rows: [row], now: noon, plan: planned, installation: contoso },
    securityRules: planned.securityRules ?? [],
  });
}

describe('what others made of the rules of a running grant, where a proof would take too long', () => {
  const open = plan({ body: bodyOf(doubling), rows: [row], now: noon, installation: contoso });
  const [granted] = (open.securityRules ?? []).slice(-1) as [JsonObject & { properties: JsonObject }];

  it('is taken away where it admits more than was granted', () => {
    const wide = { ...granted, properties: { ...granted.properties, sourceAddressPrefix: '*' } };
    expect(proofOf(bodyOf([...doubling, wide]))).toMatchObject({ kind: 'removal-only', changes: [own(1)] });
  });

  it('is taken away where it is a rule that the grant does not have, and the grant keeps its own', () => {
    const another = foreignRule(own(9), 150, { access: 'Allow' });
    expect(proofOf(bodyOf([...doubling, granted, another]))).toMatchObject({
      kind: 'removal-only',
      changes: [own(9)],
    });
  });

  it('stays where it admits less', () => {
    const narrow = {
      ...granted,
      properties: { ...granted.properties, sourcePortRange: '1024-65535', description: 'changed' },
    };
    expect(proofOf(bodyOf([...doubling, narrow])).kind).toBe('refused');
  });
});
