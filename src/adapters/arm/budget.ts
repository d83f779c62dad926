import type { PipelineRequest, PipelineResponse } from '@azure/core-rest-pipeline';
import type { Clock } from '../../core/clock.ts';
import {
  laterOf,
  observe,
  pauseBetweenPolls,
  readsLeft,
  standingOf,
  type Bucket,
  type CallKind,
  type RateObservation,
  type WriteBudget,
} from '../../core/writeBudget.ts';
import { isLock, parseRetryAfter, problemOfAnswer } from './problem.ts';

/** What the answers of ARM have said of its rates: one process's knowledge, which the answers renew. */
export interface ArmBudget extends WriteBudget {
  observe(request: PipelineRequest, response: PipelineResponse): void;
  /** As `Inventory.readsLeft`. */
  readsLeft(subscriptionId: string): number;
  /** How far apart the state of an operation may be asked for, in seconds. */
  pauseBetweenPolls(subscriptionId: string): number;
}

/** Of a quota whose 429 did not say how long, in seconds. */
const defaultExhaustion = 10;

/** Keeps a bucket of reads and one of writes for each subscription. Azure counts deletes apart: only closes delete. */
export function createBudget(clock: Clock): ArmBudget {
  const buckets = new Map<string, Bucket>();
  const bucketOf = (subscriptionId: string, kind: CallKind) =>
    buckets.get(`${subscriptionId.toLowerCase()} ${kind}`);

  return {
    standing: (subscriptionId) =>
      laterOf(
        standingOf(bucketOf(subscriptionId, 'write'), clock.now()),
        standingOf(bucketOf(subscriptionId, 'read'), clock.now()),
      ),
    readsLeft: (subscriptionId) => readsLeft(bucketOf(subscriptionId, 'read'), clock.now()),
    pauseBetweenPolls: (subscriptionId) => pauseBetweenPolls(bucketOf(subscriptionId, 'read'), clock.now()),
    observe(request, response) {
      const [, subscriptionId] = /\/subscriptions\/([0-9a-f-]{36})(?:\/|\?|$)/i.exec(request.url) ?? [];
      const observation = subscriptionId && observationOf(request, response, clock.now());
      if (!observation) return;
      const key = `${subscriptionId.toLowerCase()} ${observation.kind}`;
      buckets.set(key, observe(buckets.get(key), observation));
    },
  };
}

/** Undefined where the answer says nothing of a rate. */
function observationOf(
  { method }: PipelineRequest,
  { status, headers, bodyAsText }: PipelineResponse,
  at: Date,
): RateObservation | undefined {
  const kind = method === 'GET' || method === 'HEAD' ? 'read' : 'write';
  const retryAfter = headers.get('retry-after');
  // Whoever writes while another operation holds the parent gets a 429 as well: that is no quota.
  if (status === 429 && !isLock(problemOfAnswer(status, bodyAsText, retryAfter))) {
    return { kind, at, exhaustedForSeconds: parseRetryAfter(retryAfter) ?? defaultExhaustion };
  }
  // The second bucket is larger, and shared with every other principal of the subscription.
  const remaining = ['', 'global-']
    .map((scope) => headers.get(`x-ms-ratelimit-remaining-subscription-${scope}${kind}s`) ?? '')
    .filter((value) => /^\d{1,9}$/.test(value))
    .map(Number);
  return remaining.length > 0 ? { kind, at, remaining: Math.min(...remaining) } : undefined;
}
