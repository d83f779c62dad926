/** Whether Azure would take a write that opens. Closes are never asked. */
export type OpenStanding =
  | { opens: 'now' }
  /** What is left is kept for closes, or a quota is exhausted. */
  | { opens: 'later'; retryAfterSeconds: number };

/** What is known of the write budget of one subscription, from the headers of its answers. */
export interface WriteBudget {
  standing(subscriptionId: string): OpenStanding;
}
