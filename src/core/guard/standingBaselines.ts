import { createHash } from 'node:crypto';
import type { Baseline } from './grant.ts';

/** What the guard needs of the row of a baseline of the NSG. */
export interface BaselineRead {
  /** ARM id, any case. */
  virtualMachineId: string;
  state: string;
  boxes: Baseline[];
}

/** What rows say of the baselines of an NSG. */
export interface Decided {
  /** What the baselines that stand keep shut. */
  standing: Baseline[];
  /** The keys in the names of rules that a row decides on; every other deny of ours has to stay as it is. */
  keys: ReadonlySet<string>;
}

/**
 * The baselines that stand, by the guard's own reading of the rows: all that are not recorded as ending. The planner reads
 * states and names by itself (`planBaselines.ts`, `baselineRule.ts`), on purpose: what both read with the same code, both
 * would read wrong together.
 */
export function standingBaselines(rows: readonly BaselineRead[]): Decided {
  return {
    standing: rows.filter(({ state }) => state !== 'ending').flatMap(({ boxes }) => boxes),
    keys: new Set(rows.map(({ virtualMachineId }) => keyOf(virtualMachineId))),
  };
}

/** The key in the name of a baseline's rule; undefined if it is not as we write it. */
export function baselineOf(name: string, installation: string): string | undefined {
  return /^deny-([0-9a-f]{16})-\d+$/.exec(name.toLowerCase().slice(`sallyport-${installation}-`.length))?.[1];
}

/** Ids differ in the case of ASCII letters only. */
function keyOf(virtualMachineId: string): string {
  const id = virtualMachineId.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  return createHash('sha256').update(id).digest('hex').slice(0, 16);
}
