import type { Inventory } from '../core/inventory.ts';
import { readRules } from '../core/nsgBody.ts';
import type { RuleHead } from '../core/securityRule.ts';
import type { InstallationMarker } from '../core/stores.ts';
import type { Dependencies } from './dependencies.ts';
import { recordAlone } from './recordJournal.ts';

/** The event of an adoption in the audit. */
export const adoptedEvent = 'installation.adopted';

/** What stands of an installation in one NSG. */
export interface OwnedRules {
  nsgId: string;
  rules: RuleHead[];
}

/** Every NSG with a rule of the installation. Throws an Error if any of them may have been missed. */
export async function findOwned(
  inventory: Pick<Inventory, 'nsgs'>,
  installation: { id: string },
  correlationId: string,
): Promise<OwnedRules[]> {
  const found: OwnedRules[] = [];
  for await (const page of inventory.nsgs({ correlationId })) {
    if (page.kind === 'failed') {
      const where = page.subscriptionId === '' ? 'the subscriptions' : `subscription ${page.subscriptionId}`;
      throw new Error(`The network security groups of ${where} could not be listed: ${page.message}`);
    }
    for (const { id, body } of page.items) {
      const rules = readRules(body, installation.id).owned.map(({ head }) => head);
      if (rules.length > 0) found.push({ nsgId: id, rules });
    }
  }
  return found;
}

/**
 * Lets tables without a marker count as those of the installation from now on, whatever rules of it stand. The record
 * comes first: there is never a marker without one. Returns the marker that is there afterwards, which is somebody else's
 * if theirs was first.
 */
export async function adoptInstallation(
  { audit, sweepState, clock, newId }: Pick<Dependencies, 'audit' | 'sweepState' | 'clock' | 'newId'>,
  { by, found, correlationId }: { by: string; found: readonly OwnedRules[]; correlationId: string },
): Promise<InstallationMarker> {
  const existing = await sweepState.marker();
  if (existing !== undefined) return existing;
  const marker: InstallationMarker = { madeAt: clock.now().toISOString(), madeBy: by };
  const rules = found.reduce((sum, nsg) => sum + nsg.rules.length, 0);
  await recordAlone(
    {
      partition: newId(),
      event: adoptedEvent,
      at: marker.madeAt,
      actor: by,
      networkSecurityGroups: found.map(({ nsgId }) => nsgId),
      reasons: [
        {
          code: 'tables-lost',
          message: 'The tables had no marker of this installation. They count as its own from now on.',
        },
      ],
      correlationId,
      details: { rules },
    },
    audit,
  );
  await sweepState.insertMarker(marker);
  return (await sweepState.marker()) ?? marker;
}
