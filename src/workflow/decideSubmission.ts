import { decide, type Deciding } from '../core/decide.ts';
import { dependsOnTags, effectivePolicy } from '../core/effectivePolicy.ts';
import type { Submission } from './contracts.ts';
import type { Dependencies } from './dependencies.ts';
import type { Unavailable } from './preflight.ts';
import { readNetworks, unreadable, type ReadNetwork } from './resolvePath.ts';

/** What may be asked of the policies; a submission is that and more. */
export type Decidable = Pick<
  Submission,
  'virtualMachines' | 'durationSeconds' | 'justification' | 'correlationId'
>;

/**
 * Decides by the policies as they are now, for access that begins at `start`. A machine is read before only where a
 * policy may select it by its tags; what was read comes back, so that nobody reads it again.
 */
export async function decideSubmission(
  dependencies: Pick<Dependencies, 'policies' | 'network' | 'log'>,
  submission: Decidable,
  start: Date,
): Promise<{ deciding: Deciding; networks: ReadNetwork[] } | Unavailable> {
  const policies = (await dependencies.policies.list()).map(({ row }) => row);
  const asked = submission.virtualMachines.map(({ id }, index) => ({ id, index }));
  const { correlationId } = submission;
  const toRead = asked.filter(({ id }) => dependsOnTags(policies, id));
  const networks = await readNetworks(dependencies, toRead, { correlationId });
  if (networks === undefined) return unreadable;
  const deciding = decide({
    submission,
    policies: asked.map(({ id, index }) => {
      const network = networks.find((read) => read.index === index)?.network;
      // Without tags: of a machine that is refused whatever the policies say, and of one that no tags matter to.
      return effectivePolicy(policies, { id, tags: network?.tags ?? {} });
    }),
    start,
  });
  return { deciding, networks };
}
