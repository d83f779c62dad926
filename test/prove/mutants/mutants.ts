import { approvalMutants } from './approval.ts';
import { baselineMutants } from './baselines.ts';
import { flushConnectionMutants } from './flushConnection.ts';
import { guardMutants } from './guard.ts';
import type { Mutant } from './mutant.ts';
import { outsideMutants } from './outside.ts';
import { plannerMutants } from './planner.ts';
import { rightsMutants } from './rights.ts';
import { workflowMutants } from './workflow.ts';

/** Every mutant, in the order in which they are hunted. */
export const mutants: readonly Mutant[] = [
  ...plannerMutants,
  ...guardMutants,
  ...baselineMutants,
  ...workflowMutants,
  ...approvalMutants,
  ...outsideMutants,
  ...rightsMutants,
  ...flushConnectionMutants,
];
