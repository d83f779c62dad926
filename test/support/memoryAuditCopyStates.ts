import type { AuditCopyStates } from '../../src/core/auditCopyState.ts';
import type { AuditCopyState } from '../../src/core/auditCopyState.ts';

/** How far the audit has been copied, in memory. What goes in and out is a copy, as it is with a real table. */
export function createMemoryAuditCopyStates(): AuditCopyStates {
  const rows = new Map<string, { text: string; etag: string }>();
  let changes = 0;

  function put(sink: string, state: AuditCopyState) {
    changes += 1;
    const etag = `W/"${changes}"`;
    rows.set(sink, { text: JSON.stringify(state), etag });
    return { row: state, etag };
  }

  return {
    get(sink) {
      const found = rows.get(sink);
      return Promise.resolve(found && { row: JSON.parse(found.text) as AuditCopyState, etag: found.etag });
    },
    insert(sink, state) {
      const found = rows.get(sink);
      if (found === undefined) return Promise.resolve(put(sink, state));
      const isSame = found.text === JSON.stringify(state);
      return Promise.resolve(isSame ? { row: state, etag: found.etag } : 'exists');
    },
    replace: (sink, state, etag) =>
      Promise.resolve(rows.get(sink)?.etag === etag ? put(sink, state) : 'changed'),
  };
}
