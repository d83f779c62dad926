import { createHash } from 'node:crypto';
import type { IdempotentCall, Person } from '../core/accessRequest.ts';

/** An Idempotency-Key as it was sent, and what with. */
export interface SentKey {
  key: string;
  /** SHA-256 of the canonical body. */
  bodyHash: string;
}

/** What the journal keeps of a call with a key: it is one person's, for one kind of call on one request. */
export function idempotentCall(
  kind: 'extend' | 'decision' | 'review',
  requestId: string,
  { tenantId, objectId }: Person,
  { key, bodyHash }: SentKey,
): IdempotentCall {
  const named = JSON.stringify([kind, requestId, tenantId, objectId, key]);
  return { key: createHash('sha256').update(named).digest('hex').slice(0, 32), bodyHash };
}
