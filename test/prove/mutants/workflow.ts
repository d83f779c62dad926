import type { Mutant } from './mutant.ts';

const races = 'test/workflow/races.test.ts';
const reconcile = 'test/workflow/reconcile.test.ts';

/** Of the life of grants: order, read-back, records. */
export const workflowMutants: readonly Mutant[] = [
  {
    id: 'rows-before-nsg',
    what: 'the rows are read before the NSG',
    breaks: 'I5',
    file: 'src/workflow/reconcile.ts',
    edits: [
      {
        text: '    const readAt = clock.now();\n    const read = await network.readNsg(nsgId, options);',
        replacement:
          '    const early = await live.allOfNsg(nsgId);\n    const readAt = clock.now();\n    const read = await network.readNsg(nsgId, options);',
      },
      {
        text: 'await readRows(dependencies, nsgId, nsg.body, call.areTablesDoubted);',
        replacement:
          'live !== undefined ? early : await readRows(dependencies, nsgId, nsg.body, call.areTablesDoubted);',
      },
    ],
    hunters: [reconcile, 'E'],
  },
  {
    id: 'old-rows-sent',
    what: 'a write is sent however old its rows are',
    breaks: 'I5',
    file: 'src/workflow/reconcile.ts',
    edits: [
      {
        text: '{ ...options, notAfter: secondsAfter(rowsReadAt, limits.freshness) }',
        replacement: 'options',
      },
    ],
    hunters: ['E', reconcile, 'B'],
  },
  {
    id: 'accepted-is-open',
    what: 'a settled write counts without being read back',
    breaks: 'I5',
    file: 'src/workflow/reconcile.ts',
    edits: [
      {
        text: "        if (nsg.provisioningState === 'Failed') await clock.sleep(1000);\n        break;",
        replacement:
          '        return converged({ ...planned, admitted: rows.map(({ requestId }) => requestId), present: [] }, new Map(), readAt);',
      },
    ],
    hunters: [reconcile, 'B'],
  },
  {
    id: 'early-reading-believed',
    what: 'a grant is taken for shut by an NSG that was read before it was opened',
    breaks: 'I5',
    file: 'src/workflow/reconcile.ts',
    edits: [{ text: '        if (isReadTooEarly(seen, stored, wasOver)) continue;\n', replacement: '' }],
    hunters: ['test/workflow/staleReadBack.test.ts', 'E'],
  },
  {
    id: 'changed-rows-ignored',
    what: 'rows that changed while they were noted are not read again',
    breaks: 'I5',
    file: 'src/workflow/reconcile.ts',
    edits: [
      {
        text: 'return (await live.markSeen(nsgId, marks)).length > 0;',
        replacement: 'return (await live.markSeen(nsgId, marks)).length < 0;',
      },
    ],
    hunters: [races, 'test/workflow/groupCommit.test.ts', 'E'],
  },
  {
    id: 'no-late-write-margin',
    what: 'a grant that was never seen open is called closed at once',
    breaks: 'I5',
    file: 'src/workflow/closeGrant.ts',
    edits: [{ text: 'if (!wasActive) {', replacement: 'if (!wasActive && row.version < 0) {' }],
    hunters: ['test/workflow/grant.test.ts', races, 'A', 'B'],
  },
  {
    id: 'one-nsg-is-enough',
    what: 'a grant is called active when one NSG of its path shows it',
    breaks: 'I5',
    file: 'src/workflow/openGrant.ts',
    edits: [
      {
        text: 'const isOpen = row.targets.every(({ nsgId }) => {',
        replacement: 'const isOpen = row.targets.some(({ nsgId }) => {',
      },
    ],
    hunters: ['test/workflow/groupCommit.test.ts', races, 'A', 'E'],
  },
  {
    id: 'close-without-look',
    what: 'a close is recorded without having seen that the rule is gone',
    breaks: 'I5',
    file: 'src/workflow/closeGrant.ts',
    edits: [
      {
        text: 'const open = results.find((result) => !isShut(result, row.id));',
        replacement: 'const open = results.find((result) => !isShut(result, row.id) && row.version < 0);',
      },
    ],
    hunters: [races, 'B', 'test/workflow/grant.test.ts'],
  },
  {
    id: 'active-after-end',
    what: 'a grant is called active although its end has passed',
    breaks: 'I5',
    file: 'src/workflow/openGrant.ts',
    edits: [
      {
        text: "current.state === 'opening' && isDesired(current, clock.now())\n          ? enterState(",
        replacement: "current.state === 'opening'\n          ? enterState(",
      },
    ],
    hunters: [races, 'test/workflow/grant.test.ts', 'E'],
  },
  {
    id: 'record-after-row',
    what: 'the live rows are written before the intent is recorded',
    breaks: 'I4',
    file: 'src/workflow/settle.ts',
    edits: [
      {
        text: '    const recorded = await recordJournal(request, audit, clock.now(), known);\n    const seen = await copyToLive(dependencies, request, seenAt, readBack, known);\n',
        replacement:
          '    const seen = await copyToLive(dependencies, request, seenAt, readBack, known);\n    const recorded = await recordJournal(request, audit, clock.now(), known);\n',
      },
    ],
    hunters: [races, 'A', 'B'],
  },
  {
    id: 'older-version-copied',
    what: 'an older version of a row replaces a newer one',
    breaks: 'I5',
    file: 'src/workflow/settle.ts',
    edits: [
      {
        text: 'if (current.row.version >= row.version) {',
        replacement: 'if (current.row.version === row.version) {',
      },
    ],
    hunters: ['test/workflow/settle.test.ts', races, 'E', 'test/workflow/grant.test.ts'],
  },
  {
    id: 'row-made-anew',
    what: 'a live row is made from a request that was read long ago',
    breaks: 'I5',
    file: 'src/workflow/settle.ts',
    edits: [
      {
        text: 'const mayInsert = () => clock.now() < secondsAfter(seenAt, limits.insertWithin);',
        replacement: 'const mayInsert = () => seenAt instanceof Date;',
      },
    ],
    hunters: ['test/workflow/settle.test.ts'],
  },
  {
    id: 'recorded-not-written',
    what: 'audit records are taken for written',
    breaks: 'I6',
    file: 'src/workflow/recordJournal.ts',
    edits: [
      { text: 'if (request.recorded >= last) return last;', replacement: 'if (last > 0) return last;' },
    ],
    hunters: ['A', 'test/workflow/recordJournal.test.ts'],
  },
  {
    id: 'lost-records-unnoticed',
    what: 'records that were there and are gone are written again',
    breaks: 'I6',
    file: 'src/workflow/recordJournal.ts',
    edits: [{ text: 'if (present.length < request.recorded) {', replacement: 'if (present.length < 0) {' }],
    hunters: ['test/workflow/recordJournal.test.ts'],
  },
  {
    id: 'revoked-before-rows',
    what: 'a revocation is answered before the live rows hold it',
    breaks: 'I5',
    file: 'src/workflow/accessRequestService.ts',
    edits: [
      {
        text: 'request: (await settle(dependencies, stored.row, now)).request',
        replacement: 'request: stored.row',
      },
    ],
    hunters: [races, 'test/workflow/grant.test.ts', 'E', 'A'],
  },
  {
    id: 'unknown-to-sweep',
    what: 'the row by which the sweep finds a request is not written',
    breaks: 'I8',
    file: 'src/workflow/submit.ts',
    edits: [
      { text: '  await live.addUnended({', replacement: '  if (id.length < 0) await live.addUnended({' },
    ],
    hunters: ['A', 'test/workflow/sweep.test.ts'],
  },
  {
    id: 'same-key-other-body',
    what: 'another body under a used Idempotency-Key is taken for the same',
    breaks: 'I6',
    file: 'src/workflow/submit.ts',
    edits: [
      {
        text: 'return earlier.bodyHash === submission.bodyHash',
        replacement: 'return earlier.bodyHash !== ""',
      },
    ],
    hunters: ['test/workflow/grant.test.ts', 'test/workflow/races.test.ts'],
  },
  {
    id: 'key-of-everybody',
    what: "one person's Idempotency-Key names another's request",
    breaks: 'I2',
    file: 'src/workflow/submit.ts',
    edits: [
      {
        text: '.update(JSON.stringify([tenantId, objectId, submission.idempotencyKey]))',
        replacement: '.update(JSON.stringify([tenantId, objectId.length, submission.idempotencyKey]))',
      },
    ],
    hunters: ['test/workflow/idempotencyKey.test.ts'],
  },
  {
    id: 'write-over-changed-row',
    what: 'a row is changed without its ETag',
    breaks: 'I6',
    file: 'src/adapters/tables/calls.ts',
    edits: [{ text: '{ ...signal, etag }),', replacement: "{ ...signal, etag: '*' })," }],
    hunters: ['test/adapters/tables/contracts.test.ts'],
  },
  {
    id: 'changed-record-unnoticed',
    what: 'the hash of an audit record is not compared with its content',
    breaks: 'I6',
    file: 'src/core/verifyChain.ts',
    edits: [{ text: 'if (link.contentHash !== link.hash) {', replacement: 'if (link.contentHash === "") {' }],
    hunters: ['test/core/verifyTrail.test.ts'],
  },
  {
    id: 'broken-chain-unnoticed',
    what: 'the hash of the record before is not compared',
    breaks: 'I6',
    file: 'src/core/verifyChain.ts',
    edits: [
      { text: "link.previousHash !== (previous?.hash ?? '')", replacement: "link.previousHash === 'none'" },
    ],
    hunters: ['test/core/verifyTrail.test.ts'],
  },
  {
    id: 'closes-by-delete',
    what: 'a close deletes rule by rule at once, without the write of the whole NSG that goes where a lock stands',
    breaks: 'I1',
    file: 'src/workflow/reconcile.ts',
    edits: [
      {
        text: '    const written = await network.writeNsg(nsg, proof.body, sending);',
        replacement:
          "    if (call.purpose === 'close') return refused({ code: 'refused-by-azure', message: '' });\n    const written = await network.writeNsg(nsg, proof.body, sending);",
      },
    ],
    hunters: ['test/workflow/closeWays.test.ts'],
  },
  {
    id: 'old-heartbeat',
    what: 'a heartbeat counts however old it is',
    breaks: 'I1',
    file: 'src/workflow/heartbeat.ts',
    edits: [{ text: 'now < secondsAfter(at, bound) && ', replacement: '' }],
    hunters: ['test/workflow/heartbeat.test.ts'],
  },
  {
    id: 'nothing-kept-for-closes',
    what: 'opens may take the last write that Azure gives',
    breaks: 'I1',
    file: 'src/core/writeBudget.ts',
    edits: [{ text: 'const keptForCloses = 1 / 5;', replacement: 'const keptForCloses = 0;' }],
    hunters: ['test/core/writeBudget.property.test.ts', 'test/workflow/closesFirst.test.ts'],
  },
  {
    id: 'anchors-not-asked',
    what: 'seals are held against no anchor',
    breaks: 'I6',
    file: 'src/core/verifySeals.ts',
    edits: [{ text: 'of anchors) {', replacement: 'of anchors.slice(anchors.length)) {' }],
    hunters: ['test/core/verifySeals.test.ts', 'test/scripts/auditVerifySeals.test.ts'],
  },
];
