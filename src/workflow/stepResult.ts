/** What a step says to its caller: when it wants to be called next. */
export type StepResult =
  | { kind: 'done' }
  /** Nothing is due before this instant, ISO 8601. */
  | { kind: 'wait'; until: string }
  /** What was due could not be finished. */
  | { kind: 'again'; afterSeconds: number; phase: 'opening' | 'closing' };
