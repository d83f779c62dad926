import type { Clock } from '../../core/clock.ts';
import { isOfOrigin } from './clients.ts';
import { isRecord, parseObject, parseRetryAfter } from './problem.ts';
import type { SendRaw } from './rawRequest.ts';

export type OperationEnd =
  | { kind: 'settled' }
  | { kind: 'refused'; code: string; message: string }
  | { kind: 'unknown'; message: string };

export interface Operation {
  subscriptionId: string;
  /** The Azure-AsyncOperation header: signed, more than 3 KB long, sent back as it came. */
  url: string;
  correlationId: string;
  /** Until when to ask. */
  deadlineMilliseconds: number;
  /** How long to wait at least between two polls, in seconds, as reads are left. */
  pause: () => number;
}

const firstPollMilliseconds = 150;
const longestWaitMilliseconds = 1000;
const pollTimeoutMilliseconds = 5000;

/**
 * Asks for the state of an operation until it has ended. First after 0.15 s, then each time after a fifth of the time
 * that has gone by, at most 1 s apart: the end is known at most a fifth later than it was. The Retry-After of a running
 * operation is a fixed number of 1 to 10 s, so obeying it, as the SDK's poller does, reports up to 20 times late. Where
 * many operations run at once the reads would run out, and with them those that must come before a write: so the fewer
 * are left, the longer it waits.
 */
export async function followOperation(
  send: SendRaw,
  clock: Clock,
  origin: string,
  operation: Operation,
): Promise<OperationEnd> {
  // Whoever could put another address there would be handed a token.
  if (!isOfOrigin(operation.url, origin)) {
    return unknown('Azure named an operation outside of Azure Resource Manager; it was not followed.');
  }
  const start = clock.now().getTime();
  const elapsed = () => clock.now().getTime() - start;
  let wait = Math.max(firstPollMilliseconds, 1000 * operation.pause());
  while (elapsed() + wait <= operation.deadlineMilliseconds) {
    await clock.sleep(wait);
    const asked = elapsed();
    const answer = await send({
      subscriptionId: operation.subscriptionId,
      method: 'GET',
      url: operation.url,
      correlationId: operation.correlationId,
      timeoutMilliseconds: Math.min(pollTimeoutMilliseconds, operation.deadlineMilliseconds - elapsed() + 1),
      repeat: 'never',
    });
    // From when it was asked: an answer that took its time must not make the next one later still.
    const next = asked + Math.min(longestWaitMilliseconds, asked / 5);
    wait = Math.max(next - elapsed(), 1000 * operation.pause(), 0);
    if (answer.kind !== 'answer' || answer.status >= 500) continue;
    if (answer.status === 429) {
      // A quota means what it says; asking on would only lengthen it.
      wait = Math.max(wait, 1000 * (parseRetryAfter(answer.header('retry-after')) ?? 1));
      continue;
    }
    if (answer.status >= 300) {
      return unknown(`Azure answered ${answer.status} when asked for the state of the operation.`);
    }
    const end = endOf(answer.text);
    if (end) return end;
  }
  return unknown(`The operation had not ended after ${operation.deadlineMilliseconds / 1000} s.`);
}

/** Undefined while the operation runs; an answer that cannot be read says nothing about its end either. */
function endOf(text: string): OperationEnd | undefined {
  const body = parseObject(text);
  const status = typeof body?.['status'] === 'string' ? body['status'].toLowerCase() : '';
  if (status === 'succeeded') return { kind: 'settled' };
  if (status !== 'failed' && status !== 'canceled') return undefined;
  const error = isRecord(body?.['error']) ? body['error'] : {};
  const code = typeof error['code'] === 'string' ? error['code'] : '';
  const message = typeof error['message'] === 'string' ? error['message'] : `The operation ${status}.`;
  // A canceled operation was mostly superseded by another writer's, and its content may be there all the same.
  if (status === 'canceled' || code === '' || transient.test(code)) return unknown(message);
  return { kind: 'refused', code, message };
}

/** Codes of failures that are Azure's own, not the content's. */
const transient =
  /internal|retryable|timeout|timedout|unavailable|anotheroperation|cancel|preempt|throttl|toomany/i;

function unknown(message: string): OperationEnd {
  return { kind: 'unknown', message };
}
