import { flushValueOf, type FlushValue } from '../../src/core/flushConnection.ts';
import type { JsonObject, NsgDocument } from '../../src/core/network.ts';
import { parseOwnedName } from '../../src/core/ownedRule.ts';
import { readRules } from '../../src/core/nsgBody.ts';
import { contoso } from './liveRow.ts';
import type { GrantWorld, Hindrance } from './grantWorld.ts';

/** One write of a whole NSG, as it was sent. */
export interface SentWrite {
  nsgId: string;
  /** `properties.flushConnection` before and after. */
  from: FlushValue;
  to: FlushValue;
  /** Requests whose rules it takes away. */
  ends: string[];
  /** What was recorded of the member when it was sent. */
  recorded: FlushValue | undefined;
}

/** Notes each write of a whole NSG as it is sent, with what is recorded by then. */
export function noteWrites(world: GrantWorld, sent: SentWrite[]): Hindrance {
  return {
    before: async (effect, parameters) => {
      if (effect !== 'network.writeNsg') return;
      const [nsg, body] = parameters as [NsgDocument, JsonObject];
      const stays = new Set(requestsIn(body));
      sent.push({
        nsgId: nsg.id,
        from: flushValueOf(nsg.body),
        to: flushValueOf(body),
        ends: requestsIn(nsg.body).filter((id) => !stays.has(id)),
        recorded: (await world.stores.nsgs.get(nsg.id))?.row.flush?.former,
      });
    },
  };
}

/** Gives an NSG this value of the member, as somebody else would. */
export function setFlush(world: GrantWorld, nsgId: string, { value }: FlushValue): void {
  world.network.edit(nsgId, (body) => {
    const properties = { ...(body['properties'] as JsonObject) };
    if (value === undefined) delete properties['flushConnection'];
    else properties['flushConnection'] = value;
    return { ...body, properties };
  });
}

/** The member as the NSG has it now. */
export function flushOf(world: GrantWorld, nsgId: string): FlushValue {
  return flushValueOf(world.network.nsg(nsgId) ?? {});
}

function requestsIn(body: JsonObject): string[] {
  return readRules(body, contoso.id).owned.flatMap(
    ({ head }) => parseOwnedName(head.name, contoso.id)?.requestId ?? [],
  );
}
