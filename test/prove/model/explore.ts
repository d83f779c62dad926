import { brokenPromise, initialState, keyOf, stepsFrom, unconverged } from './grantModel.ts';
import type { ModelOptions, State } from './grantModel.ts';

export interface Exploration {
  states: number;
  steps: number;
  /** The shortest way to a broken promise, if there is one. */
  broken?: { promise: string; trace: string[] };
  /** Every state within the limit was visited. */
  complete: boolean;
}

/** Visits every state of the model, nearest first, until a promise is broken; `limit` bounds the memory. */
export function explore(options: ModelOptions, limit = 5_000_000): Exploration {
  const seen = new Set<string>();
  const well = new Set<string>();
  const parents: number[] = [];
  const names: string[] = [];
  let layer: { state: State; number: number }[] = [];
  let steps = 0;

  const visit = (
    state: State,
    parent: number,
    name: string,
  ): { state: State; number: number } | undefined => {
    const key = keyOf(state, options);
    if (seen.has(key)) return undefined;
    seen.add(key);
    parents.push(parent);
    names.push(name);
    return { state, number: parents.length - 1 };
  };
  const traceTo = (number: number): string[] => {
    const parent = parents[number] ?? -1;
    return parent < 0 ? [] : [...traceTo(parent), names[number] ?? ''];
  };

  const first = visit(initialState(options), -1, '');
  if (first !== undefined) layer = [first];
  while (layer.length > 0) {
    const next: typeof layer = [];
    for (const { state, number } of layer) {
      const promise = brokenPromise(state, options) ?? unconverged(state, options, well);
      if (promise !== undefined) {
        return { states: seen.size, steps, broken: { promise, trace: traceTo(number) }, complete: false };
      }
      for (const step of stepsFrom(state, options)) {
        steps += 1;
        const found = visit(step.state, number, step.name);
        if (found !== undefined) next.push(found);
      }
    }
    layer = next;
    if (seen.size > limit) return { states: seen.size, steps, complete: false };
  }
  return { states: seen.size, steps, complete: true };
}
