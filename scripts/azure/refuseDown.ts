import { randomUUID } from 'node:crypto';
import type { Inventory } from '../../src/core/inventory.ts';
import { findOwned } from '../../src/workflow/adoptInstallation.ts';
import { linesOf } from '../ownedRules.ts';
import { rightsStackOf, watchdogStackOf } from './networkRights.ts';

/**
 * Whether the app may go: only when no rule of the installation stands, because nobody else removes them. Says which do
 * and how to close them. Throws an Error where it cannot be seen, which is no yes.
 */
export async function mayGo(
  inventory: Pick<Inventory, 'nsgs'>,
  installationId: string,
  print: (line: string) => void,
): Promise<boolean> {
  const found = await findOwned(inventory, { id: installationId }, randomUUID());
  linesOf(found, installationId).forEach(print);
  if (found.length > 0) {
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
