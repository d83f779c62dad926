import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import type { DurableExtensionOptions } from '../invocation.ts';
import { runActivity } from './activity.ts';
import { runEpisode } from './episode.ts';
import { executionStarted } from './history.ts';
import type { HistoryEvent } from './history.ts';
import { isFinal, sortInbox, startedInstance } from './inbox.ts';
import { Queue } from './queue.ts';
import { Halted, messageId, Store } from './store.ts';
import type { Instance, Message } from './store.ts';

/** Completions that arrive together belong into one episode, as the real engine's polling makes them. */
const batchingMs = 15;

/**
 * Delivers messages to orchestrators and activities. Everything is stored before it is acted upon: a delivery is
 * hidden for the visibility time before it begins, and an episode's outbound messages are written before its history,
 * its inputs deleted last. So whatever instant a kill meets, nothing is lost and some things are done twice.
 */
export class Engine {
  readonly instances = new Map<string, Instance>();
  readonly #options: DurableExtensionOptions;
  readonly #store: Store;
  readonly #queue = new Queue(() => this.#dispatch());
  readonly #histories = new Map<string, HistoryEvent[]>();
  /** Results that came before the history which scheduled them: a kill between the two writes. */
  readonly #early = new Map<string, Message[]>();
  readonly #busy = new Set<string>();
  readonly #underWay = new Set<Promise<void>>();
  #activities = 0;
  readonly #stopping = new AbortController();

  constructor(options: DurableExtensionOptions) {
    this.#options = options;
    this.#store = new Store(options.connectionString, options.hubName);
  }

  async start(): Promise<void> {
    const { instances, messages } = await this.#store.open();
    for (const instance of instances) this.instances.set(instance.instanceId, instance);
    const consumed = messages.filter(({ id, instanceId }) =>
      this.instances.get(instanceId)?.consumed.includes(id),
    );
    await this.#store.removeMessages(consumed);
    this.#queue.add(messages.filter((message) => !consumed.includes(message)));
  }

  async stop(drain: boolean): Promise<void> {
    this.#stopping.abort();
    this.#queue.close();
    if (drain) await Promise.all(this.#underWay);
    this.#store.halt();
  }

  /** Starts an instance, replacing a finished one of the same id. The message goes first: a start is never half. */
  async startInstance(instanceId: string, name: string, input: string | null): Promise<void> {
    const before = this.instances.get(instanceId);
    const event = executionStarted(
      { InstanceId: instanceId, ExecutionId: randomUUID() },
      ...([name, input, before === undefined ? 0 : (before.generation ?? 0) + 1] as const),
    );
    const message: Message = { id: messageId(), instanceId, visibleAt: Date.now(), event };
    const instance = startedInstance(message);
    // In memory first: whoever starts the same id meanwhile is told that it is pending.
    this.instances.set(instanceId, instance);
    try {
      await this.#store.addMessages([message]);
      await this.#store.putInstance(instance);
    } catch (error) {
      if (before === undefined) this.instances.delete(instanceId);
      else this.instances.set(instanceId, before);
      throw error;
    }
    this.#histories.delete(instanceId);
    this.#queue.add([message]);
  }

  /** Sends an event to whichever execution the instance has. */
  async send(instanceId: string, event: HistoryEvent): Promise<void> {
    const message: Message = { id: messageId(), instanceId, visibleAt: Date.now(), event };
    await this.#store.addMessages([message]);
    this.#queue.add([message]);
  }

  async purge(instanceId: string): Promise<void> {
    await this.#store.purge(instanceId);
    this.instances.delete(instanceId);
    this.#histories.delete(instanceId);
  }

  async history(instance: Instance): Promise<HistoryEvent[]> {
    return this.#histories.get(instance.instanceId) ?? (await this.#store.history(instance));
  }

  #dispatch(): void {
    if (this.#stopping.signal.aborted) return;
    const { maxConcurrentActivityFunctions, maxConcurrentOrchestratorFunctions } = this.#options;
    while (this.#activities < maxConcurrentActivityFunctions) {
      const work = this.#queue.takeWork();
      if (work === undefined) break;
      this.#activities++;
      this.#track(this.#activity(work).finally(() => this.#activities--));
    }
    for (const instanceId of this.#queue.instances()) {
      if (this.#busy.size >= maxConcurrentOrchestratorFunctions) break;
      if (this.#busy.has(instanceId)) continue;
      this.#busy.add(instanceId);
      this.#track(this.#orchestrate(instanceId).finally(() => this.#busy.delete(instanceId)));
    }
  }

  #track(task: Promise<void>): void {
    const tracked = task.finally(() => {
      this.#underWay.delete(tracked);
      this.#dispatch();
    });
    this.#underWay.add(tracked);
  }

  async #activity(work: Message): Promise<void> {
    const hide = () => this.#store.hide([work], this.#hiddenUntil());
    let renewal: NodeJS.Timeout | undefined;
    try {
      await hide();
      // A renewal may fail: it only decides how soon the activity runs again, should this host be killed.
      renewal = setInterval(() => void hide().catch(() => undefined), this.#options.visibilityTimeoutMs / 2);
      const event = await runActivity(this.#options.invoker, work, this.#options.log);
      clearInterval(renewal);
      const { instanceId, executionId } = work;
      const result: Message = { id: messageId(), instanceId, event, visibleAt: Date.now() };
      if (executionId !== undefined) result.executionId = executionId;
      await this.#store.addMessages([result]);
      this.#queue.add([result]);
      await this.#store.removeMessages([work]);
    } catch (error) {
      this.#report('An activity', work.instanceId, error);
      this.#queue.add([{ ...work, visibleAt: this.#hiddenUntil() }]);
    } finally {
      clearInterval(renewal);
    }
  }

  async #orchestrate(instanceId: string): Promise<void> {
    if ((this.instances.get(instanceId)?.events ?? 0) > 0) await delay(batchingMs);
    if (this.#stopping.signal.aborted) return;
    const messages = this.#queue.takeEvents(instanceId);
    try {
      await this.#store.hide(messages, this.#hiddenUntil());
      await this.#deliver(instanceId, messages);
    } catch (error) {
      this.#report('An episode', instanceId, error);
      if (error instanceof Halted) return;
      await this.#recover(instanceId, messages).catch((again: unknown) =>
        this.#report('The recovery', instanceId, again),
      );
    }
  }

  async #deliver(instanceId: string, messages: readonly Message[]): Promise<void> {
    const known = this.instances.get(instanceId);
    const past = known === undefined || isFinal(known) || known.events === 0 ? [] : await this.history(known);
    const inbox = sortInbox(known, past, messages);
    const consumed = messages.filter((message) => !inbox.early.includes(message));
    const early = [...(this.#early.get(instanceId) ?? []), ...inbox.early];
    this.#early.set(instanceId, early);
    if (inbox.instance !== undefined && inbox.batch.length > 0) {
      const replaced = inbox.instance !== known;
      const before = replaced ? [] : past;
      const events = inbox.batch.map(({ event }) => event);
      const episode = await runEpisode(this.#options, inbox.instance, before, events);
      const instance = { ...episode.instance, consumed: consumed.map(({ id }) => id) };
      const from = instance.executionId === inbox.instance.executionId ? before.length : 0;
      await this.#store.addMessages(episode.outbound);
      try {
        await this.#store.commit(instance, episode.history.slice(from), from);
      } finally {
        // Also after a failure: they are stored, and would be found after a restart.
        this.#queue.add(episode.outbound);
      }
      this.instances.set(instanceId, instance);
      this.#histories.set(instanceId, episode.history);
      if (isFinal(instance)) this.#histories.delete(instanceId);
      if (from === 0 && instance.generation !== 0) await this.#store.purge(instanceId, instance.executionId);
      // What came too early may now be due, or be of an execution that has ended.
      this.#early.delete(instanceId);
      this.#queue.add(early);
    }
    await this.#store.removeMessages(consumed);
  }

  /** After a storage error: what was written is not known, so it is read again. */
  async #recover(instanceId: string, messages: readonly Message[]): Promise<void> {
    await delay(this.#options.visibilityTimeoutMs, undefined, { signal: this.#stopping.signal });
    const instance = await this.#store.instance(instanceId);
    this.#histories.delete(instanceId);
    if (instance !== undefined) this.instances.set(instanceId, instance);
    this.#queue.add(messages.filter(({ id }) => !(instance?.consumed.includes(id) ?? false)));
  }

  #hiddenUntil(): number {
    return Date.now() + this.#options.visibilityTimeoutMs;
  }

  #report(what: string, instanceId: string, error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const text = error instanceof Error ? error.message : String(error);
    this.#options.log(
      'error',
      `${what} of '${instanceId}' could not be stored and is delivered again: ${text}`,
    );
  }
}
