import type { Reason } from './reason.ts';
import { canonicalId } from './resourceId.ts';

/** Whether what would be opened on an NSG could be closed again. */
export type Closability =
  | { kind: 'closable' }
  /** A read-only lock, or no right to write: nothing may be opened there. */
  | { kind: 'not-closable'; reason: Reason }
  /** It could not be read; nobody is let in on a guess. */
  | { kind: 'unknown'; message: string; retryAfterSeconds?: number };

/** What this identity may do, as Azure says. */
export interface Rights {
  closability(nsgId: string, call: { correlationId: string }): Promise<Closability>;
}

/**
 * Whether one entry of the permissions API grants an action, `Microsoft.Network/networkSecurityGroups/write`. An entry is
 * one role: what its `notActions` take away, they take from itself only. Whatever is malformed grants nothing.
 */
export function grantsAction(entry: { actions?: unknown; notActions?: unknown }, action: string): boolean {
  const { actions, notActions = [] } = entry;
  if (!isTexts(actions) || !isTexts(notActions)) return false;
  return (
    actions.some((pattern) => matchesAction(pattern, action)) &&
    !notActions.some((pattern) => matchesAction(pattern, action))
  );
}

/** Whether a pattern of a role names an action: `*` stands for any text, slashes included; the case of ASCII does not count. */
export function matchesAction(pattern: string, action: string): boolean {
  const [first = '', ...others] = canonicalId(pattern).split('*');
  const text = canonicalId(action);
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || text.length < first.length + last.length) return false;
  if (!text.endsWith(last)) return false;
  let rest = text.slice(first.length, text.length - last.length);
  for (const part of others) {
    const at = rest.indexOf(part);
    if (at === -1) return false;
    rest = rest.slice(at + part.length);
  }
  return true;
}

/** Whether it is a list of patterns. */
export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
