/** Each promise in short, the layers that watch it, and the tests that are named for it. */
export interface PromiseTests {
  promise: string;
  says: string;
  layers: string;
  tests: readonly string[];
}

export const promises: readonly PromiseTests[] = [
  {
    promise: 'I1',
    says: 'no owned allow rule outlives its grant by more than the bound',
    layers: 'A, B, C, D, I',
    tests: ['test/workflow/sweep.test.ts', 'test/workflow/crash.test.ts', 'test/e2e/hostDeath.test.ts'],
  },
  {
    promise: 'I2',
    says: 'never wider than granted',
    layers: 'C, F, G',
    tests: [
      'test/core/plan.property.test.ts',
      'test/core/guard/exact.property.test.ts',
      'test/core/decide.test.ts',
    ],
  },
  {
    promise: 'I3',
    says: 'nothing of anybody else is touched',
    layers: 'A, B, C, D, F, I',
    tests: [
      'test/core/guard/guard.test.ts',
      'test/adapters/arm/writeNsg.test.ts',
      'test/dev/arm/etag.test.ts',
    ],
  },
  {
    promise: 'I4',
    says: 'the row and the record of the intent come before the first write',
    layers: 'A, B, C, D, I',
    tests: ['test/workflow/crash.test.ts', 'test/workflow/grant.test.ts'],
  },
  {
    promise: 'I5',
    says: 'no write from old rows, and no answer says open for it',
    layers: 'B, C, D, E',
    tests: ['test/workflow/races.test.ts', 'test/workflow/staleReadBack.test.ts'],
  },
  {
    promise: 'I6',
    says: 'exactly one audit record for each transition, which can be verified',
    layers: 'A, B, C, E, I',
    tests: [
      'test/workflow/recordJournal.test.ts',
      'test/core/verifyTrail.test.ts',
      'test/scripts/auditVerify.test.ts',
    ],
  },
  {
    promise: 'I7',
    says: 'closing or extending one grant takes nothing from another',
    layers: 'C, D, E, F',
    tests: ['test/core/plan.property.test.ts', 'test/workflow/groupCommit.test.ts'],
  },
  {
    promise: 'I8',
    says: 'every request ends',
    layers: 'A, B, C, I',
    tests: ['test/workflow/crash.test.ts', 'test/workflow/grantOrchestrator.test.ts'],
  },
  {
    promise: 'I9',
    says: 'no secret in an answer, a log or a record',
    layers: 'G',
    tests: ['test/http/audit.test.ts', 'test/config.test.ts', 'test/adapters/arm/writeNsg.test.ts'],
  },
  {
    promise: 'I10',
    says: 'when faults stop, all converges without anybody',
    layers: 'A, B, C, D, E',
    tests: ['test/workflow/adversity.test.ts', 'test/workflow/sweepWithoutRows.test.ts'],
  },
];
