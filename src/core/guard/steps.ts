/** The work that may be done before the guard gives up: `core` has no clock, so time is counted in comparisons. */
export interface Steps {
  /** Throws `OverBudget` when more has been taken than there is. */
  take(count: number): void;
  taken(): number;
}

/** Thrown inside of the guard only; never leaves it. */
export class OverBudget extends Error {}

/** Counts from none; taking a step beyond the budget throws OverBudget. */
export function countSteps(budget: number): Steps {
  let taken = 0;
  return {
    take: (count) => {
      taken += count;
      if (taken > budget) throw new OverBudget();
    },
    taken: () => taken,
  };
}
