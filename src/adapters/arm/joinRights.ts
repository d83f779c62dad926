import type { Clock } from '../../core/clock.ts';
import { grantsAction } from '../../core/rights.ts';
import { answersHold, keepAnswers } from './keepAnswers.ts';
import { listAll, type ListSettings } from './list.ts';
import type { SendRaw } from './rawRequest.ts';
import { pathOf, type ResourceId } from './resourceId.ts';

/** What Azure asks for on each application security group that any rule of a written NSG names. */
export const joinAction = 'Microsoft.Network/applicationSecurityGroups/joinNetworkSecurityRule/action';

type Asked = 'granted' | 'not-granted' | 'unknown';

/** Those of the groups that this identity is known to have no right to name in a rule. */
export type FindUnjoinable = (
  groups: readonly ResourceId[],
  call: { correlationId: string },
) => Promise<ResourceId[]>;

/**
 * Asks at the resource group, which answers for every application security group in it, and at one of them alone only
 * where the right is missing there. What cannot be read is no refusal: opening needs the same right, and opens nothing
 * without it.
 */
export function createJoinRights(
  send: SendRaw,
  clock: Clock,
  settings: ListSettings & { permissionsVersion: string },
): FindUnjoinable {
  const kept = keepAnswers<Asked>(clock, answersHold, (answer) => answer !== 'unknown');

  return async (groups, { correlationId }) => {
    const judged = await Promise.all(
      groups.map(async (group) => {
        const path = pathOf(group);
        const resourceGroup = path.slice(0, path.indexOf('/providers/'));
        const atGroup = await ask(resourceGroup, group.subscriptionId, correlationId);
        const answer =
          atGroup === 'not-granted' ? await ask(path, group.subscriptionId, correlationId) : atGroup;
        return { group, answer };
      }),
    );
    return judged.flatMap(({ group, answer }) => (answer === 'not-granted' ? [group] : []));
  };

  function ask(scope: string, subscriptionId: string, correlationId: string): Promise<Asked> {
    return kept(scope.toLowerCase(), false, async () => {
      const permissions = await listAll(send, settings, {
        subscriptionId,
        path: `${scope}/providers/Microsoft.Authorization/permissions`,
        apiVersion: settings.permissionsVersion,
        correlationId,
      });
      if (permissions.kind === 'failed') return 'unknown';
      return permissions.items.some((entry) => grantsAction(entry, joinAction)) ? 'granted' : 'not-granted';
    });
  }
}
