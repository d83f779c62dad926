import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { virtualMachines } from '../../dev/sample/policies.ts';
import { expectSame, startCloud, type Cloud } from './cloud.ts';
import { slowWrite, whenWriting, writesOf } from './kill.ts';

const { web } = virtualMachines;

describe('a host that is killed', () => {
  let cloud: Cloud;
  let before: unknown;
  beforeAll(async () => {
    cloud = await startCloud({
      hostOptions: {
        arguments: ['--visibility-timeout', '3'],
        settings: { SALLYPORT_SWEEP_SCHEDULE: '*/2 * * * * *' },
      },
    });
  });
  afterAll(() => cloud.close());
  beforeEach(async () => {
    before = await cloud.nsg('nsg-web');
  });
  afterEach(async () => {
    expectSame(await cloud.nsg('nsg-web'), before);
  });

  async function killAndRestart(): Promise<void> {
    await cloud.environment.killHost();
    await cloud.environment.restartHost();
  }

  it('while it opens: the step is delivered again, the port opens and shuts', async () => {
    const sent = await writesOf(cloud, 'nsg-web');
    await cloud.fault({ method: 'PUT', path: 'nsg-web' }, slowWrite);
    const request = await cloud.grant({ vm: web, duration: 'PT1H' });
    await whenWriting(cloud, 'nsg-web', sent + 1);

    await killAndRestart();

    await cloud.until(request.id, 'active');
    await cloud.revoke(request.id);
    await cloud.until(request.id, 'closed');
    expect(await cloud.events(request.id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });

  it('while a grant waits: the timer fires after the restart', async () => {
    const request = await cloud.grant({ vm: web, duration: 'PT10S' });
    await cloud.until(request.id, 'active');

    await killAndRestart();

    await cloud.until(request.id, 'closed');
    expect(await cloud.events(request.id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });

  it('while a grant waits, and is back only after its end: it shuts at once', async () => {
    const request = await cloud.grant({ vm: web, duration: 'PT8S' });
    await cloud.until(request.id, 'active');
    await cloud.environment.killHost();
    const late = Date.parse(request.end) + 1000 - Date.now();
    // The clock has to pass the end while nothing runs: there is no event to wait for.
    await new Promise((passed) => setTimeout(passed, Math.max(0, late)));

    await cloud.environment.restartHost();

    await cloud.until(request.id, 'closed');
    expect(await cloud.events(request.id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });

  it('while it closes: the port shuts', async () => {
    const request = await cloud.grant({ vm: web, duration: 'PT8S' });
    await cloud.until(request.id, 'active');
    const sent = await writesOf(cloud, 'nsg-web');
    await cloud.fault({ method: 'PUT', path: 'nsg-web' }, slowWrite);
    await whenWriting(cloud, 'nsg-web', sent + 1);

    await killAndRestart();

    await cloud.until(request.id, 'closed');
    expect(await cloud.events(request.id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });
});
