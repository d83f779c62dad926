import { causeOf } from '../core/cause.ts';
import type { Clock, Log } from '../core/clock.ts';
import { readNetworkHint } from '../core/networkHint.ts';
import type { FollowHint, Orchestrations } from '../workflow/contracts.ts';

/** Takes one event, and what its invocation rings with. Never rejects: one failure makes Event Grid send the whole batch again, for a day. */
export type NetworkChangedHandler = (event: unknown, orchestrations: () => Orchestrations) => Promise<void>;

/** Refused events are told at most this often, with their number: whoever sends them must not fill the log. */
const tellEverySeconds = 60;

/**
 * Makes the handler of a system topic's events about the network. What is not from an expected topic is not looked at; what
 * is, is a hint and no more.
 */
export function createNetworkChangedHandler(options: {
  /** Sources of the system topics whose events are believed. */
  topics: readonly string[];
  followHint: FollowHint;
  newId: () => string;
  clock: Pick<Clock, 'now'>;
  log: Log;
}): NetworkChangedHandler {
  const { topics, followHint, newId, clock, log } = options;
  let refused = 0;
  let toldAt = 0;

  function refuse(reason: 'malformed' | 'unexpected-topic'): void {
    refused += 1;
    const now = clock.now().getTime();
    if (now < toldAt + tellEverySeconds * 1000) return;
    log.warn('event-refused', { reason, count: refused });
    toldAt = now;
    refused = 0;
  }

  return async (event, orchestrations) => {
    try {
      const hint = readNetworkHint(event, topics);
      if ('kind' in hint) {
        await followHint(hint, { orchestrations: orchestrations(), correlationId: newId() });
      } else if (hint.ignored === 'malformed' || hint.ignored === 'unexpected-topic') {
        refuse(hint.ignored);
      }
    } catch (error) {
      log.error('event-failed', { cause: causeOf(error) });
    }
  };
}
