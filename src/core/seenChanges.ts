import type { LiveRow, NsgTarget, SeenGrant } from './accessRequest.ts';
import { grantChanges } from './grantChanges.ts';
import type { Installation } from './installation.ts';
import type { JsonObject } from './network.ts';
import { readRules } from './nsgBody.ts';
import { seenGrants, type ReadBack } from './seenGrants.ts';

export interface ReadOverTime extends Omit<ReadBack, 'installation'> {
  /** The NSG before anything was written to it. */
  first: JsonObject;
  installation: Installation;
}

/**
 * What an NSG shows of each of its grants, and of those that open or shut what that changed since it was first read.
 * Whoever was seen so before keeps what was told then. Never throws: what cannot be worked out is told as not known, for
 * no close may wait for it.
 */
export function seenChanges({ first, installation, ...readBack }: ReadOverTime): Map<string, SeenGrant> {
  const seen = seenGrants({ ...readBack, installation: installation.id });
  // Read when it is first asked for: most reconciles find nobody who changed.
  let before: ReturnType<typeof readRules>['byRequest'] | undefined;
  const wasThere = ({ requestId }: LiveRow) => {
    before ??= readRules(first, installation.id).byRequest;
    return before.get(requestId)?.some(({ head }) => head.access !== 'deny') === true;
  };
  const changed = { opened: new Array<LiveRow>(), shut: new Array<LiveRow>() };
  for (const { row } of readBack.rows) {
    const now = seen.get(row.requestId);
    if (now === undefined) continue;
    if (row.seen?.state === now.state) {
      const { changes, goneBefore } = row.seen;
      seen.set(row.requestId, { ...now, changes, ...(goneBefore === true ? { goneBefore } : {}) });
    } else if (now.state === 'open') {
      changed.opened.push(row);
    } else if (row.seen !== undefined || wasThere(row)) {
      changed.shut.push(row);
      if (!wasThere(row)) seen.set(row.requestId, { ...now, goneBefore: true });
    }
  }
  // Most reconciles find nobody who changed.
  const told = changed.opened.length + changed.shut.length === 0 ? undefined : tell();
  for (const { requestId } of [...changed.opened, ...changed.shut]) {
    const now = seen.get(requestId);
    if (now !== undefined) seen.set(requestId, { ...now, changes: told?.get(requestId) ?? [notKnown] });
  }
  return seen;

  function tell(): Map<string, string[]> | undefined {
    try {
      return grantChanges({ first, last: readBack.body, ...changed, installation });
    } catch {
      // A row of ours that is damaged: its grant is shut all the same.
      return undefined;
    }
  }
}

const notKnown = 'What this changed is not known: it could not be worked out.';
const maximumLines = 20;

/** The same for a request's whole path, for its journal: which network security group each sentence is about. */
export function changesOnPath(
  targets: readonly Pick<NsgTarget, 'nsgId'>[],
  seen: ReadonlyMap<string, Pick<SeenGrant, 'changes'>>,
): string[] {
  const lines = targets.flatMap(({ nsgId }) => {
    const name = nsgId.slice(nsgId.lastIndexOf('/') + 1);
    return (seen.get(nsgId)?.changes ?? []).map((line) => `${name}: ${line}`);
  });
  if (lines.length <= maximumLines) return lines;
  const shown = lines.slice(0, maximumLines - 1);
  return [...shown, `And ${lines.length - shown.length} more sentences.`];
}
