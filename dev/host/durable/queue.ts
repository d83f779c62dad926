import type { Message } from './store.ts';

/**
 * The messages that are not being worked on: an index in memory over what is stored, so that nothing has to be
 * polled. `wake` is called when something becomes deliverable, at once or when its time has come.
 */
export class Queue {
  readonly #wake: () => void;
  readonly #future = new Set<Message>();
  readonly #events = new Map<string, Message[]>();
  readonly #work: Message[] = [];
  #timer: NodeJS.Timeout | undefined;
  #nextAt = Infinity;
  #closed = false;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  add(messages: readonly Message[]): void {
    for (const message of messages) this.#future.add(message);
    this.#ripen();
  }

  /** Instances with deliverable events, the longest waiting first. */
  instances(): string[] {
    return [...this.#events.keys()];
  }

  takeEvents(instanceId: string): Message[] {
    const messages = this.#events.get(instanceId) ?? [];
    this.#events.delete(instanceId);
    return messages;
  }

  takeWork(): Message | undefined {
    return this.#work.shift();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #ripen(): void {
    if (this.#closed) return;
    const now = Date.now();
    let next = Infinity;
    let ripe = false;
    for (const message of this.#future) {
      if (message.visibleAt > now) {
        next = Math.min(next, message.visibleAt);
        continue;
      }
      ripe = true;
      this.#future.delete(message);
      if (message.work !== undefined) this.#work.push(message);
      else this.#events.set(message.instanceId, [...(this.#events.get(message.instanceId) ?? []), message]);
    }
    this.#schedule(next, now);
    if (ripe) this.#wake();
  }

  /** A timer of Node may come a little early and holds 24.8 days at most: it only makes us look again. */
  #schedule(next: number, now: number): void {
    if (next === this.#nextAt) return;
    clearTimeout(this.#timer);
    this.#nextAt = next;
    if (next === Infinity) return;
    this.#timer = setTimeout(
      () => {
        this.#nextAt = Infinity;
        this.#ripen();
      },
      Math.min(Math.max(next - now, 1), day),
    );
  }
}

const day = 86_400_000;
