import type { Mutant } from './mutant.ts';

const workflow = 'test/workflow/flushConnection.test.ts';
const core = 'test/core/flushConnection.property.test.ts';

/** Of cutting established flows: the one member beside rules that is written. */
export const flushConnectionMutants: readonly Mutant[] = [
  {
    id: 'flush-not-recorded',
    what: 'flushConnection is switched on, and what it was is recorded nowhere',
    breaks: 'I3',
    file: 'src/workflow/watchFlush.ts',
    edits: [
      {
        text: 'await store(entries, (row) => ({ ...row, flush: next }));',
        replacement: 'await store(entries, (row) => row);',
      },
    ],
    hunters: [workflow],
  },
  {
    id: 'flush-not-put-back',
    what: 'flushConnection stays switched on',
    breaks: 'I3',
    file: 'src/workflow/watchFlush.ts',
    edits: [
      {
        text: "if (step.kind !== 'put-back' || hasGivenUp || round === undefined) return false;",
        replacement: "if (step.kind !== 'put-back' || tries >= 0 || round === undefined) return false;",
      },
    ],
    hunters: [workflow, 'test/workflow/flushCrash.test.ts'],
  },
  {
    id: 'flush-without-opt-in',
    what: 'whoever ends cuts the flows of everybody',
    breaks: 'I3: by opt-in only',
    file: 'src/core/flushConnection.ts',
    edits: [
      {
        text: 'row.flushConnection === true && !isDesired(row, now)',
        replacement: '!isDesired(row, now)',
      },
    ],
    hunters: [core],
  },
  {
    id: 'flush-of-others-taken-for-ours',
    what: 'what somebody else has switched on is put back as if it were ours',
    breaks: 'I3',
    file: 'src/core/flushConnection.ts',
    edits: [
      {
        text: 'return record.requestIds.some((requestId) => !isPresent(requestId));',
        replacement:
          'return record.requestIds.some((requestId) => !isPresent(requestId) || isFlushing(body));',
      },
    ],
    hunters: [core],
  },
  {
    id: 'guard-any-flush',
    what: 'a record lets flushConnection become anything',
    breaks: 'guard, I3',
    file: 'src/core/guard/recordedFlush.ts',
    edits: [
      {
        text: 'if (same(was, [true])) return same(is, recorded(former));',
        replacement: 'if (same(was, [true])) return !same(is, was);',
      },
    ],
    hunters: ['test/core/guard/recordedFlush.test.ts'],
  },
];
