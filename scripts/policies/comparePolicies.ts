import { canonicalId } from '../../src/core/resourceId.ts';
import { ApiProblem } from '../jit/api.ts';
import type { Api } from '../jit/api.ts';
import { messageOf } from '../jit/failure.ts';
import { fileNameOf } from './policyFile.ts';
import type { PolicyFile, Trouble } from './policyFile.ts';
import { changePolicy } from './storedPolicies.ts';
import type { Change, StoredPolicy, Wanted } from './storedPolicies.ts';

/** One policy that is not there as it is in the folder, and what making it so would do. */
export interface Difference {
  kind: 'added' | 'changed' | 'deleted';
  wanted: Wanted;
  change: Change;
}

export interface Comparison {
  differences: Difference[];
  same: number;
  /** Names of those that are in the app and not in the folder, and that stay. */
  onlyThere: string[];
  /** What the app refuses, of whichever file. */
  troubles: Trouble[];
}

/**
 * Asks the app what each file would change, and, to prune, what deleting the rest would. Everything is asked before
 * anything is answered, so that all that is wrong is known at once.
 */
export async function comparePolicies(
  api: Api,
  files: readonly PolicyFile[],
  stored: readonly StoredPolicy[],
  { isPruned }: { isPruned: boolean },
): Promise<Comparison> {
  const there = new Map(stored.map((policy) => [canonicalId(policy.id), policy]));
  const inFolder = new Set(files.map(({ name }) => canonicalId(name)));
  const rest = stored.filter(({ id }) => !inFolder.has(canonicalId(id)));
  const wanted: Wanted[] = [
    ...files.map(({ name, body }): Wanted => {
      const { id = name, version = 'none' as const } = there.get(canonicalId(name)) ?? {};
      return { where: fileNameOf(name), name: id, body, ifVersion: version };
    }),
    ...(isPruned ? rest : []).map(({ id, version }) => ({ where: id, name: id, ifVersion: version })),
  ];
  const differences: Difference[] = [];
  const troubles: Trouble[] = [];
  for (const each of wanted) {
    const outcome = await outcomeOf(api, each, { isDryRun: true });
    const kind = kindOf(each);
    if (!outcome.ok) troubles.push(outcome.trouble);
    else if (kind !== 'changed' || outcome.change.changes.length > 0) {
      differences.push({ kind, wanted: each, change: outcome.change });
    }
  }
  const same = wanted.length - differences.length - troubles.length;
  return { differences, same, onlyThere: isPruned ? [] : rest.map(({ id }) => id), troubles };
}

export type Outcome = { ok: true; change: Change } | { ok: false; trouble: Trouble };

/** Changes one policy, or asks what that would do: what is refused does not hide what comes after it. Never rejects. */
export async function outcomeOf(api: Api, wanted: Wanted, how: { isDryRun: boolean }): Promise<Outcome> {
  try {
    return { ok: true, change: await changePolicy(api, wanted, how) };
  } catch (error) {
    const { where } = wanted;
    if (!(error instanceof ApiProblem)) {
      return { ok: false, trouble: { where, errors: [{ code: 'no-answer', detail: messageOf(error) }] } };
    }
    const { errors, code, detail, correlationId } = error.problem;
    const said = errors.length > 0 ? errors : [{ code, detail }];
    return { ok: false, trouble: { where, errors: said, correlationId } };
  }
}

function kindOf({ body, ifVersion }: Wanted): Difference['kind'] {
  if (body === undefined) return 'deleted';
  return ifVersion === 'none' ? 'added' : 'changed';
}
