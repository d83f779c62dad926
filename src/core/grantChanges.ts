import type { Box } from './accessRequest.ts';
import { describeDifference } from './guard/describeDifference.ts';
import { grantDifferences } from './guard/grantDifferences.ts';
import type { Installation } from './installation.ts';
import type { Json, JsonObject } from './network.ts';
import { planBody, readRules } from './nsgBody.ts';
import { ownedRules, parseOwnedName, rawRule } from './ownedRule.ts';

/** What a reconcile read of one NSG, and which grants it found open or shut that were not known to be so. */
export interface SeenGrants {
  /** The body as it was read first, and as it was read back in the end. */
  first: JsonObject;
  last: JsonObject;
  opened: readonly ChangedGrant[];
  shut: readonly ChangedGrant[];
  installation: Installation;
}

/** A grant of this NSG; the same shape as a live row's. */
export interface ChangedGrant {
  requestId: string;
  /** ISO 8601. */
  end: string;
  boxes: Box[];
}

/** Sentences for one grant and NSG. */
const maximumLines = 6;
/** Elementary steps, as for a proof. */
const budget = 1_000_000;

/**
 * Who can newly reach what, or no longer, in the boxes of each grant that was found open or shut: sentences by request
 * id, at most seven of at most 400 characters. It compares what was read, so that it is true whoever wrote: this process,
 * another one, or a person. Pure; throws as the guard does.
 *
 * Where the rules of a grant were open already when the NSG was first read, or gone already, what was before them is not
 * known. Then the NSG is compared with itself without them, or with them in the first place of the band, and says so.
 */
export function grantChanges({ first, last, opened, shut, installation }: SeenGrants): Map<string, string[]> {
  const before = readRules(first, installation.id).byRequest;
  const wasThere = ({ requestId }: ChangedGrant) =>
    before.get(requestId)?.some(({ head }) => head.access !== 'deny') === true;
  const openBefore = opened.filter(wasThere);
  const goneBefore = shut.filter((grant) => !wasThere(grant));
  const seen = [...opened.filter((grant) => !wasThere(grant)), ...shut.filter(wasThere)];
  return new Map([
    ...sentences(first, last, seen, []),
    ...sentences(without(last, openBefore, installation), last, openBefore, [
      'Its rules were there when the network security group was first read. Compared with the same rules without them:',
    ]),
    ...sentences(withRules(last, goneBefore, installation), last, goneBefore, [
      'Its rules were gone when the network security group was first read. Compared with the same rules and them:',
    ]),
  ]);

  function sentences(
    from: JsonObject,
    to: JsonObject,
    grants: readonly ChangedGrant[],
    preface: string[],
  ): [string, string[]][] {
    if (grants.length === 0) return [];
    const differences = grantDifferences({
      before: from,
      after: to,
      installation: installation.id,
      budget,
      grants: grants.map(({ requestId, boxes }) => ({ requestId, boxes })),
    });
    return grants.map((grant) => {
      const difference = differences?.get(grant.requestId);
      if (difference === undefined) return [grant.requestId, [tooLong]];
      const lines = describeDifference(difference, maximumLines);
      if (lines.length > 0) return [grant.requestId, [...preface, ...lines]];
      return [grant.requestId, [...preface, opened.includes(grant) ? nothingAdmitted : nothingRefused]];
    });
  }
}

const tooLong = 'What this changed was not worked out: it would have taken longer than it may.';
const nothingAdmitted = 'Nobody can newly reach anything: other rules admit the same.';
const nothingRefused = 'Nobody is newly kept from anything: other rules admit the same.';

function without(body: JsonObject, grants: readonly ChangedGrant[], installation: Installation): JsonObject {
  const ids = new Set(grants.map(({ requestId }) => requestId));
  const { rules, owned } = readRules(body, installation.id);
  const theirs = new Set<Json>(
    owned
      .filter(({ head }) => ids.has(parseOwnedName(head.name, installation.id)?.requestId ?? ''))
      .map(({ raw }) => raw),
  );
  return planBody(
    body,
    rules.filter((rule) => !theirs.has(rule)),
  );
}

function withRules(
  body: JsonObject,
  grants: readonly ChangedGrant[],
  installation: Installation,
): JsonObject {
  const { rules } = readRules(body, installation.id);
  const gone = grants.flatMap((grant) =>
    ownedRules(grant, installation.id).map((rule) => rawRule(rule, installation.allowBand.first)),
  );
  return planBody(without(body, grants, installation), [...rules, ...gone]);
}
