import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startAzurite } from '../../../../dev/azurite.ts';
import type { Azurite } from '../../../../dev/azurite.ts';
import type { HistoryEvent } from '../../../../dev/host/durable/history.ts';
import { eventFacts, plain, statusFacts } from './facts.ts';
import type { Facts } from './facts.ts';
import { startHub, until } from './hub.ts';
import type { Hub } from './hub.ts';
import { loadLocalWorker } from './localWorker.ts';
import type { LocalWorker } from './localWorker.ts';
import { startStorageProxy } from './storageProxy.ts';
import type { Cut } from './storageProxy.ts';

let azurite: Azurite;
let worker: LocalWorker;
let runs = 0;

beforeAll(async () => {
  azurite = await startAzurite();
  worker = await loadLocalWorker();
});

afterAll(() => azurite.stop());

const visibilityTimeoutMs = 600;
const newHub = () => `Crash${process.pid}x${++runs}`;
const ran = (id: string, name: string) =>
  worker.activities.filter((activity) => activity.instanceId === id && activity.name === name).length;

describe.concurrent('A kill at any write', () => {
  // What storage holds before a write is also what it holds after the one before it.
  for (let write = 1; write <= 40; write++) {
    it(`before write ${write} loses nothing and the instance ends`, async () => {
      const hubName = newHub();
      const id = `${hubName}i`;
      const killed = await killedHub(hubName, {
        at: (_, count) => count === write,
        forwarded: false,
      });
      void begin(killed.hub, id);
      await Promise.race([killed.dead, killed.hub.ended(id)]);
      await killed.bury();

      const hub = await startHub(azurite.connectionString, worker, { hubName, visibilityTimeoutMs });
      // Whoever got no answer asks again.
      if ((await hub.status(id))['instanceId'] === undefined) await begin(hub, id);
      else await hub.call('POST', `instances/${id}/raiseEvent/approve`, '{}');
      const { runtimeStatus, output } = await hub.ended(id);
      expect({ runtimeStatus, output }).toEqual({
        runtimeStatus: 'Completed',
        output: ['Hello 1', 'Hello 2', 'event', 'Hello 3', 'Hello 4'],
      });
      await hub.extension.stop(true);
    });
  }

  async function begin(hub: Hub, id: string): Promise<void> {
    await hub.call('POST', `orchestrators/grant/${id}`, '{"sec":60}');
    await hub.call('POST', `instances/${id}/raiseEvent/approve`, '{}');
  }
});

describe.concurrent('After a kill the engine does what the real engine does', () => {
  it('24a: an activity under way runs again, not before the visibility time is over', async () => {
    const { facts, id, hubName } = scenario('24a-kill9-mid-activity');
    const killed = await killedHub(hubName);
    await killed.hub.call('POST', `orchestrators/twoSteps/${id}`, '{"ms":4000,"sec":2}');
    await until(() => ran(id, 'slow') === 1, 'the activity runs');
    const killedAt = Date.now();
    await killed.kill();
    const hub = await startHub(azurite.connectionString, worker, { hubName, visibilityTimeoutMs });
    await until(() => ran(id, 'slow') === 2, 'the activity runs again');
    expect(Date.now() - killedAt).toBeGreaterThan(visibilityTimeoutMs / 2);
    await compare(hub, id, facts);
  });

  it('24b: a timer that came due meanwhile fires right after the restart', async () => {
    const { facts, id, hubName } = scenario('24b-kill9-during-timer');
    const killed = await killedHub(hubName);
    await killed.hub.call('POST', `orchestrators/twoSteps/${id}`, '{"ms":100,"sec":8}');
    const timer = async () => (await killed.hub.call('GET', `instances/${id}?showHistory=true`)).body;
    await until(async () => (await timer()).includes('TimerCreated'), 'the timer is set');
    const { historyEvents } = JSON.parse(await timer()) as { historyEvents: HistoryEvent[] };
    const fireAt = historyEvents.find(({ FireAt }) => FireAt !== undefined)?.FireAt ?? '';
    await killed.kill();
    await until(() => Date.now() > Date.parse(fireAt), 'the timer is due');
    const hub = await startHub(azurite.connectionString, worker, { hubName, visibilityTimeoutMs: 60_000 });
    await compare(hub, id, facts);
  });

  it('24f: a kill between the outbound messages and the history runs the next activity twice', async () => {
    const { facts, id, hubName } = scenario('24f-kill9-after-activity-end');
    const timerFired = (body: string) =>
      body.includes(String.raw`\"EventType\":11`) && body.includes('Instances');
    const killed = await killedHub(hubName, { at: timerFired, forwarded: false });
    await killed.hub.call('POST', `orchestrators/twoSteps/${id}`, '{"ms":1500,"sec":1}');
    await killed.dead;
    await killed.bury();
    const hub = await startHub(azurite.connectionString, worker, { hubName, visibilityTimeoutMs });
    await compare(hub, id, facts);
  });

  it('a raised event is kept, late by the visibility time', async () => {
    const hubName = newHub();
    const taken = (body: string) => raised && body.includes('PATCH');
    let raised = false;
    const killed = await killedHub(hubName, { at: taken, forwarded: true });
    await killed.hub.call('POST', `orchestrators/waitOne/${hubName}`, '{}');
    await until(async () => (await killed.hub.status(hubName))['runtimeStatus'] === 'Running', 'it waits');
    raised = true;
    const raisedAt = Date.now();
    expect((await killed.hub.call('POST', `instances/${hubName}/raiseEvent/go`, '1')).status).toBe(202);
    await killed.dead;
    await killed.bury();
    const hub = await startHub(azurite.connectionString, worker, { hubName, visibilityTimeoutMs });
    expect(await hub.ended(hubName)).toMatchObject({ output: { i: {}, v: 1 } });
    expect(Date.now() - raisedAt).toBeGreaterThan(visibilityTimeoutMs / 2);
  });

  it('a stop with drain lets an activity finish, once', async () => {
    const hubName = newHub();
    const first = await startHub(azurite.connectionString, worker, { hubName, visibilityTimeoutMs: 60_000 });
    await first.call('POST', `orchestrators/twoSteps/${hubName}`, '{"ms":1500,"sec":0}');
    await until(() => ran(hubName, 'slow') === 1, 'the activity runs');
    await first.extension.stop(true);
    const hub = await startHub(azurite.connectionString, worker, { hubName, visibilityTimeoutMs: 60_000 });
    expect(await hub.ended(hubName)).toMatchObject({ output: { a: 'first', b: 'Hello end' } });
    expect(ran(hubName, 'slow')).toBe(1);
  });

  it('SIGKILL of the host process: its activity runs again, its waiting instance goes on', async () => {
    const hubName = newHub();
    const child = fork(
      fileURLToPath(new URL('killedHost.ts', import.meta.url)),
      [azurite.connectionString, hubName, String(visibilityTimeoutMs)],
      { execArgv: ['--import', 'tsx'] },
    );
    const said: unknown[] = [];
    child.on('message', (message) => said.push(message));
    await until(() => said.includes('ready'), 'the host is ready');
    child.send({ path: `orchestrators/waitOne/${hubName}w`, body: '{}' });
    child.send({ path: `orchestrators/twoSteps/${hubName}`, body: '{"ms":3000,"sec":1}' });
    await until(() => said.includes('slow') && said.includes('waitOne'), 'the activity runs');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const hub = await startHub(azurite.connectionString, worker, { hubName, visibilityTimeoutMs });
    await until(
      async () => (await hub.status(`${hubName}w`))['runtimeStatus'] === 'Running',
      'the other one waits',
    );
    await hub.call('POST', `instances/${hubName}w/raiseEvent/go`, '1');
    expect(await hub.ended(`${hubName}w`)).toMatchObject({ output: { i: {}, v: 1 } });
    expect(await hub.ended(hubName)).toMatchObject({ output: { a: 'first', b: 'Hello end' } });
    expect(ran(hubName, 'slow')).toBe(1);
  });
});

/** A hub that dies at the given write (counted from its start), or when told; nothing of it reaches storage afterwards. */
async function killedHub(hubName: string, cut?: Cut) {
  let writes = 0;
  let started = false;
  let told = false;
  const proxy = await startStorageProxy(azurite.connectionString, {
    at: (body) => started && (told || cut?.at(body, ++writes) === true),
    forwarded: cut?.forwarded ?? false,
  });
  const hub = await startHub(proxy.connectionString, worker, { hubName, visibilityTimeoutMs });
  started = true;
  const bury = async () => {
    await hub.extension.stop(false);
    proxy.close();
  };
  const kill = async () => {
    told = true;
    await bury();
  };
  return { hub, dead: proxy.cut, bury, kill };
}

function scenario(name: string): { facts: Facts; id: string; hubName: string } {
  const file = new URL(`expected/${name}.json`, import.meta.url);
  const hubName = newHub();
  return { facts: JSON.parse(readFileSync(file, 'utf8')) as Facts, id: `${hubName}i`, hubName };
}

async function compare(hub: Hub, id: string, { instances: [expected] }: Facts): Promise<void> {
  await hub.ended(id);
  const shown = await hub.call('GET', `instances/${id}?showHistory=true&showHistoryOutput=true`);
  const final = statusFacts(JSON.parse(shown.body) as Record<string, unknown>, [id]);
  expect({ status: shown.status, ...final }).toEqual(expected?.final);
  const episodes = worker.episodes.filter(({ instanceId }) => instanceId === id);
  expect(episodes).toHaveLength(expected?.episodes ?? 0);
  const { history } = JSON.parse(episodes.at(-1)?.text ?? '') as { history: HistoryEvent[] };
  expect(history.map((event) => eventFacts(event, [id]))).toEqual(expected?.generations.at(-1));
  await until(
    () =>
      worker.activities.filter(({ instanceId }) => instanceId === id).length === expected?.activities.length,
    'all the activities ran',
  );
  const activities = worker.activities.filter(({ instanceId }) => instanceId === id);
  expect(plain(activities, [id]).map(({ name, input }) => ({ name, input }))).toEqual(expected?.activities);
}
