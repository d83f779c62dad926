import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { virtualMachines } from '../../dev/sample/policies.ts';
import { openTables } from '../../src/adapters/tables/tables.ts';
import type { HealthReport } from '../../src/workflow/contracts.ts';
import { commandLine } from './callers.ts';
import { patience, startCloud, type Cloud } from './cloud.ts';

describe('the health of an app on this machine', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud({
      hostOptions: { settings: { SALLYPORT_SWEEP_SCHEDULE: '*/10 * * * * *' } },
    });
  });
  afterAll(() => cloud.close());

  async function details(): Promise<HealthReport> {
    const answer = await cloud.call('dave', 'GET', '/api/health/details');
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return answer.body as unknown as HealthReport;
  }
  const isLive = async () => {
    const { status, body } = await cloud.call(undefined, 'GET', '/api/health');
    expect([status, body]).toEqual([200, { status: 'ok' }]);
  };

  it('is told to auditors and administrators alone: all is well, by which sweep, and what runs', async () => {
    await isLive();
    expect((await cloud.call(undefined, 'GET', '/api/health/details')).status).toBe(401);
    const refused = await cloud.call('alice', 'GET', '/api/health/details');
    expect([refused.status, refused.body['code']]).toEqual([403, 'role-missing']);

    const report = await vi.waitFor(async () => {
      const found = await details();
      expect(found.sweep.newest?.complete).toBe(true);
      return found;
    }, patience);
    expect(report.checks.map(({ name, status }) => `${name} ${status}`)).toEqual(
      ['tables', 'azureResourceManager', 'signingKeys', 'taskHub', 'sweep', 'closes'].map(
        (name) => `${name} ok`,
      ),
    );
    expect(report.status).toBe('ok');
    expect(Date.parse(report.sweep.lastComplete ?? '')).toBeGreaterThan(Date.now() - 60_000);
    expect(report.sweep.newest?.counts).toMatchObject({ failed: 0, left: 0 });
    expect(report.overdueCloses).toEqual({ count: 0 });
    const main = await readFile(fileURLToPath(new URL('../../dist/main.cjs', import.meta.url)));
    expect(report.program).toEqual({
      node: process.version,
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
      bundle: createHash('sha256').update(main).digest('hex'),
    });
    expect(await commandLine(cloud, 'erin').jit('health')).toBe(0);
  });

  it('names Azure that does not answer, a table that is gone, and a close that is overdue; the app stays alive', async () => {
    const request = await cloud.grant({ vm: virtualMachines.web, duration: 'PT1H' });
    await cloud.until(request.id, 'active');
    const { arm, connectionString } = cloud.environment;
    const fault = { match: {}, fault: { kind: 'status', status: 503 } };
    expect((await arm.ask('POST', '/_sim/faults', fault)).status).toBe(201);
    await openTables({ connectionString }).seals.deleteTable();
    await cloud.revoke(request.id);

    const report = await vi.waitFor(async () => {
      const found = await details();
      expect(found.overdueCloses.count).toBe(1);
      return found;
    }, patience);
    const { oldest } = report.overdueCloses;
    expect(oldest?.requestId).toBe(request.id);
    expect(oldest?.networkSecurityGroups.some((id) => id.endsWith('/nsg-web'))).toBe(true);
    const dependencies = report.checks.slice(0, 4);
    expect(dependencies.map(({ name, status, reason = '' }) => `${name} ${status}: ${reason}`)).toEqual([
      'tables failing: There is no table sallyportSeals.',
      'azureResourceManager failing: Azure Resource Manager answered 503 InternalServerError.',
      'signingKeys ok: ',
      'taskHub ok: ',
    ]);
    await isLive();
    expect(await commandLine(cloud, 'dave').jit('health')).toBe(5);

    await arm.ask('DELETE', '/_sim/faults');
    await cloud.until(request.id, 'closed');
  });
});
