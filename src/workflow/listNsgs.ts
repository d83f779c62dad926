import { causeOf } from '../core/cause.ts';
import type { NsgDocument } from '../core/network.ts';
import { subscriptionOf } from '../core/resourceId.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';

/** Seconds after which no further page is asked for. */
const timeLimit = 60;

export interface NsgListing {
  nsgs: NsgDocument[];
  /** That were asked for. */
  pages: number;
  /** No page failed. */
  isWhole: boolean;
}

/** Lists every NSG that can be seen, or those of these subscriptions and of the ones that are known. Never throws. */
export async function listNsgs(
  { inventory, clock, log }: Pick<Dependencies, 'inventory' | 'clock' | 'log'>,
  {
    correlationId,
    known,
    all,
    subscriptionIds: others = [],
  }: { correlationId: string; known: readonly string[]; all: boolean; subscriptionIds?: readonly string[] },
): Promise<NsgListing> {
  const listing: NsgListing = { nsgs: [], pages: 0, isWhole: true };
  const subscriptionIds = [...new Set([...known.map(subscriptionOf), ...others])];
  if (!all && subscriptionIds.length === 0) return listing;
  const until = secondsAfter(clock.now(), timeLimit);
  try {
    for await (const page of inventory.nsgs({ correlationId, ...(all ? {} : { subscriptionIds }) })) {
      listing.pages += 1;
      if (page.kind === 'page') listing.nsgs.push(...page.items);
      else fail({ subscriptionId: page.subscriptionId, cause: page.message });
      if (clock.now() > until) {
        fail({ cause: `The list was not read to its end within ${timeLimit} s.` });
        break;
      }
    }
  } catch (error) {
    fail({ cause: causeOf(error) });
  }
  return listing;

  function fail(facts: Record<string, string>): void {
    listing.isWhole = false;
    log.error('listing-failed', { ...facts, correlationId });
  }
}
