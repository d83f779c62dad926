import { describe, expect, it } from 'vitest';
import { endBaseline } from '../../src/core/baseline.ts';
import type { BaselineRow } from '../../src/core/baseline.ts';
import { bypassedBaselines } from '../../src/core/bypassedBaselines.ts';
import type { Json, JsonObject } from '../../src/core/network.ts';
import { planBody } from '../../src/core/nsgBody.ts';
import { plan } from '../../src/core/plan.ts';
import { wantedBaseline } from '../support/baselineArbitraries.ts';
import { foreignRule } from '../support/foreignRule.ts';
import { contoso } from '../support/liveRow.ts';

const now = new Date('2026-11-23T12:00:00.000Z');
const fromInternet = wantedBaseline({ host: 4 }).row;
const fromAnywhere = wantedBaseline({ host: 4, from: { 4: ['*'], 6: ['*'] } }).row;

/** Names of the allows that are told of a baseline that stands among these rules. */
function told(row: BaselineRow, ...foreign: JsonObject[]): string[] {
  const body = nsg(foreign);
  const { securityRules } = plan({ body, rows: [], baselines: [row], now, installation: contoso });
  const shut = planBody(body, securityRules ?? []);
  return bypassedBaselines({ body: shut, baselines: [row], installation: 'contoso' }).map(({ by }) => by);
}

function nsg(securityRules: Json[]): JsonObject {
  return { properties: { provisioningState: 'Succeeded', securityRules } };
}

function allow(priority: number, properties: JsonObject = {}): JsonObject {
  return foreignRule('theirs', priority, { access: 'Allow', destinationPortRange: '22', ...properties });
}

describe('a rule of somebody else', () => {
  it.each<[string, JsonObject]>([
    ['from everybody', allow(200)],
    ['from a public network', allow(200, { sourceAddressPrefix: '203.0.113.0/24' })],
    ['from a tag of public addresses', allow(200, { sourceAddressPrefix: 'AzureCloud' })],
    ['among ports', allow(200, { destinationPortRange: '20-25' })],
    ['in the band, before it', allow(250)],
  ])('that allows %s before a baseline against the Internet is told', (_what, rule) => {
    expect(told(fromInternet, rule)).toEqual(['theirs']);
  });

  it.each<[string, JsonObject]>([
    ['comes behind it', allow(300)],
    ['is for another port', allow(200, { destinationPortRange: '443' })],
    ['is for another machine', allow(200, { destinationAddressPrefix: '10.0.0.5' })],
    ['is for what leaves', allow(200, { direction: 'Outbound' })],
    ['is for the virtual network', allow(200, { sourceAddressPrefix: 'VirtualNetwork' })],
    ['is for the probes of load balancers', allow(200, { sourceAddressPrefix: 'AzureLoadBalancer' })],
    [
      'is for private addresses',
      allow(200, { sourceAddressPrefixes: ['10.8.0.0/16', 'fd00::/8'], sourceAddressPrefix: '' }),
    ],
    ['denies', foreignRule('theirs', 200)],
  ])('that %s takes nothing from a baseline against the Internet', (_what, rule) => {
    expect(told(fromInternet, rule)).toEqual([]);
  });

  it('for the virtual network takes from a baseline against everybody', () => {
    expect(told(fromAnywhere, allow(200, { sourceAddressPrefix: 'VirtualNetwork' }))).toEqual(['theirs']);
  });

  it('that an earlier deny of theirs covers lets nobody in', () => {
    expect(
      told(fromInternet, allow(200), foreignRule('no-ssh', 150, { destinationPortRange: '22' })),
    ).toEqual([]);
    expect(
      told(fromInternet, allow(200), foreignRule('no-ssh', 201, { destinationPortRange: '22' })),
    ).toEqual(['theirs']);
  });

  it('is told once for both families, and not of a baseline that is ending', () => {
    expect(told(fromInternet, allow(200))).toHaveLength(1);
    expect(told(endBaseline(fromInternet, now), allow(200))).toEqual([]);
  });
});
