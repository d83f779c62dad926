import type { Mutant } from './mutant.ts';

const plan = 'test/core/planBaselines.test.ts';
const guard = 'test/core/guard/guard.test.ts';
const reconcile = 'test/workflow/baselines.test.ts';

/** Of what keeps a port shut while nobody is let in. */
export const baselineMutants: readonly Mutant[] = [
  {
    id: 'baseline-without-row-removed',
    what: 'a deny of ours that no row speaks of is taken away',
    breaks: 'a deny goes by a recorded decision alone',
    file: 'src/core/plan.ts',
    edits: [
      {
        text: '[...untouched, ...denies.flatMap(({ stale }) => stale)]',
        replacement: 'denies.flatMap(({ stale }) => stale)',
      },
    ],
    hunters: [plan],
  },
  {
    id: 'baseline-in-wrong-band',
    what: 'baselines are written among the allows of grants',
    breaks: 'I7',
    file: 'src/core/planBaselines.ts',
    edits: [{ text: 'rooms.baseline.seatAll(', replacement: 'rooms.allow.seatAll(' }],
    hunters: [plan, 'test/core/planBaselines.property.test.ts'],
  },
  {
    id: 'deleted-policy-stands',
    what: 'the baselines of a policy that is deleted go on standing',
    breaks: 'I10',
    file: 'src/core/machineCauses.ts',
    edits: [
      {
        text: "if (policy.isDeleted === true || policy.baseline.kind === 'none') continue;",
        replacement: "if (policy.baseline.kind === 'none') continue;",
      },
    ],
    hunters: ['test/workflow/applyBaselines.test.ts', 'C'],
  },
  {
    id: 'baselines-before-marker',
    what: 'the sweep applies policies although it could not read whether the tables are lost',
    breaks: 'I3',
    file: 'src/workflow/sweep.ts',
    edits: [{ text: 'if (marker !== undefined)\n      await', replacement: 'if (!isLost)\n      await' }],
    hunters: ['test/workflow/applyBaselines.test.ts'],
  },
  {
    id: 'baseline-seen-too-early',
    what: 'a baseline that stands again is noted as seen while the write of its end may still come',
    breaks: 'nobody is accused of what the product did',
    file: 'src/core/seenBaselines.ts',
    edits: [{ text: 'row.standsSince === undefined || isPast(row.standsSince, now)', replacement: 'true' }],
    hunters: [reconcile, 'C'],
  },
  {
    id: 'changed-baseline-remembered',
    what: 'what was seen of a baseline is kept although it is another one now',
    breaks: 'nobody is accused of what the product did',
    file: 'src/core/baseline.ts',
    edits: [
      {
        text: 'canonicalJson(box) === canonicalJson(row.boxes[index])',
        replacement: 'row.boxes[index] !== undefined',
      },
    ],
    hunters: ['test/core/baseline.test.ts', reconcile],
  },
  {
    id: 'baseline-ending-stands',
    what: 'a baseline that was ended by a decision is written again',
    breaks: 'I3',
    file: 'src/core/planBaselines.ts',
    edits: [
      { text: "row.state === 'standing' ? wantedRules(", replacement: 'row.boxes.length > 0 ? wantedRules(' },
    ],
    hunters: [plan, reconcile],
  },
  {
    id: 'baseline-forgets-ipv6',
    what: 'a baseline keeps out who comes by IPv4 alone',
    breaks: 'every address of a protected machine',
    file: 'src/core/baselineRule.ts',
    edits: [
      {
        text: 'row.boxes.map((box, index) => ({',
        replacement:
          "row.boxes.filter((box) => !JSON.stringify(box.destinationAddressPrefixes).includes(':')).map((box, index) => ({",
      },
    ],
    hunters: [plan, 'test/core/planBaselines.property.test.ts'],
  },
  {
    id: 'baseline-lost-for-room',
    what: 'a deny that is not as desired goes before the right one has its place',
    breaks: 'a deny goes by a recorded decision alone',
    file: 'src/core/planBaselines.ts',
    edits: [
      {
        text: 'candidate.stale.forEach((rule) => rooms.occupy(rule));\n      candidate.reason',
        replacement: 'candidate.stale = [];\n      candidate.reason',
      },
    ],
    hunters: [plan],
  },
  {
    id: 'baseline-limits-not-shared',
    what: 'denies without a row are not counted against what Azure takes',
    breaks: 'a write that Azure refuses shuts nothing',
    file: 'src/core/plan.ts',
    edits: [{ text: '[...nsgRules.foreign, ...untouched]', replacement: 'nsgRules.foreign' }],
    hunters: [plan],
  },
  {
    id: 'baseline-row-removed-early',
    what: 'the row of an ended baseline goes while a write of its rules may still come',
    breaks: 'a deny that no row speaks of is never ours to leave',
    file: 'src/core/seenBaselines.ts',
    edits: [
      {
        text: "isPast(row.endingAt ?? '', now) || without.has(id)",
        replacement: "isPast(row.endingAt ?? '', now) || !without.has(id)",
      },
    ],
    hunters: [reconcile],
  },
  {
    id: 'baseline-removal-not-told',
    what: 'that somebody has deleted a rule of a baseline is told nobody',
    breaks: 'drift is told once',
    file: 'src/core/baselineDrift.ts',
    edits: [
      {
        text: 'if (row.seen?.[index + 1] !== hash) return [];',
        replacement: 'if (row.seen !== undefined) return [];',
      },
    ],
    hunters: [reconcile],
  },
  {
    id: 'guard-denies-not-asked',
    what: 'a deny that no row speaks of may go',
    breaks: 'guard',
    file: 'src/core/guard/integrity.ts',
    edits: [
      {
        text: "if (decided.has(baselineOf(nameOf(raw), installation) ?? '')) continue;",
        replacement: 'if (decided.size >= 0) continue;',
      },
    ],
    hunters: [guard],
  },
  {
    id: 'guard-ending-stands',
    what: 'what an ending baseline kept shut may not be opened again',
    breaks: 'guard',
    file: 'src/core/guard/standingBaselines.ts',
    edits: [
      { text: "rows.filter(({ state }) => state !== 'ending').flatMap(", replacement: 'rows.flatMap(' },
    ],
    hunters: [guard, reconcile],
  },
  {
    id: 'guard-knows-no-baselines',
    what: 'the guard is not told which baselines stand',
    breaks: 'guard',
    file: 'src/workflow/prove.ts',
    edits: [{ text: '    baselines: standing,\n', replacement: '' }],
    hunters: [reconcile],
  },
];
