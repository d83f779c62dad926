import { gzipSync } from 'node:zlib';
import { createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline';
import { beforeEach, describe, expect, it } from 'vitest';
import { trusting } from '../../adapters/arm/simulatedArm.ts';
import { ruleId, useIngestion } from '../../adapters/logs/ingestionWorld.ts';

const world = useIngestion();

/** Status and code of what is answered to a body. */
async function post(
  body: string | Buffer,
  headers: Record<string, string> = {},
  stream = 'Custom-SallyportAudit',
) {
  const { ingestion, credential } = world();
  const token = await credential.getToken('https://monitor.azure.com/.default');
  const request = createPipelineRequest({
    url: `${ingestion.url}/dataCollectionRules/${ruleId}/streams/${stream}?api-version=2023-01-01`,
    method: 'POST',
    headers: createHttpHeaders({ authorization: `Bearer ${token?.token ?? ''}`, ...headers }),
    body,
  });
  const answer = await trusting(ingestion.certificate).sendRequest(request);
  return `${answer.status} ${answer.headers.get('x-ms-error-code') ?? ''}`.trim();
}

beforeEach(() => {
  world().ingestion.rows.length = 0;
});

describe('the stand-in of the Logs Ingestion API', () => {
  it('takes no call above 1 MB, whichever way it is packed', async () => {
    const large = JSON.stringify([{ Event: 'x'.repeat(1_100_000) }]);

    expect(await post(large)).toBe('413 ContentLengthLimitExceeded');
    expect(await post(gzipSync(large), { 'content-encoding': 'gzip' })).toBe(
      '413 ContentLengthLimitExceeded',
    );
    expect(await post(gzipSync('[{"Event":"x"}]'), { 'content-encoding': 'gzip' })).toBe('204');
    expect(world().ingestion.rows).toHaveLength(1);
  });

  it('takes arrays of objects for a stream of the rule, and nothing else', async () => {
    expect(await post('{}')).toBe('400 InvalidRequest');
    expect(await post('[{"Event":')).toBe('400 InvalidRequest');
    expect(await post('[]', {}, 'Custom-Other')).toBe('400 InvalidStream');
    expect(world().ingestion.rows).toEqual([]);
  });

  it('cuts long fields, drops what is not declared, and moves what is old to now', async () => {
    const row = { TimeGenerated: '2020-01-01T00:00:00Z', Record: { text: 'x'.repeat(70_000) }, Secret: 'y' };
    expect(await post(JSON.stringify([row]))).toBe('204');

    const [stored] = world().ingestion.rows;
    expect(Object.keys(stored ?? {}).sort()).toEqual(['Record', 'TimeGenerated']);
    expect(stored?.['Record']).toHaveLength(64 * 1024);
    expect(Date.parse(String(stored?.['TimeGenerated']))).toBeGreaterThan(Date.now() - 60_000);
  });
});
