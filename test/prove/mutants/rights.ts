import type { Mutant } from './mutant.ts';

const rbac = 'src/core/rbac.ts';
const roles = 'src/core/roleAssignment.ts';
const denials = 'src/core/denyAssignment.ts';
const hunters = ['H', 'test/core/rbac.test.ts'];

/** Of who may ask: Azure RBAC, decided more generously than Azure does. */
export const rightsMutants: readonly Mutant[] = [
  {
    id: 'conditions-count',
    what: 'an assignment with a condition counts as one without',
    breaks: 'who may ask',
    file: rbac,
    edits: [{ text: 'granting(action).every(isConditional)', replacement: 'granting(action).length === 0' }],
    hunters,
  },
  {
    id: 'denials-are-ignored',
    what: 'deny assignments of groups are not looked at',
    breaks: 'who may ask',
    file: denials,
    edits: [{ text: 'if (denialsOfPerson.has(denialId(denial))) return true;', replacement: '' }],
    hunters,
  },
  {
    id: 'everybody-is-nobody',
    what: 'a deny assignment for all principals speaks of nobody',
    breaks: 'who may ask',
    file: denials,
    edits: [{ text: " || id === everybody || type === 'SystemDefined'", replacement: '' }],
    hunters,
  },
  {
    id: 'excluded-groups',
    what: 'whoever is listed as excluded excludes everybody',
    breaks: 'who may ask',
    file: denials,
    edits: [
      {
        text: "typeof id === 'string' && isSamePrincipal(id, objectId));",
        replacement: "typeof id === 'string');",
      },
    ],
    hunters,
  },
  {
    id: 'children-are-spared',
    what: 'a deny assignment never holds below its scope',
    breaks: 'who may ask',
    file: denials,
    edits: [{ text: 'return doNotApplyToChildScopes !== true ||', replacement: 'return' }],
    hunters,
  },
  {
    id: 'broken-denial',
    what: 'a deny assignment that cannot be read forbids nothing',
    breaks: 'who may ask',
    file: denials,
    edits: [
      {
        text: 'if (!Array.isArray(permissions)) return true;',
        replacement: 'if (!Array.isArray(permissions)) return false;',
      },
    ],
    hunters,
  },
  {
    id: 'scope-by-name',
    what: 'a scope counts as above every one whose id begins like its own',
    breaks: 'who may ask',
    file: 'src/core/rbacDocument.ts',
    edits: [{ text: '.startsWith(`${top}/`)', replacement: '.startsWith(top)' }],
    hunters,
  },
  {
    id: 'roles-of-others',
    what: "another person's assignment counts, should it be listed",
    breaks: 'who may ask',
    file: roles,
    edits: [
      {
        text: "principalType === 'Group' ||",
        replacement: "principalType === 'User' || principalType === 'Group' ||",
      },
    ],
    hunters,
  },
  {
    id: 'no-not-actions',
    what: 'NotActions of a role are not looked at',
    breaks: 'who may ask',
    file: 'src/core/rights.ts',
    edits: [
      {
        text: '!notActions.some((pattern) => matchesAction(pattern, action))',
        replacement: 'notActions.length >= 0',
      },
    ],
    hunters,
  },
  {
    id: 'unknown-is-allowed',
    what: 'who may ask is taken for granted while Azure does not answer',
    breaks: 'who may ask',
    file: 'src/workflow/authorize.ts',
    edits: [
      {
        text: "if (permission.kind === 'unknown') {",
        replacement: "if (permission.kind === 'unknown' && permission.message === '') {",
      },
    ],
    hunters: ['test/workflow/authorize.test.ts'],
  },
];
