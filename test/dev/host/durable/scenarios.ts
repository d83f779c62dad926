import * as df from 'durable-functions';
import type { OrchestrationContext } from 'durable-functions';

/** Orchestrators and activities that the engine's tests run. Loaded after the worker's core module is in place. */

/** Waits are shorter than their numbers say, in the same proportion for timers and activities. */
const scale = 0.3;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms * scale));
const inSeconds = ({ df: { currentUtcDateTime } }: OrchestrationContext, seconds: number) =>
  new Date(currentUtcDateTime.getTime() + seconds * 1000 * scale);

type Orchestrator = (context: OrchestrationContext) => Generator<df.Task, unknown, never>;
const orchestrator = (name: string, handler: Orchestrator) => df.app.orchestration(name, handler);
const activity = (name: string, handler: df.ActivityHandler) => df.app.activity(name, { handler });

const fails = (text: string) => {
  throw new Error(text);
};
const attempts = new Map<string, number>();

activity('hello', (name: string) => `Hello ${name}`);
activity('echo', (value: unknown) => value);
activity('boom', (value: unknown) => fails(`kaboom ${JSON.stringify(value)}`));
activity('boomTyped', () => {
  throw Object.assign(new Error('typed failure'), { name: 'MyErr', code: 'E42' });
});
activity('slow', async ({ ms, v }: { ms: number; v?: unknown }) => {
  await wait(ms);
  return v ?? 'slow-done';
});
activity('flaky', ({ key, times }: { key: string; times: number }) => {
  const count = (attempts.get(key) ?? 0) + 1;
  attempts.set(key, count);
  return count <= times ? fails(`flaky attempt ${count}`) : `ok after ${count}`;
});
activity('inp', (value: unknown, context) => ({
  type: value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value,
  json: (JSON.stringify(value) as string | undefined) ?? '<undefined>',
  tm: Object.keys(context.triggerMetadata ?? {}),
}));
activity('bytes', () => Buffer.from('abc'));

orchestrator('oneActivity', function* (context) {
  return yield context.df.callActivity('hello', 'A');
});
orchestrator('fanOut', function* (context) {
  return yield context.df.Task.all([0, 1, 2].map((i) => context.df.callActivity('hello', String(i))));
});
orchestrator('threeSeconds', function* (context) {
  const t0 = context.df.currentUtcDateTime;
  yield context.df.createTimer(inSeconds(context, 3));
  return { t0, t1: context.df.currentUtcDateTime };
});
orchestrator('earlyTimer', function* (context) {
  const due = inSeconds(context, 2 / scale);
  yield context.df.createTimer(due);
  return { earlyByMs: due.getTime() - context.df.currentUtcDateTime.getTime() };
});
orchestrator('pastTimer', function* (context) {
  yield context.df.createTimer(inSeconds(context, -5));
  return 'fired';
});
orchestrator('sevenDays', function* (context) {
  yield context.df.createTimer(inSeconds(context, (7 * 86_400) / scale));
  return 'fired';
});

interface Race {
  sec: number;
  cancel?: boolean;
  after?: number;
}
orchestrator('race', function* (context) {
  const { sec, cancel, after } = context.df.getInput<Race>();
  const timer = context.df.createTimer(inSeconds(context, sec));
  const event = context.df.waitForExternalEvent('approve');
  const winner: df.Task = yield context.df.Task.any([event, timer]);
  if (winner === event && cancel !== false) timer.cancel();
  const result = winner === event ? { won: 'event', value: event.result } : { won: 'timer' };
  if (after === undefined) return result;
  return { ...result, after: yield context.df.callActivity('slow', { ms: after }) };
});
orchestrator('grant', function* (context) {
  const log: unknown[] = [];
  log.push(yield context.df.callActivity('hello', '1'), yield context.df.callActivity('hello', '2'));
  const timer = context.df.createTimer(inSeconds(context, context.df.getInput<Race>().sec));
  const event = context.df.waitForExternalEvent('approve');
  const winner: df.Task = yield context.df.Task.any([event, timer]);
  if (winner === event) timer.cancel();
  log.push(winner === event ? 'event' : 'timer');
  log.push(yield context.df.callActivity('hello', '3'), yield context.df.callActivity('hello', '4'));
  return log;
});

orchestrator('catching', function* (context) {
  try {
    yield context.df.callActivity(context.df.getInput<{ a?: string }>().a ?? 'boom', { q: 1 });
  } catch (error) {
    const { message, name, constructor } = error as Error;
    return { caught: message, name, ctor: constructor.name, keys: Object.keys(error as Error) };
  }
  return undefined;
});
orchestrator('notCatching', function* (context) {
  yield context.df.callActivity('boom', { q: 1 });
  return undefined;
});
// A generator without a yield is what is tested here.
// prettier-ignore
orchestrator('throwing', function* (context): Generator<df.Task, unknown, never> {
  context.df.setCustomStatus({ st: 1 });
  if (context.df.instanceId === '') yield context.df.callActivity('hello', '');
  throw new Error('orch throws');
});
orchestrator('throwingText', function* (context) {
  yield context.df.callActivity('hello', 'x');
  const text: unknown = 'plain';
  throw text as Error;
});
orchestrator('retrySucceeds', function* (context) {
  const options = new df.RetryOptions(1000 * scale, 5);
  return yield context.df.callActivityWithRetry('flaky', options, { key: context.df.instanceId, times: 2 });
});
orchestrator('retryExhausted', function* (context) {
  return yield context.df.callActivityWithRetry('boom', new df.RetryOptions(1000 * scale, 2), { q: 2 });
});
orchestrator('allRetry', function* (context) {
  const { callActivity, callActivityWithRetry, instanceId, Task } = bound(context);
  const twice = new df.RetryOptions(1200 * scale, 2);
  const more = new df.RetryOptions(2500 * scale, 4);
  try {
    yield Task.all([
      callActivityWithRetry('boom', twice, {}),
      callActivityWithRetry('flaky', more, { key: instanceId, times: 2 }),
    ]);
  } catch (error) {
    const r: unknown = yield callActivity('hello', 'comp');
    return { caught: (error as Error).message.slice(0, 50), r };
  }
  return undefined;
});
orchestrator('allFails', function* (context) {
  try {
    yield context.df.Task.all([
      context.df.callActivity('boom', {}),
      context.df.callActivity('slow', { ms: 4000 }),
    ]);
  } catch (error) {
    const r: unknown = yield context.df.callActivity('hello', 'comp');
    return { caught: (error as Error).message.slice(0, 60), r };
  }
  return undefined;
});
orchestrator('anyActivity', function* (context) {
  const fast = context.df.callActivity('slow', { ms: 300, v: 'fast' });
  const late = context.df.callActivity('slow', { ms: 5000, v: 'late' });
  const winner: df.Task = yield context.df.Task.any([fast, late]);
  return winner.result;
});
orchestrator('failWithTimer', function* (context) {
  const timer = context.df.createTimer(inSeconds(context, 6));
  yield context.df.Task.any([context.df.callActivity('hello', 'x'), timer]);
  if (context.df.getInput<{ cancel: boolean }>().cancel) timer.cancel();
  throw new Error('fails with timer open');
});

orchestrator('waitOne', function* (context) {
  return { i: context.df.getInput(), v: yield context.df.waitForExternalEvent('go') };
});
orchestrator('waitForever', function* (context) {
  yield context.df.waitForExternalEvent('never');
  return undefined;
});
orchestrator('eventsBeforeWait', function* (context) {
  yield context.df.callActivity('slow', { ms: 2500 });
  const got: unknown[] = [];
  for (let n = 0; n < 3; n++) got.push(yield context.df.waitForExternalEvent('a'));
  return got;
});
orchestrator('threeWaiters', function* (context) {
  return yield context.df.Task.all([1, 2, 3].map(() => context.df.waitForExternalEvent('a')));
});
orchestrator('caseOfNames', function* (context) {
  const timer = context.df.createTimer(inSeconds(context, 5));
  const event = context.df.waitForExternalEvent('approve');
  const winner: df.Task = yield context.df.Task.any([event, timer]);
  if (winner !== event) return 'timer';
  timer.cancel();
  return { got: event.result };
});
orchestrator('eventValue', function* (context) {
  const value: unknown = yield context.df.waitForExternalEvent('v');
  return { t: value === null ? 'null' : typeof value, v: value === undefined ? '<undefined>' : value };
});
orchestrator('twoEvents', function* (context) {
  const a = context.df.waitForExternalEvent('a');
  const b = context.df.waitForExternalEvent('b');
  const winner: df.Task = yield context.df.Task.any([a, b]);
  const other: unknown = yield winner === a ? b : a;
  return { first: winner === a ? 'a' : 'b', o: other };
});
orchestrator('manyEvents', function* (context) {
  const got: unknown[] = [];
  for (let n = context.df.getInput<{ n: number }>().n; n > 0; n--) {
    got.push(yield context.df.waitForExternalEvent('m'));
  }
  return got;
});
orchestrator('duplicateEvent', function* (context) {
  const first: unknown = yield context.df.waitForExternalEvent('approve');
  yield context.df.callActivity('slow', { ms: 1500 });
  return first;
});
orchestrator('loopOfRaces', function* (context) {
  const got: unknown[] = [];
  for (let n = 0; n < 3; n++) {
    const timer = context.df.createTimer(inSeconds(context, 20));
    const event = context.df.waitForExternalEvent('cmd');
    const winner: df.Task = yield context.df.Task.any([timer, event]);
    if (winner === event) timer.cancel();
    got.push(winner === event ? event.result : 'timeout');
  }
  return got;
});

orchestrator('continueOnce', function* (context) {
  const { n, consume } = context.df.getInput<{ n: number; consume: boolean }>();
  if (n === 0) {
    yield context.df.callActivity('slow', { ms: 2500 });
    if (consume) yield context.df.waitForExternalEvent('e');
    context.df.continueAsNew({ n: 1, consume });
    return 'ignored';
  }
  const timer = context.df.createTimer(inSeconds(context, 4));
  const event = context.df.waitForExternalEvent('e');
  const winner: df.Task = yield context.df.Task.any([event, timer]);
  if (winner !== event) return 'lost';
  timer.cancel();
  return { got: event.result };
});
orchestrator('continueThrice', function* (context) {
  const i = context.df.getInput<number>();
  if (i === 3) return { i, type: typeof i };
  yield context.df.createTimer(inSeconds(context, 1));
  context.df.setCustomStatus(`round ${i}`);
  context.df.continueAsNew(i + 1);
  return undefined;
});
/** Both events in one batch: the second is raised after the generation has ended and is carried over. */
orchestrator('continueInBatch', function* (context) {
  const seen = context.df.getInput<unknown[]>();
  if (seen.length === 2) return seen;
  context.df.continueAsNew([...seen, yield context.df.waitForExternalEvent('e')]);
  return undefined;
});
orchestrator('suspendable', function* (context) {
  context.df.setCustomStatus('waiting');
  const a: unknown = yield context.df.waitForExternalEvent('a');
  const r: unknown = yield context.df.callActivity('hello', String(a));
  const b: unknown = yield context.df.waitForExternalEvent('b');
  return { a, b, r };
});
orchestrator('customStatuses', function* (context) {
  for (const status of [{ a: 1 }, null, '', 'x'.repeat(20_000)]) {
    context.df.setCustomStatus(status);
    yield context.df.callActivity('slow', { ms: 1500 });
  }
  return 1;
});
orchestrator('noInput', function* (context): Generator<df.Task, unknown, never> {
  if (context.df.instanceId === '') yield context.df.callActivity('hello', '');
  const i: unknown = context.df.getInput();
  return { type: i === null ? 'null' : typeof i, v: i === undefined ? '<undefined>' : i };
});

const inputs: Record<string, unknown> = {
  ...{ undef: undefined, null: null, true: true, false: false, int: 42, zero: 0, float: 1.5 },
  ...{ big: 9007199254740991, e21: 1e21, str: 'text', empty: '', numstr: '5', jsonstr: '{"a":1}' },
  ...{ isostr: '2026-01-02T03:04:05.000Z', date: new Date(0), arr: [1, 'a', null] },
  obj: { o: 1, d: '2026-01-02T03:04:05Z', n: null, u: undefined },
  nested: { a: { b: [1, 2, { c: 'ü€😀' }] } },
};
orchestrator('activityInputs', function* (context) {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(inputs)) {
    out[name] = yield context.df.callActivity('inp', value);
  }
  return out;
});
orchestrator('nonDeterministic', function* (context) {
  const { mode } = context.df.getInput<{ mode: string }>();
  const again = context.df.isReplaying;
  if (mode === 'name') yield context.df.callActivity(again ? 'hello' : 'echo', 'z');
  else if (mode === 'input') yield context.df.callActivity('hello', again ? 'z2' : 'z1');
  else if (again) yield context.df.createTimer(inSeconds(context, 1));
  else yield context.df.callActivity('hello', 'z');
  return 'done';
});
orchestrator('twoSteps', function* (context) {
  const { ms, sec } = context.df.getInput<{ ms: number; sec: number }>();
  const a: unknown = yield context.df.callActivity('slow', { ms, v: 'first' });
  yield context.df.createTimer(inSeconds(context, sec));
  return { a, b: yield context.df.callActivity('hello', 'end') };
});

orchestrator('unregistered', function* (context) {
  return yield context.df.callActivity('noSuchActivity', {});
});
orchestrator('refused', function* (context) {
  const entity = new df.EntityId('Counter', 'k');
  const features: Record<string, () => df.Task> = {
    sub: () => context.df.callSubOrchestrator('oneActivity'),
    subRetry: () => context.df.callSubOrchestratorWithRetry('oneActivity', new df.RetryOptions(1, 2)),
    entity: () => context.df.callEntity(entity, 'get'),
    http: () => context.df.callHttp({ method: 'GET', url: 'http://192.0.2.1/' }),
    any: () => context.df.Task.any([context.df.callEntity(entity, 'get')]),
  };
  return yield (features[context.df.getInput<string>()] as () => df.Task)();
});
orchestrator('returnsBytes', function* (context) {
  return yield context.df.callActivity('bytes');
});
orchestrator('big', function* (context) {
  return yield context.df.callActivity('echo', { text: '😀é'.repeat(context.df.getInput<number>()) });
});

df.app.client.generic('useClient', {
  trigger: { type: 'test', name: 'call' },
  handler: async (call, client) => {
    const { method, args } = call as { method: string; args: unknown[] };
    const revived = args.map((argument) => (argument === '<undefined>' ? undefined : argument));
    const run = Reflect.get(client, method) as (...args: unknown[]) => Promise<unknown>;
    try {
      return { ok: (await run.apply(client, revived)) ?? '<undefined>' };
    } catch (error) {
      return { err: (error as Error).message };
    }
  },
});

function bound({ df: api }: OrchestrationContext) {
  return {
    callActivity: api.callActivity.bind(api),
    callActivityWithRetry: api.callActivityWithRetry.bind(api),
    instanceId: api.instanceId,
    Task: api.Task,
  };
}
