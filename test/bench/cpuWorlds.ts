import type { LiveRow } from '../../src/core/accessRequest.ts';
import type { JsonObject } from '../../src/core/network.ts';
import { addressOf, foreignRulesOf, nsgId, sourceOf } from './azureState.ts';

export const noon = new Date('2026-11-23T12:00:00.000Z');

/** An NSG of so many foreign rules, as it is read. */
export function nsgBody(foreignRules: number): JsonObject {
  return {
    id: nsgId(0),
    location: 'westeurope',
    properties: { provisioningState: 'Succeeded', securityRules: foreignRulesOf(foreignRules) },
  };
}

/** Rows of grants that are due: each a person and a machine of its own, or many persons and one machine. */
export function liveRows(grants: number, machines: 'one' | 'each'): LiveRow[] {
  return Array.from({ length: grants }, (_, number) => ({
    nsgId: nsgId(0),
    requestId: number.toString(16).padStart(32, '0'),
    version: 1,
    state: 'opening',
    start: noon.toISOString(),
    end: new Date(noon.getTime() + 3_600_000).toISOString(),
    boxes: [
      {
        protocol: 'Tcp',
        sourceAddressPrefixes: [`${sourceOf(number)}/32`],
        destinationAddressPrefixes: [`${addressOf(machines === 'one' ? 0 : number)}/32`],
        destinationPorts: [22, 3389],
      },
    ],
  }));
}
