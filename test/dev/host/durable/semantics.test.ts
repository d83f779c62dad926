import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startAzurite } from '../../../../dev/azurite.ts';
import type { Azurite } from '../../../../dev/azurite.ts';
import type { HistoryEvent } from '../../../../dev/host/durable/history.ts';
import { isFinal, startHub, until } from './hub.ts';
import type { Hub } from './hub.ts';
import { loadLocalWorker } from './localWorker.ts';
import type { LocalWorker } from './localWorker.ts';
import { startStorageProxy } from './storageProxy.ts';

let azurite: Azurite;
let worker: LocalWorker;
let hub: Hub;

beforeAll(async () => {
  azurite = await startAzurite();
  worker = await loadLocalWorker();
  hub = await startHub(azurite.connectionString, worker);
});

afterAll(async () => {
  await hub.extension.stop(false);
  await azurite.stop();
});

const start = (name: string, id: string, input: unknown = {}, on = hub) =>
  on.call('POST', `orchestrators/${name}/${id}`, JSON.stringify(input));
const errors = () => hub.logged.filter(({ level }) => level === 'error').map(({ message }) => message);

describe('The orchestration trigger', () => {
  it('gets indented JSON with the real members in the real order', async () => {
    await start('oneActivity', 'text', { hi: 1 });
    await hub.ended('text');
    const texts = worker.episodes.filter(({ instanceId }) => instanceId === 'text').map(({ text }) => text);
    const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z/g;
    const execution = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
    expect(texts.map((text) => text.replace(time, '<time>').replace(execution, '<guid>'))).toMatchSnapshot();
  });

  it('cuts trailing zeros of its times, seven decimals at most', async () => {
    await start('oneActivity', 'times');
    await hub.ended('times');
    const { text } = worker.episodes.findLast(({ instanceId }) => instanceId === 'times') ?? { text: '' };
    const { history } = JSON.parse(text) as { history: HistoryEvent[] };
    for (const { Timestamp } of history) expect(Timestamp).toMatch(/:\d\d(\.\d{0,6}[1-9])?Z$/);
  });
});

describe('What the local engine does not do', () => {
  for (const [feature, said] of Object.entries({
    sub: /Sub-orchestrations \(callSubOrchestrator\).*the real Durable engine does/,
    subRetry: /Sub-orchestrations with retry/,
    entity: /Durable entities \(callEntity\)/,
    http: /Durable HTTP \(callHttp\)/,
    any: /Durable entities \(callEntity\)/,
  })) {
    it(`fails an instance at once, by name, and is logged as an error: ${feature}`, async () => {
      await start('refused', `refused-${feature}`, feature);
      const { runtimeStatus, output } = await hub.ended(`refused-${feature}`);
      expect(runtimeStatus).toBe('Failed');
      expect(output).toMatch(said);
      expect(errors().some((message) => said.test(message))).toBe(true);
    });
  }

  it('is answered with 501 over HTTP: entities, and rewinding a failed instance', async () => {
    expect((await hub.call('GET', 'entities/Counter/k')).status).toBe(501);
    await start('throwing', 'rewound');
    await hub.ended('rewound');
    expect((await hub.call('POST', 'instances/rewound/rewind?reason=r')).status).toBe(501);
  });

  it('a value that is too large for a row fails by name instead of being cut', async () => {
    await start('big', 'too-big', 100_000);
    expect((await hub.ended('too-big'))['output']).toMatch(/larger than the 200000 characters/);
    expect((await start('noInput', 'too-big-input', 'x'.repeat(200_001))).status).toBe(500);
  });
});

describe('Names and errors', () => {
  it('an unregistered activity fails the instance at once and says that the real engine hangs', async () => {
    await start('unregistered', 'unregistered');
    const { runtimeStatus, output } = await hub.ended('unregistered');
    expect(runtimeStatus).toBe('Failed');
    expect(output).toMatch(/'noSuchActivity' is not registered.*Running for ever/);
  });

  it('an unknown orchestrator is accepted and then fails with the names that are known', async () => {
    expect((await start('nosuch', 'unknown')).status).toBe(202);
    expect((await hub.ended('unknown'))['output']).toMatch(
      /^Orchestrator function 'nosuch' failed: The function 'nosuch' doesn't exist, is disabled, or is not an orchestrator function\. Additional info: The following are the known orchestrator functions: .*'oneActivity'/,
    );
  });

  it('a thrown text leaves the instance Running, as in the real engine, and is logged as an error', async () => {
    await start('throwingText', 'thrown-text');
    await until(
      () => errors().some((message) => /'thrown-text'.*not an Error/.test(message)),
      'it is logged',
    );
    expect((await hub.status('thrown-text'))['runtimeStatus']).toBe('Running');
  });

  it('an error message of an activity carries the reason and the serialised exception', async () => {
    await start('notCatching', 'details');
    expect((await hub.ended('details'))['output']).toMatch(
      /^Orchestrator function 'notCatching' failed: Activity function 'boom' failed: {2}kaboom \{"q":1\} \n \{"\$type":"System\.Exception, /,
    );
  });

  it('a Buffer that an activity returns arrives as base64', async () => {
    await start('returnsBytes', 'bytes');
    expect((await hub.ended('bytes'))['output']).toBe('YWJj');
  });
});

describe('A dead worker', () => {
  const died = { kind: 'worker-died', reason: 'node exited with code 137 (0x89)' } as const;

  it('fails the activity that it ran, which is not delivered again', async () => {
    worker.fates.set('bytes', [died]);
    await start('returnsBytes', 'dead-activity');
    expect((await hub.ended('dead-activity'))['output']).toMatch(
      /^Orchestrator function 'returnsBytes' failed: Activity function 'bytes' failed: node exited with code 137 \(0x89\) \n \{"\$type":"Microsoft\.Azure\.WebJobs\.Script\.Workers\.WorkerProcessExitException/,
    );
    expect(worker.activities.filter(({ instanceId }) => instanceId === 'dead-activity')).toHaveLength(1);
  });

  it('in orchestrator code fails the instance for good', async () => {
    await start('suspendable', 'dead-orchestrator');
    await until(
      async () => (await hub.status('dead-orchestrator'))['runtimeStatus'] === 'Running',
      'it waits',
    );
    await hub.call('POST', 'instances/dead-orchestrator/raiseEvent/a', '1');
    await until(
      () => worker.activities.some(({ instanceId }) => instanceId === 'dead-orchestrator'),
      'its activity',
    );
    worker.fates.set('suspendable', [died]);
    const { runtimeStatus, output, customStatus } = await hub.ended('dead-orchestrator');
    expect({ runtimeStatus, customStatus }).toEqual({ runtimeStatus: 'Failed', customStatus: null });
    expect(output).toBe(
      "Non-Deterministic workflow detected: A previous execution of this orchestration scheduled an activity task with sequence ID 0 and name 'hello' (version ''), but the current replay execution hasn't (yet?) scheduled this task. Was a change made to the orchestrator code after this instance had already started running?",
    );
  });
});

describe('Timers', () => {
  it('come up to one second early with early timers', async () => {
    const early = await startHub(azurite.connectionString, worker, { earlyTimers: true });
    await start('earlyTimer', 'early', {}, early);
    const { output } = await early.ended('early');
    const { earlyByMs } = output as { earlyByMs: number };
    expect(earlyByMs).toBeGreaterThan(0);
    expect(earlyByMs).toBeLessThanOrEqual(1000);
    await early.extension.stop(true);
  });

  it('never come early without', async () => {
    await start('earlyTimer', 'punctual');
    const { output } = await hub.ended('punctual');
    expect((output as { earlyByMs: number }).earlyByMs).toBeLessThanOrEqual(0);
  });

  it('of more than six days are cut into hops of three', async () => {
    await start('sevenDays', 'hops');
    const timer = async () => {
      const { body } = await hub.call('GET', 'instances/hops?showHistory=true');
      const { historyEvents = [] } = JSON.parse(body) as { historyEvents?: HistoryEvent[] };
      return historyEvents.find(({ FireAt }) => FireAt !== undefined);
    };
    await until(async () => (await timer()) !== undefined, 'the timer');
    const { FireAt = '', Timestamp = '' } = (await timer()) ?? {};
    expect((Date.parse(FireAt) - Date.parse(Timestamp)) / 86_400_000).toBeCloseTo(3, 3);
  });
});

describe('Events', () => {
  it('that come in the batch which ends a generation are carried over', async () => {
    await start('continueInBatch', 'carried', []);
    await until(async () => (await hub.status('carried'))['runtimeStatus'] === 'Running', 'it waits');
    const raise = (value: number) => hub.call('POST', 'instances/carried/raiseEvent/e', String(value));
    await Promise.all([raise(1), raise(2)]);
    expect((await hub.ended('carried'))['output']).toEqual([1, 2]);
  });

  it('of a finished instance are not inherited by the next one of the same id', async () => {
    await start('waitOne', 'again');
    await until(async () => (await hub.status('again'))['runtimeStatus'] === 'Running', 'it waits');
    await Promise.all([1, 2].map((n) => hub.call('POST', 'instances/again/raiseEvent/go', String(n))));
    await hub.ended('again');
    await start('waitOne', 'again', 'second');
    await until(async () => (await hub.status('again'))['runtimeStatus'] === 'Running', 'it waits again');
    await hub.call('POST', 'instances/again/raiseEvent/go', '3');
    expect((await hub.ended('again'))['output']).toEqual({ i: 'second', v: 3 });
  });
});

describe('Simultaneous starts of one id', () => {
  async function startFive(seed: number) {
    const seeded = await startHub(azurite.connectionString, worker, { seed });
    const id = `five-${seed}`;
    const answers = await Promise.all([1, 2, 3, 4, 5].map((v) => start('waitOne', id, { v }, seeded)));
    await until(async () => (await seeded.status(id))['runtimeStatus'] === 'Running', 'it runs');
    const { input } = await seeded.status(id);
    await seeded.extension.stop(true);
    const runs = worker.episodes.filter(({ instanceId }) => instanceId === id).length;
    return { codes: answers.map(({ status }) => status).join(), runs, input };
  }

  it('are one accepted and four refused, or all accepted; one run, and an arbitrary input wins', async () => {
    const outcomes = [];
    for (let seed = 1; seed <= 8; seed++) outcomes.push(await startFive(seed));
    expect(new Set(outcomes.map(({ codes }) => codes))).toEqual(
      new Set(['202,409,409,409,409', '202,202,202,202,202']),
    );
    expect(outcomes.every(({ runs }) => runs === 1)).toBe(true);
    const accepted = outcomes.filter(({ codes }) => !codes.includes('409'));
    expect(new Set(accepted.map(({ input }) => JSON.stringify(input))).size).toBeGreaterThan(1);
  });
});

describe('The dispatcher', () => {
  it('sends nothing to storage while nothing happens', async () => {
    const proxy = await startStorageProxy(azurite.connectionString);
    const quiet = await startHub(proxy.connectionString, worker);
    await start('oneActivity', 'quiet', {}, quiet);
    await start('waitForever', 'quiet-too', {}, quiet);
    await quiet.ended('quiet');
    await until(async () => (await quiet.status('quiet-too'))['runtimeStatus'] === 'Running', 'it waits');
    await quiet.extension.stop(true);
    const { requests } = proxy.counts;
    const idle = await startHub(proxy.connectionString, worker);
    const afterStart = proxy.counts.requests;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(proxy.counts.requests).toBe(afterStart);
    expect(afterStart - requests).toBeLessThanOrEqual(4);
    await idle.extension.stop(true);
    proxy.close();
  });

  it('runs no more activities at once than it may', async () => {
    let running = 0;
    let most = 0;
    const one = await startHub(
      azurite.connectionString,
      {
        functions: () => worker.functions(),
        async invoke(invocation) {
          if (invocation.functionName !== 'hello') return worker.invoke(invocation);
          most = Math.max(most, ++running);
          await new Promise((resolve) => setTimeout(resolve, 20));
          running--;
          return worker.invoke(invocation);
        },
      },
      { maxConcurrentActivityFunctions: 1 },
    );
    await start('fanOut', 'limited', {}, one);
    expect((await one.ended('limited'))['output']).toEqual(['Hello 0', 'Hello 1', 'Hello 2']);
    expect(most).toBe(1);
    await one.extension.stop(true);
  });

  it('keeps values that need several properties, whatever their characters, over a restart', async () => {
    const hubName = `Large${process.pid}`;
    const first = await startHub(azurite.connectionString, worker, { hubName });
    await start('big', 'large', 40_001, first);
    const before = await first.ended('large');
    await first.extension.stop(true);
    const second = await startHub(azurite.connectionString, worker, { hubName });
    expect(await second.status('large')).toEqual(before);
    const shown = await second.call('GET', 'instances/large?showHistory=true&showHistoryOutput=true');
    expect(shown.body).toContain('😀é'.repeat(40_001));
    await second.extension.stop(true);
  });

  it('goes on with instances of an id that no table key may hold', async () => {
    const id = encodeURIComponent('a/b\\c#d?e%f_ü');
    await start('oneActivity', id);
    await until(async () => isFinal((await hub.status(id))['runtimeStatus']), 'it ended');
    expect((await hub.status(id))['instanceId']).toBe('a/b\\c#d?e%f_ü');
  });
});
