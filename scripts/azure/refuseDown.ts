import { randomUUID } from 'node:crypto';
import type { Inventory } from '../../src/core/inventory.ts';
import { findOwned, type OwnedRules } from '../../src/workflow/adoptInstallation.ts';
import { linesOf } from '../ownedRules.ts';
import { rightsStackOf, watchdogStackOf } from './networkRights.ts';
import { onlyIn } from './takenGroups.ts';

/**
 * Whether the app may go: only when no rule of the installation stands, because nobody else removes them. Says which do
 * and how to close them. Throws an Error where it cannot be seen in the app's own subscription, which is no yes.
 */
export async function mayGo(
  inventory: Pick<Inventory, 'nsgs'>,
  installationId: string,
  subscriptionId: string,
  print: (line: string) => void,
): Promise<boolean> {
  const installation = { id: installationId };
  // The subscription of the app by itself too: what may not be listed there is no line among others but an Error.
  const found = new Map<string, OwnedRules>();
  for (const places of [inventory, onlyIn(subscriptionId, inventory)]) {
    for (const owned of await findOwned(places, installation, randomUUID())) {
      found.set(owned.nsgId.toLowerCase(), owned);
    }
  }
  linesOf([...found.values()], installationId).forEach(print);
  if (found.size > 0) {
    print('');
    print('Without the app these rules stay for ever: what is open stays open. Nothing was deleted. First');
    print('  end the grants:      npm run jit -- list, npm run jit -- revoke <id>; or wait for their end');
    print('  delete the policies: their baselines go with them (docs/policies.md)');
    print('and run azd down again when the next sweep has gone over them.');
    return false;
  }
  print(
    'No rule stands. Rights and watchdog are stacks of their own, which you delete afterwards, the watchdog last:',
  );
  print(`  az stack sub delete --name ${rightsStackOf(installationId)} --action-on-unmanage deleteResources`);
  print(`  az stack sub delete --name ${watchdogStackOf(installationId)} --action-on-unmanage deleteAll`);
  return true;
}
