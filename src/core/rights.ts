import type { Reason } from './reason.ts';

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
