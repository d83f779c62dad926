import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { virtualMachines } from '../../dev/sample/policies.ts';
import { seedPolicies } from '../../dev/seed.ts';
import { openTables } from '../../src/adapters/tables/tables.ts';
import { startCloud, type Cloud, type Rule } from './cloud.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const by = '00000000-0000-4000-8000-00000000e114';
const baseline: Rule = {
  name: 'sallyport-contoso-baseline-ssh',
  properties: {
    protocol: 'Tcp',
    sourcePortRange: '*',
    destinationPortRange: '22',
    sourceAddressPrefix: 'Internet',
    destinationAddressPrefix: '*',
    access: 'Deny',
    priority: 250,
    direction: 'Inbound',
  },
};

/** Runs the command as an administrator does, with the app's settings. */
function adopt(cloud: Cloud, ...options: string[]): Promise<{ code: number; text: string }> {
  const script = ['--import', 'tsx', 'scripts/installationAdopt.ts', '--by', by, ...options];
  const env = { ...process.env, ...cloud.environment.settings };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, script, { cwd: root, env }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, text: stdout + stderr });
    });
  });
}

describe('an installation whose tables were deleted while a port is open', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud({
      hostOptions: { settings: { SALLYPORT_SWEEP_SCHEDULE: '*/2 * * * * *' } },
    });
  });
  afterAll(() => cloud.close());

  it('shuts the port, keeps the baseline, refuses requests, and is taken up again by a person', async () => {
    await cloud.edit('nsg-web', (rules) => [...rules, baseline]);
    const request = await cloud.grant({ vm: virtualMachines.web, duration: 'PT1H' });
    await cloud.until(request.id, 'active');

    await cloud.environment.killHost();
    const tables = openTables({ connectionString: cloud.environment.connectionString });
    await Promise.all(Object.values(tables).map((table: TableClient) => table.deleteTable()));
    await cloud.environment.restartHost();

    await expect
      .poll(async () => (await cloud.owned('nsg-web')).map(({ name }) => name), { timeout: 60_000 })
      .toEqual([baseline.name]);
    await seedPolicies(cloud.environment.connectionString);
    const body = {
      virtualMachines: [
        { id: virtualMachines.web, ports: [{ number: 22, allowedSourceAddressPrefix: '203.0.113.7' }] },
      ],
      ...{ duration: 'PT1H', justification: 'Is it there again?' },
    };
    const refused = await cloud.call('alice', 'POST', '/api/access-requests', body);
    expect(refused).toMatchObject({ status: 503, body: { code: 'tables-lost' } });

    const shown = await adopt(cloud);
    expect(shown, shown.text).toMatchObject({ code: 3 });
    expect(shown.text).toContain(baseline.name);
    expect((await adopt(cloud, '--confirm')).text).toContain(`by ${by}`);
    const again = await adopt(cloud, '--confirm');
    expect(again).toMatchObject({ code: 0 });
    expect(again.text).toContain('nothing to adopt');

    const next = await cloud.grant({ vm: virtualMachines.web, duration: 'PT1H' });
    await cloud.until(next.id, 'active');
    await cloud.revoke(next.id);
    await cloud.until(next.id, 'closed');
    expect((await cloud.owned('nsg-web')).map(({ name }) => name)).toEqual([baseline.name]);
    expect(await cloud.events(next.id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });
});
