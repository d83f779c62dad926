import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { virtualMachines } from '../../dev/sample/policies.ts';
import { expectSame, patience, startCloud, type Cloud, type Shown } from './cloud.ts';
import { mortalApp, slowWrite, whenWriting, writesOf, type MortalApp } from './kill.ts';

const { web } = virtualMachines;

describe('a worker that is killed', () => {
  let app: MortalApp;
  let cloud: Cloud;
  let before: unknown;
  beforeAll(async () => {
    app = await mortalApp();
    cloud = await startCloud({
      hostOptions: {
        arguments: ['--app', app.folder, '--worker-deaths', '100'],
        settings: { SALLYPORT_SWEEP_SCHEDULE: '*/2 * * * * *' },
      },
    });
  });
  afterAll(async () => {
    await cloud.close();
    await app.remove();
  });
  beforeEach(async () => {
    before = await cloud.nsg('nsg-web');
  });
  afterEach(async () => {
    expectSame(await cloud.nsg('nsg-web'), before);
  });

  it('while it opens: the port opens all the same, and shuts', async () => {
    const sent = await writesOf(cloud, 'nsg-web');
    await cloud.fault({ method: 'PUT', path: 'nsg-web' }, slowWrite);
    const request = await cloud.grant({ vm: web, duration: 'PT1H' });
    await whenWriting(cloud, 'nsg-web', sent + 1);

    await cloud.environment.killWorker();

    await cloud.until(request.id, 'active');
    await cloud.revoke(request.id);
    await cloud.until(request.id, 'closed');
    expect(await cloud.events(request.id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });

  it('while a grant waits: the timer fires in the next worker', async () => {
    const request = await cloud.grant({ vm: web, duration: 'PT8S' });
    await cloud.until(request.id, 'active');

    await cloud.environment.killWorker();

    await cloud.until(request.id, 'closed');
    expect(await cloud.events(request.id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });

  it('while it closes: the port shuts all the same', async () => {
    const request = await cloud.grant({ vm: web, duration: 'PT8S' });
    await cloud.until(request.id, 'active');
    const sent = await writesOf(cloud, 'nsg-web');
    await cloud.fault({ method: 'PUT', path: 'nsg-web' }, slowWrite);
    await whenWriting(cloud, 'nsg-web', sent + 1);

    await cloud.environment.killWorker();

    await cloud.until(request.id, 'closed');
    expect(await cloud.events(request.id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });

  it('inside the orchestrator before anything is open: a successor opens it', async () => {
    await app.dieInOrchestrator(1);
    const body = {
      virtualMachines: [{ id: web, ports: [{ number: 22, allowedSourceAddressPrefix: '203.0.113.7' }] }],
      duration: 'PT1H',
      justification: 'Ticket 4711',
    };
    // 500 or 202: the worker may die before the answer to this very call is out.
    await cloud.call('alice', 'POST', '/api/access-requests', body);
    const request = await vi.waitFor(async () => {
      const answer = await cloud.call('alice', 'GET', '/api/access-requests');
      const [found] = answer.body['value'] as Shown[];
      expect(found?.state).toBe('opening');
      return found as Shown;
    }, patience);

    await cloud.until(request.id, 'active');
    await cloud.revoke(request.id);
    await cloud.until(request.id, 'closed');

    expect(await cloud.events(request.id)).toEqual([
      'opening',
      'orchestration-restarted',
      'active',
      'closing',
      'closed',
    ]);
  });

  it('inside the orchestrator while a grant is open: the instance is lost, and the sweep shuts the port', async () => {
    await app.dieInOrchestrator(2);
    const request = await cloud.grant({ vm: web, duration: 'PT8S' });
    await cloud.until(request.id, 'active');

    await cloud.until(request.id, 'closed');

    expect(await cloud.events(request.id)).toEqual(['opening', 'active', 'closing', 'closed']);
    const records = await cloud.call('dave', 'GET', '/api/audit');
    const closing = (records.body['value'] as { partition: string; event: string; actor: string }[]).find(
      ({ partition, event }) => partition === request.id && event === 'request.closing',
    );
    expect(closing?.actor).toBe('sweep');
  });
});
