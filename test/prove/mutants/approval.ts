import type { Mutant } from './mutant.ts';

const approval = 'test/workflow/approval.test.ts';
const judged = 'test/core/judgeApproval.test.ts';
const extendGrant = 'test/workflow/extendGrant.test.ts';

/** Of what waits for people, and of grants that get a later end. */
export const approvalMutants: readonly Mutant[] = [
  {
    id: 'own-request-approved',
    what: 'whoever asked for something may approve it',
    breaks: 'who may approve',
    file: 'src/core/judgeApproval.ts',
    edits: [
      {
        text: '  if (isSame(person, requester)) {\n    return ownRequest;\n  }\n',
        replacement: '',
      },
    ],
    hunters: [judged],
  },
  {
    id: 'requester-not-recognised',
    what: 'two tokens of one person are taken for two people',
    breaks: 'who may approve',
    file: 'src/core/judgeApproval.ts',
    edits: [
      {
        text: 'return one.objectId === other.objectId && one.tenantId === other.tenantId;',
        replacement: 'return one === other;',
      },
    ],
    hunters: [judged, 'test/http/decisions.test.ts'],
  },
  {
    id: 'approved-twice-by-one',
    what: 'one person counts for two',
    breaks: 'who may approve',
    file: 'src/core/judgeApproval.ts',
    edits: [
      {
        text: 'approval.given.some(({ by }) => isSame(by, person))',
        replacement: 'approval.given.length < 0',
      },
    ],
    hunters: [judged, approval],
  },
  {
    id: 'applications-approve',
    what: 'an application with the role approves',
    breaks: 'who may approve',
    file: 'src/core/judgeApproval.ts',
    edits: [
      {
        text: 'if (decider.isApplication) {',
        replacement: 'if (decider.isApplication && !decider.isApprover) {',
      },
    ],
    hunters: [judged, approval],
  },
  {
    id: 'approves-what-nobody-saw',
    what: 'a yes counts for more time that was asked for after it, or ends at another time than was named',
    breaks: 'who may approve',
    file: 'src/workflow/decide.ts',
    edits: [{ text: ' && mayHaveSeen(stored.row, call, change.at);', replacement: ';' }],
    hunters: [extendGrant],
  },
  {
    id: 'one-rule-is-enough',
    what: 'a request is approved when one of its rules is met',
    breaks: 'who may approve',
    file: 'src/core/approval.ts',
    edits: [{ text: 'return rules.every(', replacement: 'return rules.some(' }],
    hunters: [judged],
  },
  {
    id: 'first-yes-is-enough',
    what: 'one yes completes an approval, however many people must approve',
    breaks: 'who may approve',
    file: 'src/core/judgeApproval.ts',
    edits: [{ text: 'isComplete: isApproved(after)', replacement: 'isComplete: true' }],
    hunters: [judged, approval, 'C'],
  },
  {
    id: 'late-yes-for-the-next',
    what: 'a yes that arrives late counts for the extension that was asked for since',
    breaks: 'who may approve',
    file: 'src/workflow/decide.ts',
    edits: [
      {
        text: 'const isMeant = whatWaits(stored.row) === meant && mayHaveSeen',
        replacement: 'const isMeant = mayHaveSeen',
      },
    ],
    hunters: [extendGrant],
  },
  {
    id: 'old-groups-believed',
    what: 'whoever decides is in the groups that Azure told a while ago',
    breaks: 'who may approve',
    file: 'src/workflow/decide.ts',
    edits: [{ text: '{ correlationId, isFresh: true }', replacement: '{ correlationId, isFresh: false }' }],
    hunters: [approval, extendGrant],
  },
  {
    id: 'key-not-known-again',
    what: 'a decision that is sent again with its key is carried out again',
    breaks: 'who may approve',
    file: 'src/workflow/decide.ts',
    edits: [{ text: ': entry.call?.key === call.key,', replacement: ": entry.call?.key === '' ," }],
    hunters: [extendGrant, 'test/http/decisions.test.ts'],
  },
  {
    id: 'key-of-anybody',
    what: 'whoever sends a key that somebody else has used has decided with them',
    breaks: 'who may approve',
    file: 'src/workflow/idempotentCall.ts',
    edits: [
      { text: '[kind, requestId, tenantId, objectId, key]', replacement: "[kind, requestId, '', '', key]" },
    ],
    hunters: ['test/http/decisions.test.ts'],
  },
  {
    id: 'refused-told-as-approved',
    what: 'whoever approves what is refused all the same is told that it is approved',
    breaks: 'who may approve',
    file: 'src/workflow/decide.ts',
    edits: [{ text: "next.actor === 'sallyport' &&", replacement: "next.actor === '' &&" }],
    hunters: [approval, 'test/http/decisions.test.ts'],
  },
  {
    id: 'extension-not-judged-again',
    what: 'the last yes to more time moves the end, whatever the policies and the roles are by then',
    breaks: 'I2',
    file: 'src/workflow/decideExtension.ts',
    edits: [
      {
        text: "    if (judged.kind === 'denied') return refuse(judged.decision.reasons);\n",
        replacement: '',
      },
      {
        text: 'if (judged.approval.some((rule) =>',
        replacement: 'if (judged.approval?.some((rule) =>',
      },
    ],
    hunters: [extendGrant],
  },
  {
    id: 'waits-in-live-rows',
    what: 'what waits for approval has live rows',
    breaks: 'I5',
    file: 'src/workflow/settle.ts',
    edits: [{ text: '  if (wasNeverWanted(request)) return new Map();\n', replacement: '' }],
    hunters: [approval, 'test/workflow/laterStart.test.ts'],
  },
  {
    id: 'not-judged-again',
    what: 'the last approval opens what was right when it was asked for',
    breaks: 'I2',
    file: 'src/workflow/decideRequest.ts',
    edits: [
      {
        text: 'const judged = await judgeAgain(dependencies, approved, startOf(row, clock.now()));',
        replacement:
          "const { targets, found, decision, authorizedAt } = row;\n    const fields = { targets, found, decision, authorizedAt };\n    const judged = { kind: 'admitted', virtualMachines: row.virtualMachines, approval: [], fields };",
      },
    ],
    hunters: [approval],
  },
  {
    id: 'other-people-approved',
    what: 'whom the policies want by now does not matter',
    breaks: 'who may approve',
    file: 'src/workflow/judgeAgain.ts',
    edits: [
      {
        text: 'return wanted.every((rule) => known.has(canonicalJson(rule)));',
        replacement: 'return wanted.every((rule) => known.size >= 0 || canonicalJson(rule) === "");',
      },
    ],
    hunters: [approval],
  },
  {
    id: 'waits-for-ever',
    what: 'what nobody approves in time is not ended by its step',
    breaks: 'I8',
    file: 'src/workflow/awaitApproval.ts',
    edits: [
      {
        text: "if (clock.now() < new Date(until)) return { kind: 'wait', until };",
        replacement:
          "if (until !== '') return { kind: 'wait', until: new Date(clock.now().getTime() + 3_600_000).toISOString() };",
      },
    ],
    hunters: [approval],
  },
  {
    id: 'approved-too-late',
    what: 'an approval that has expired is given all the same',
    breaks: 'who may approve',
    file: 'src/core/judgeApproval.ts',
    edits: [
      {
        text: 'now.getTime() >= Date.parse(approval.expiresAt)',
        replacement: 'now.getTime() < 0',
      },
    ],
    hunters: [judged, approval],
  },
  {
    id: 'opened-before-its-start',
    what: 'what was approved for later is opened at once',
    breaks: 'I2',
    file: 'src/workflow/decideRequest.ts',
    edits: [{ text: "isLater ? 'scheduled' : 'opening'", replacement: "'opening'" }],
    hunters: ['test/workflow/laterStart.test.ts'],
  },
  {
    id: 'extended-without-end',
    what: 'what an extension adds is judged alone, and not the whole grant',
    breaks: 'I2',
    file: 'src/workflow/judgeExtension.ts',
    edits: [
      {
        text: '    durationSeconds: (Date.parse(end) - Date.parse(row.start)) / 1000,\n    justification,',
        replacement:
          '    durationSeconds: (Date.parse(end) - Date.parse(row.end)) / 1000,\n    justification,',
      },
    ],
    hunters: [extendGrant],
  },
  {
    id: 'ended-grant-extended',
    what: 'a grant that is past its end is extended',
    breaks: 'I1',
    file: 'src/core/extension.ts',
    edits: [
      {
        text: '!isRunning(request) || now.getTime() >= Date.parse(request.end)',
        replacement: '!isRunning(request)',
      },
    ],
    hunters: ['test/core/extension.test.ts', extendGrant],
  },
  {
    id: 'extended-unapproved',
    what: 'an extension needs nobody, whatever the policy says',
    breaks: 'who may approve',
    file: 'src/workflow/extendGrant.ts',
    edits: [{ text: 'rules.length > 0\n', replacement: 'rules.length < 0\n' }],
    hunters: [extendGrant, 'C'],
  },
  {
    id: 'seen-shut-kept',
    what: 'what was seen shut before an extension still counts after it',
    breaks: 'I5',
    file: 'src/workflow/settle.ts',
    edits: [
      {
        text: "before.seen.state === 'shut' || mayBeGone ? undefined : before.seen",
        replacement: "before.seen.state === 'shut' ? before.seen : mayBeGone ? undefined : before.seen",
      },
    ],
    hunters: [extendGrant],
  },
  {
    id: 'seen-open-kept',
    what: 'a rule that another worker took away at the old end is taken for deleted by somebody',
    breaks: 'I6',
    file: 'src/workflow/settle.ts',
    edits: [
      {
        text: "before.seen.state === 'shut' || mayBeGone ? undefined : before.seen",
        replacement: "before.seen.state === 'shut' ? undefined : before.seen",
      },
    ],
    hunters: [extendGrant],
  },
  {
    id: 'own-review',
    what: 'whoever skipped approval closes the review of it',
    breaks: 'who may approve',
    file: 'src/core/breakGlass.ts',
    edits: [
      { text: 'if (isSame(requester, caller.person)) {', replacement: 'if (caller.roles.length === 0) {' },
    ],
    hunters: ['test/workflow/breakGlass.test.ts'],
  },
];
