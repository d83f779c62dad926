import type { Api } from '../jit/api.ts';
import { outcomeOf } from './comparePolicies.ts';
import type { Difference } from './comparePolicies.ts';
import type { Trouble } from './policyFile.ts';

/**
 * Makes each policy what was compared, if it is still of the version that was compared, and says so to `done`. Deletes come last, and
 * only where every put was done: a policy that has a new name is there under it before its baselines go under the old one.
 * Answers with what was not done.
 */
export async function applyPolicies(
  api: Api,
  differences: readonly Difference[],
  done: (difference: Difference) => void,
): Promise<Trouble[]> {
  const isDelete = ({ kind }: Difference) => kind === 'deleted';
  const deletes = differences.filter(isDelete);
  const troubles = await makeEach(differences.filter((each) => !isDelete(each)));
  if (troubles.length === 0) return makeEach(deletes);
  const detail = 'It was not deleted, because not everything before it was done.';
  const left = deletes.map(({ wanted }) => ({ where: wanted.where, errors: [{ code: 'left', detail }] }));
  return [...troubles, ...left];

  async function makeEach(wished: readonly Difference[]): Promise<Trouble[]> {
    const failed: Trouble[] = [];
    for (const { kind, wanted } of wished) {
      const outcome = await outcomeOf(api, wanted, { isDryRun: false });
      if (outcome.ok) done({ kind, wanted, change: outcome.change });
      else failed.push(outcome.trouble);
    }
    return failed;
  }
}
