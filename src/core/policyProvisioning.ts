import { canonicalJson } from './canonicalJson.ts';
import type { Policy } from './policy.ts';
import type { Reason } from './reason.ts';

/** What one thing that a policy needs has come to. */
export type Outcome =
  | { kind: 'failed'; reason: Reason }
  /** Not settled yet: it is looked at again. */
  | { kind: 'pending'; reason: Reason }
  /** To be told; the policy is applied all the same. */
  | { kind: 'told'; reason: Reason };

/** Reasons that are kept in a policy's row. */
const mostReasons = 50;

/** Whether a policy's baselines stand, from everything that came of it; in whatever order it came. */
export function provisioningOf(outcomes: readonly Outcome[]): Policy['provisioning'] {
  const has = (kind: Outcome['kind']) => outcomes.some((outcome) => outcome.kind === kind);
  const state = has('failed') ? 'failed' : has('pending') ? 'updating' : 'succeeded';
  const all = new Map(outcomes.map(({ reason }) => [canonicalJson(reason), reason]));
  const reasons = [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, reason]) => reason);
  return { state, reasons: reasons.slice(0, mostReasons) };
}
