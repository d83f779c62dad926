import { readdirSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startAzurite } from '../../../../dev/azurite.ts';
import type { Azurite } from '../../../../dev/azurite.ts';
import type { HistoryEvent } from '../../../../dev/host/durable/history.ts';
import type { WebResponse } from '../../../../dev/host/invocation.ts';
import { eventFacts, inOrder, plain, statusFacts } from './facts.ts';
import type { Facts, Step } from './facts.ts';
import { isFinal, startHub, until } from './hub.ts';
import type { Hub } from './hub.ts';
import { loadLocalWorker } from './localWorker.ts';
import type { LocalWorker } from './localWorker.ts';

const folder = new URL('expected/', import.meta.url);
const scenarios = readdirSync(folder)
  .filter((file) => !file.includes('kill9'))
  .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Facts);

/** Where messages or calls race with each other they may fall differently on a busy machine: another try is fair there. */
const racing = /fanout|batch|all-retry|failfast|many-events|loop-wait|grant|concurrent-start/;

let azurite: Azurite;
let worker: LocalWorker;
let hub: Hub;
let earlyHub: Hub;
let runs = 0;

beforeAll(async () => {
  azurite = await startAzurite();
  worker = await loadLocalWorker();
  hub = await startHub(azurite.connectionString, worker);
  earlyHub = await startHub(azurite.connectionString, worker, { earlyTimers: true });
});

afterAll(async () => {
  await Promise.all([hub.extension.stop(false), earlyHub.extension.stop(false)]);
  await azurite.stop();
});

describe.concurrent('The engine does what the real engine does', () => {
  for (const facts of scenarios) {
    it(facts.scenario, { retry: racing.test(facts.scenario) ? 2 : 0 }, async () => {
      const run = new Run(/early/.test(facts.scenario) ? earlyHub : hub, facts);
      await run.steps();
      await run.compareEnds();
    });
  }
});

/** One run of a scenario, with instance ids of its own. */
class Run {
  readonly #hub: Hub;
  readonly #facts: Facts;
  readonly #ids: string[];

  constructor(on: Hub, facts: Facts) {
    this.#hub = on;
    this.#facts = facts;
    this.#ids = facts.instances.map((_, n) => `run${++runs}n${n}of${facts.instances.length}`);
  }

  async steps(): Promise<void> {
    let together: Promise<void>[] = [];
    for (const step of this.#facts.steps) {
      if (step.together !== true) {
        await Promise.all(together);
        together = [];
        await this.#ready(step);
      }
      together.push(this.#take(step));
    }
    await Promise.all(together);
  }

  async compareEnds(): Promise<void> {
    for (const [n, expected] of this.#facts.instances.entries()) {
      const id = this.#ids[n] ?? '';
      const { status: code, message, exception, ...document } = expected.final;
      if (code === 400) await this.#hub.ended(id);
      let answer = await this.#end(id);
      const found = () => statusFacts(JSON.parse(answer.body) as Record<string, unknown>, this.#ids);
      await until(async () => {
        if (this.#episodes(id).length < expected.episodes) return false;
        // An activity that the end did not wait for may still be on its way to the worker.
        if (this.#activities(id).length < expected.activities.length) return false;
        answer = await this.#end(id);
        return document['runtimeStatus'] === undefined || isDeepStrictEqual(found(), document);
      }, `the end of ${id}`).catch(() => expect(found()).toEqual(document));
      expect(answer.status).toBe(code);
      if (message !== undefined) {
        expect(JSON.parse(answer.body)).toMatchObject({ Message: message, ExceptionMessage: exception });
      }
      const episodes = this.#episodes(id);
      expect(this.#generations(id)).toEqual(expected.generations);
      expect(episodes.map(({ isReplaying }) => isReplaying)).toEqual(expected.replaying);
      expect(
        this.#activities(id)
          .map(({ name, input }) => JSON.stringify([name, plain(input, this.#ids)]))
          .sort(),
      ).toEqual(expected.activities.map(({ name, input }) => JSON.stringify([name, input])).sort());
    }
  }

  async #ready({ path, episodes = 0, runtimeStatus }: Step): Promise<void> {
    const id = /^(?:instances|orchestrators\/\w+)\/([^/?]+)/.exec(this.#real(path))?.[1] ?? '';
    await until(
      async () => {
        if (this.#episodes(id).length < episodes) return false;
        if (runtimeStatus === undefined) return true;
        const now = (await this.#hub.status(id))['runtimeStatus'];
        return runtimeStatus === 'final' ? isFinal(now) : now === runtimeStatus;
      },
      `${path}: ${episodes} episodes, ${runtimeStatus ?? 'any status'}`,
    );
  }

  async #take(step: Step): Promise<void> {
    const { method, path, body, type } = step;
    const call = () =>
      this.#hub.call(method, this.#real(path), body && this.#real(body), type ?? 'application/json');
    let answer: WebResponse = await call();
    const facts = () => statusFacts(JSON.parse(answer.body) as Record<string, unknown>, this.#ids);
    if (step.answer !== undefined) {
      // The caller had waited for the episode to be committed, too.
      await until(
        async () => {
          answer = await call();
          return isDeepStrictEqual(facts(), step.answer);
        },
        `${path}: ${JSON.stringify(step.answer)}`,
      ).catch(() => expect(facts()).toEqual(step.answer));
    }
    expect({ path, status: answer.status }).toEqual({ path, status: step.status });
    if (step.message === undefined) return;
    const said = JSON.parse(answer.body) as string | { Message: string };
    expect(plain(typeof said === 'string' ? said : said.Message, this.#ids)).toBe(step.message);
  }

  #end(id: string): Promise<WebResponse> {
    const shown = '?showHistory=true&showHistoryOutput=true&showInput=true';
    return this.#hub.call('GET', `instances/${id}${shown}`);
  }

  #episodes(id: string) {
    return worker.episodes.filter(({ instanceId }) => instanceId === id);
  }

  #activities(id: string) {
    return worker.activities.filter(({ instanceId }) => instanceId === id);
  }

  #generations(id: string): Record<string, unknown>[][] {
    const last = new Map<string, Record<string, unknown>[]>();
    for (const { text } of this.#episodes(id)) {
      const { history } = JSON.parse(text) as { history: HistoryEvent[] };
      const executionId = history.find((event) => event.OrchestrationInstance)?.OrchestrationInstance
        ?.ExecutionId;
      last.set(executionId ?? '', inOrder(history.map((event) => eventFacts(event, this.#ids))));
    }
    return [...last.values()];
  }

  #real(text: string): string {
    return text.replace(/<id(\d+)>/g, (_, n: string) => this.#ids[Number(n)] ?? '');
  }
}
