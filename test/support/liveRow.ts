import type { LiveRow } from '../../src/core/accessRequest.ts';
import type { Installation } from '../../src/core/installation.ts';

/** The installation of most tests, with the bands of the default settings. */
export const contoso: Installation = {
  id: 'contoso',
  allowBand: { first: 100, last: 249 },
  baselineBand: { first: 250, last: 299 },
};

/** The row of a grant of an hour: SSH to 10.1.0.4 from 203.0.113.`number`. */
export function liveRow(nsgId: string, start: Date, number: number, changes: Partial<LiveRow> = {}): LiveRow {
  return {
    nsgId,
    requestId: number.toString(16).padStart(32, '0'),
    version: 1,
    state: 'opening',
    start: start.toISOString(),
    end: new Date(start.getTime() + 3_600_000).toISOString(),
    boxes: [
      {
        protocol: 'Tcp',
        sourceAddressPrefixes: [`203.0.113.${number}/32`],
        destinationAddressPrefixes: ['10.1.0.4/32'],
        destinationPorts: [22],
      },
    ],
    ...changes,
  };
}
