import { randomUUID } from 'node:crypto';
import type { Inventory } from '../../src/core/inventory.ts';
import { findOwned } from '../../src/workflow/adoptInstallation.ts';
import { linesOf } from '../ownedRules.ts';

/**
 * Whether the rights on networks may become those on the named groups: only when no rule of the installation stands in
 * another group of the subscription. The stack takes the right away there, the watchdog's too, and nobody could close it.
 * Says which stand where. Throws an Error where it cannot be seen, which is no yes.
 */
export async function mayTakeRights(
  inventory: Pick<Inventory, 'nsgs'>,
  { installationId, subscriptionId, groups }: Record<'installationId' | 'subscriptionId' | 'groups', string>,
  print: (line: string) => void,
): Promise<boolean> {
  const named = groups.split(',').map((group) => group.trim().toLowerCase());
  const found = await findOwned(onlyIn(subscriptionId, inventory), { id: installationId }, randomUUID());
  const left = found.filter(({ nsgId }) => !named.includes(nsgId.split('/')[4]?.toLowerCase() ?? ''));
  if (left.length === 0) return true;
  linesOf(left, installationId).forEach(print);
  print('');
  print(
    'Their resource groups are not in SALLYPORT_GATEKEEPER_GROUPS: neither Sallyport nor the watchdog could',
  );
  print(
    'close these rules any more. No right was changed. Name the groups again, or first end the grants and',
  );
  print('delete the policies there, and run azd provision again when the next sweep has gone over them.');
  return false;
}

/** What an inventory lists in one subscription: where that may not be listed, the list has failed. */
export function onlyIn(subscriptionId: string, inventory: Pick<Inventory, 'nsgs'>): Pick<Inventory, 'nsgs'> {
  return { nsgs: (call) => inventory.nsgs({ ...call, subscriptionIds: [subscriptionId] }) };
}
