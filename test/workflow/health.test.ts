import { describe, expect, it } from 'vitest';
import type { HealthCheck, Verdict } from '../../src/core/health.ts';
import { UnreadableRowError } from '../../src/core/stores.ts';
import type { HealthReport, Orchestrations } from '../../src/workflow/contracts.ts';
import { createHealth } from '../../src/workflow/health.ts';
import { createNoteSweep } from '../../src/workflow/noteSweep.ts';
import {
  grantWorld,
  idOf,
  minutes,
  nicNsg,
  noon,
  seconds,
  subnetNsg,
  type GrantWorld,
  type Hindrance,
} from '../support/grantWorld.ts';
import { createMemoryLastSweeps } from '../support/memoryLastSweeps.ts';

const correlationId = 'c0ffee00-0000-4000-8000-000000000001';
const wrong: Verdict = { status: 'failing', reason: 'It is off.', cause: 'a text of a library' };

/** A worker of this world that is asked for its health, beside the one that does the work. */
function healthOf(
  world: GrantWorld,
  {
    checks = {},
    hindrance = {},
    program = () => Promise.resolve({ node: 'v22.11.0' }),
  }: {
    checks?: Record<string, HealthCheck>;
    hindrance?: Hindrance;
    program?: () => Promise<HealthReport['program']>;
  } = {},
) {
  const { dependencies } = world.startProcess(undefined, hindrance);
  const warnings: { message: string; facts: Record<string, unknown> | undefined }[] = [];
  const log = {
    ...dependencies.log,
    warn: (message: string, facts?: Record<string, unknown>) => void warnings.push({ message, facts }),
  };
  const lastSweeps = createMemoryLastSweeps();
  const orchestrations: Pick<Orchestrations, 'status'> = { status: () => Promise.resolve('missing') };
  const health = createHealth({ ...dependencies, log, lastSweeps, checks, periodSeconds: 60, program });
  return {
    warnings,
    lastSweeps,
    orchestrations,
    ask: (): Promise<HealthReport> => world.clock.run(health({ correlationId, orchestrations })),
  };
}

const checkOf = ({ checks }: HealthReport, name: string) => checks.find((check) => check.name === name);

describe('the health of an app', () => {
  it('is well where everything that is looked at is', async () => {
    const world = await grantWorld();
    const { ask, warnings } = healthOf(world, {
      checks: { tables: () => Promise.resolve({ status: 'ok' }) },
    });

    const since = noon.toISOString();
    expect(await ask()).toEqual({
      status: 'ok',
      checkedAt: since,
      checks: ['tables', 'taskHub', 'sweep', 'closes'].map((name) => ({ name, status: 'ok', since })),
      sweep: { lastComplete: since },
      overdueCloses: { count: 0 },
      installation: 'contoso',
      program: { node: 'v22.11.0' },
    });
    expect(warnings).toEqual([]);
  });

  it('names what fails, since when and why, and says so in the log once, with the cause that it does not tell', async () => {
    const world = await grantWorld();
    let verdict: Verdict = { status: 'ok' };
    const { ask, warnings } = healthOf(world, { checks: { tables: () => Promise.resolve(verdict) } });
    await ask();
    verdict = wrong;

    await world.clock.advanceTo(seconds(20));
    const failing = {
      name: 'tables',
      status: 'failing',
      since: seconds(20).toISOString(),
      reason: 'It is off.',
    };
    const first = await ask();
    expect([first.status, checkOf(first, 'tables')]).toEqual(['failing', failing]);
    await world.clock.advanceTo(seconds(40));
    const second = await ask();
    expect(checkOf(second, 'tables')).toEqual(failing);
    expect(JSON.stringify(second)).not.toContain('a text of a library');
    expect(warnings).toEqual([{ message: 'health-failing', facts: { name: 'tables', ...wrong } }]);

    verdict = { status: 'ok' };
    await world.clock.advanceTo(seconds(60));
    const well = await ask();
    expect(well.status).toBe('ok');
    expect(checkOf(well, 'tables')?.since).toBe(seconds(60).toISOString());
  });

  it('waits five seconds for what does not answer, for all of it at once, and tells of the rest', async () => {
    const world = await grantWorld();
    const never = () => new Promise<Verdict>(() => undefined);
    const { ask } = healthOf(world, { checks: { tables: never, azureResourceManager: never } });

    const report = await ask();
    expect(world.clock.now()).toEqual(seconds(5));
    expect(report.checks.map(({ status }) => status)).toEqual(['failing', 'failing', 'ok', 'ok', 'ok']);
    expect(checkOf(report, 'tables')?.reason).toBe('There was no answer within 5 s.');
  });

  it('is unknown where a look throws', async () => {
    const world = await grantWorld();
    const thrown = () => Promise.reject(new Error('a text of a library'));
    const { ask, warnings } = healthOf(world, { checks: { tables: thrown } });

    const report = await ask();
    expect(report.status).toBe('unknown');
    expect(checkOf(report, 'tables')).toMatchObject({ status: 'unknown' });
    expect(JSON.stringify(report)).not.toContain('a text of a library');
    expect(warnings[0]?.facts).toMatchObject({ cause: 'a text of a library' });
  });

  it('tells that the task hub does not answer', async () => {
    const world = await grantWorld();
    const { ask, orchestrations } = healthOf(world);
    orchestrations.status = () => Promise.reject(new Error('connect ECONNREFUSED 127.0.0.1:17071'));

    expect(checkOf(await ask(), 'taskHub')).toMatchObject({
      status: 'failing',
      reason: 'The Durable extension does not answer, or cannot read its storage.',
    });
  });

  it('is looked at once for all who ask meanwhile and for ten seconds after', async () => {
    const world = await grantWorld();
    let looks = 0;
    const look = async (): Promise<Verdict> => {
      looks += 1;
      await world.clock.sleep(1000);
      return { status: 'ok' };
    };
    const { ask } = healthOf(world, { checks: { tables: look } });

    const [one, other] = await Promise.all([ask(), ask()]);
    expect(other).toBe(one);
    await world.clock.advanceTo(seconds(10));
    expect(await ask()).toBe(one);
    expect(looks).toBe(1);
    await world.clock.advanceTo(seconds(12));
    await ask();
    expect(looks).toBe(2);
  });

  it('is told again once what runs here can be read', async () => {
    const world = await grantWorld();
    const answers = [
      Promise.reject(new Error('Too many open files.')),
      Promise.resolve({ node: 'v22.11.0' }),
    ];
    const { ask } = healthOf(world, {
      program: () => answers.shift() ?? Promise.reject(new Error('Twice.')),
    });

    await expect(ask()).rejects.toThrow('Too many open files.');
    expect((await ask()).program).toEqual({ node: 'v22.11.0' });
    await world.clock.advanceTo(seconds(12));
    expect((await ask()).program).toEqual({ node: 'v22.11.0' });
  });
});

describe('the health of the sweep', () => {
  it('fails before the first is complete, and three periods after the last complete one began', async () => {
    const world = await grantWorld(undefined, 'task-failed', 'new');
    const { ask } = healthOf(world);
    expect(checkOf(await ask(), 'sweep')).toMatchObject({
      status: 'failing',
      reason: 'No sweep has been complete yet. Nothing is opened until one is; closing goes on.',
    });

    await world.clock.advanceTo(minutes(1));
    await world.clock.run(world.startProcess().sweep());
    const [began, listed] = [
      await world.stores.sweepState.heartbeat(),
      await world.stores.sweepState.listedAt(),
    ];
    const fresh = await ask();
    expect(checkOf(fresh, 'sweep')?.status).toBe('ok');
    expect(fresh.sweep).toEqual({ lastComplete: began, listedAt: listed });

    const staleAt = new Date(Date.parse(began ?? '') + 180_000);
    await world.clock.advanceTo(new Date(staleAt.getTime() + 42_000));
    const stale = await ask();
    expect(checkOf(stale, 'sweep')).toEqual({
      name: 'sweep',
      status: 'failing',
      since: staleAt.toISOString(),
      reason:
        'The last complete sweep began more than 180 s ago. Nothing is opened until one is; closing goes on.',
    });
  });

  it('fails while the tables are lost, since they are known to be', async () => {
    const world = await grantWorld(undefined, 'task-failed', 'new');
    await world.stores.sweepState.sayLost(noon.toISOString());
    await world.clock.advanceTo(minutes(5));

    const check = checkOf(await healthOf(world).ask(), 'sweep');
    expect(check).toMatchObject({ status: 'failing', since: noon.toISOString() });
    expect(check?.reason).toContain('run installation:adopt');
  });

  it('fails where the heartbeat is of the future', async () => {
    const world = await grantWorld(undefined, 'task-failed', 'new');
    await world.stores.sweepState.beat(minutes(2).toISOString());

    expect(checkOf(await healthOf(world).ask(), 'sweep')?.reason).toContain('a clock is wrong');
  });

  it('is unknown, like that of the closes, while the tables cannot be read', async () => {
    const world = await grantWorld();
    const before = (effect: string) => {
      if (/^(sweepState|live)\./.test(effect)) throw new Error('The table is down.');
    };
    const report = await healthOf(world, { hindrance: { before } }).ask();

    expect(checkOf(report, 'sweep')?.status).toBe('unknown');
    expect(checkOf(report, 'closes')?.status).toBe('unknown');
    expect([report.sweep, report.overdueCloses]).toEqual([{}, {}]);
  });

  it('has the newest report, complete or not', async () => {
    const world = await grantWorld(undefined, 'task-failed', 'new');
    const process = world.startProcess();
    const { ask, lastSweeps } = healthOf(world);
    world.inventory.fail('nsgs');
    const report = await world.clock.run(process.sweep());
    await world.clock.advanceTo(seconds(9));
    const unlisted = ['11111111-2222-4333-8444-555555555555'];
    const note = createNoteSweep({
      ...process.dependencies,
      lastSweeps,
      unlistedSubscriptions: () => unlisted,
    });
    await world.clock.run(note(noon, report));

    const { newest } = (await ask()).sweep;
    expect(newest).toMatchObject({
      began: noon.toISOString(),
      ended: seconds(9).toISOString(),
      complete: false,
      unlistedSubscriptions: unlisted,
    });
    const { complete, ...counts } = report;
    expect(complete).toBe(false);
    expect(newest?.counts).toEqual(counts);
  });

  it('delays no sweep where the tables do not answer', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const report = await world.clock.run(process.sweep());
    const began = world.clock.now();
    const lastSweeps = { note: () => new Promise<void>(() => undefined) };
    const note = createNoteSweep({
      ...process.dependencies,
      lastSweeps,
      unlistedSubscriptions: () => [],
    });
    await world.clock.run(note(began, report));

    expect(world.clock.now().getTime() - began.getTime()).toBe(2000);
    expect(world.logged).toEqual(['sweep-not-noted']);
  });
});

describe('the health of the closes', () => {
  /** A grant of an hour that is open, and the hand that has Azure take no write any more. */
  async function opened() {
    const world = await grantWorld();
    const lock = () => {
      for (const method of ['write', 'deleteRule', 'writeRule'] as const)
        world.network.fail(method, { kind: 'not-permitted', code: 'ScopeLocked' }, 1_000);
    };
    const process = world.startProcess();
    await world.clock.run(process.submit());
    await world.runUntil(minutes(1), process);
    expect((await world.request(idOf(1))).state).toBe('active');
    return { world, process, lock };
  }

  it('shows the oldest that is overdue, where it is not shut and for how long, and fails after two periods', async () => {
    const { world, process, lock } = await opened();
    const { ask } = healthOf(world);
    await world.clock.advanceTo(minutes(59));
    expect(await ask()).toMatchObject({ status: 'ok', overdueCloses: { count: 0 } });
    lock();

    const { end } = await world.request(idOf(1));
    const after = (count: number) => new Date(Date.parse(end) + count * 1000);
    await world.runUntil(after(30), process);
    const early = await ask();
    expect(checkOf(early, 'closes')?.status).toBe('ok');
    expect(early.overdueCloses).toEqual({
      count: 1,
      oldest: { requestId: idOf(1), since: end, seconds: 30, networkSecurityGroups: [subnetNsg, nicNsg] },
    });

    await world.runUntil(after(200), process);
    const late = await ask();
    expect(checkOf(late, 'closes')).toEqual({
      name: 'closes',
      status: 'failing',
      since: after(135).toISOString(),
      reason: 'Access that should have been shut for more than 135 s is not known to be shut.',
    });
    expect(late.overdueCloses.oldest?.seconds).toBe(200);
  });

  it('counts what was ended early from that moment', async () => {
    const { world, process, lock } = await opened();
    const { ask } = healthOf(world);
    lock();
    await world.clock.advanceTo(minutes(10));
    await world.clock.run(process.revoke(idOf(1)));
    await world.runUntil(minutes(11), process);

    expect((await ask()).overdueCloses.oldest).toMatchObject({
      since: minutes(10).toISOString(),
      seconds: 60,
    });
  });

  it('are unknown where a row cannot be read', async () => {
    const { world } = await opened();
    const before = (effect: string) => {
      if (effect === 'requests.get') throw new UnreadableRowError('The row is damaged.');
    };
    const report = await healthOf(world, { hindrance: { before } }).ask();

    expect(checkOf(report, 'closes')).toMatchObject({
      status: 'unknown',
      reason: 'Rows of requests that were not read in time, or are damaged: 1.',
    });
    expect(report.overdueCloses).toEqual({ count: 0, unread: 1 });
  });

  it('are unknown where there are more rows than can be read in time', async () => {
    const { world } = await opened();
    const before = async (effect: string) => {
      if (effect === 'live.unended') await world.clock.sleep(3000);
    };
    const report = await healthOf(world, { hindrance: { before } }).ask();

    expect(report.overdueCloses).toEqual({ count: 0, unread: 1 });
    expect(report.status).toBe('unknown');
  });
});
