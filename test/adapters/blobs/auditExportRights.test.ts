import type { PipelineRequest } from '@azure/core-rest-pipeline';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createAuditExport } from '../../../src/adapters/blobs/auditExport.ts';
import { chainRecord } from '../../../src/core/auditRecord.ts';
import { sampleRecord } from '../../contracts/samples.ts';
import { read, tableBelow } from '../../docs/pages.ts';
import { ofType, snapshotOf } from '../../infra/snapshots.ts';
import { leapingClock } from '../arm/simulatedArm.ts';
import { faulty, useBlobService, type Fate } from './blobService.ts';

const service = useBlobService();
const blobs = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs';
const roleDefinition = z.object({
  roleName: z.string(),
  permissions: z.tuple([z.object({ dataActions: z.array(z.string()) })]),
});

/**
 * By "Permissions for Blob service operations" of Azure's documentation (rest/api/storageservices,
 * authorize-with-azure-active-directory). To create a new blob needs `add/action`, to replace one `write`.
 */
function operationOf({ method, url, headers }: PipelineRequest): { operation: string; action: string } {
  if (method === 'HEAD') return { operation: 'Get Blob Properties', action: `${blobs}/read` };
  if (method === 'GET') return { operation: 'Get Blob', action: `${blobs}/read` };
  if (new URL(url).search === '?comp=appendblock') {
    return { operation: 'Append Block', action: `${blobs}/add/action` };
  }
  const creates = headers.get('if-none-match') === '*';
  return { operation: 'Put Blob', action: creates ? `${blobs}/add/action` : `${blobs}/write` };
}

/** The calls of a day in which everything happens for which there is a call. */
async function callsOfTheExport(): Promise<Map<string, string>> {
  const container = await service.freshContainer();
  const operations = new Map<string, string>();
  const lost: Fate[] = ['pass', 'pass', 'lose-answer'];
  const httpClient = faulty(container.httpClient, (request) => {
    const { operation, action } = operationOf(request);
    operations.set(operation, action);
    return lost.shift() ?? 'pass';
  });
  const clock = leapingClock(Date.parse('2026-11-23T12:00:00Z'));
  const sink = createAuditExport({ ...container, clock, httpClient, retryDelayMilliseconds: 1 });
  const record = chainRecord(sampleRecord('a', '2026-11-23T08:00:00.000Z'), undefined);
  for (let day = 0; day < 3; day += 1) {
    await sink.send([record]);
    clock.leap(86_400_000);
  }
  return operations;
}

describe('the role on the container of the audit export', () => {
  const granted = ofType(snapshotOf('everything'), 'Microsoft.Authorization/roleDefinitions')
    .map(({ properties }) => roleDefinition.parse(properties))
    .find(({ roleName }) => roleName.endsWith('blobs, read and append'))?.permissions[0].dataActions;

  it('covers each call that the export makes, and has no right without a call', async () => {
    const needed = new Set((await callsOfTheExport()).values());

    expect([...(granted ?? [])].sort()).toEqual([...needed].sort());
  });

  it('is explained on the page by these calls', async () => {
    const documented = tableBelow(read('docs/permissions.md'), 'On the container of the audit export').map(
      ([call, action]) => [call, action],
    );

    expect(documented.sort()).toEqual(
      [...(await callsOfTheExport())]
        .map(([operation, action]) => [operation, action.replace(`${blobs}/`, '')])
        .sort(),
    );
  });
});
