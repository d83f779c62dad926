import type { Mutant } from './mutant.ts';

const guard = 'test/core/guard/guard.test.ts';
const exact = 'test/core/guard/exact.property.test.ts';

/** Of the check of each write, one for each of its parts. */
export const guardMutants: readonly Mutant[] = [
  {
    id: 'guard-owned-not-asked',
    what: 'owned rules may admit what no grant admits',
    breaks: 'guard',
    file: 'src/core/guard/guard.ts',
    edits: [{ text: '      checkOwnedAllows(here);\n', replacement: '' }],
    hunters: [guard, exact],
  },
  {
    id: 'guard-foreign-not-asked',
    what: 'foreign rules may change',
    breaks: 'guard, I3',
    file: 'src/core/guard/guard.ts',
    edits: [{ text: '    ...foreignChanges(before, after, installation, input.flush),\n', replacement: '' }],
    hunters: [guard],
  },
  {
    id: 'guard-places-not-asked',
    what: 'two rules may have one place',
    breaks: 'guard',
    file: 'src/core/guard/guard.ts',
    edits: [{ text: '    ...sharedPlaces(after, installation),\n', replacement: '' }],
    hunters: [guard],
  },
  {
    id: 'guard-refused-not-asked',
    what: 'packets of live grants may be lost',
    breaks: 'guard, I7',
    file: 'src/core/guard/guard.ts',
    edits: [
      { text: 'changed.filter(isRefusedNewly).forEach((one) => checkRefused(one, here));', replacement: '' },
    ],
    hunters: [guard],
  },
  {
    id: 'guard-admitted-not-asked',
    what: 'foreign denies may be overridden',
    breaks: 'guard',
    file: 'src/core/guard/guard.ts',
    edits: [
      {
        text: 'changed.filter(isAdmittedNewly).forEach((one) => checkAdmitted(one, here));',
        replacement: '',
      },
    ],
    hunters: [guard],
  },
  {
    id: 'guard-end-included',
    what: 'the guard takes a grant for live at its end',
    breaks: 'guard, I2',
    file: 'src/core/guard/liveGrants.ts',
    edits: [{ text: 'time < Date.parse(end)', replacement: 'time <= Date.parse(end)' }],
    hunters: ['test/core/guard/liveGrants.test.ts'],
  },
  {
    id: 'guard-removal-of-live',
    what: 'the short proof lets a rule of a live grant go',
    breaks: 'guard, I7',
    file: 'src/core/guard/guardRemoval.ts',
    edits: [
      { text: 'grant !== undefined && !grant.declined && isWithin(rule, grant, sets)', replacement: 'false' },
    ],
    hunters: ['test/core/guard/guardRemoval.test.ts', guard],
  },
  {
    id: 'guard-removal-adds',
    what: 'the short proof lets a rule be added',
    breaks: 'guard, I2',
    file: 'src/core/guard/guardRemoval.ts',
    edits: [
      {
        text: "      refuse('not-a-removal', `The rule ${rule.name} would be added or changed, not removed.`, rule.name);\n",
        replacement: '',
      },
    ],
    hunters: ['test/core/guard/guardRemoval.test.ts', guard],
  },
  {
    id: 'unproven-is-sent',
    what: 'a write that is not proven is sent all the same',
    breaks: 'guard',
    file: 'src/workflow/prove.ts',
    edits: [
      { text: "if (result.verdict === 'proven') {", replacement: "if (result.verdict !== 'over-budget') {" },
    ],
    hunters: ['test/workflow/prove.test.ts'],
  },
];
