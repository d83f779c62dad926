import type { AccessRequest } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import type { JsonObject } from '../core/network.ts';
import { readRules } from '../core/nsgBody.ts';
import type { Dependencies } from './dependencies.ts';

/** Where rules of a grant are, whatever the ids of the NSGs that they were written to. */
export interface Whereabouts {
  nsgIds: string[];
  /** Every NSG that this identity sees was looked at: where no rule was found, there is none. */
  isWhole: boolean;
  /** Why not. */
  cause?: string;
}

export type FindMoved = (
  request: Pick<AccessRequest, 'id' | 'found' | 'correlationId'>,
) => Promise<Whereabouts>;

/** One look at every NSG. */
interface Look {
  /** Request id → ids of the NSGs with rules of it. */
  byRequest: Map<string, Set<string>>;
  cause?: string;
}

type FindDependencies = Pick<Dependencies, 'inventory' | 'network' | 'installation'>;

/**
 * Makes the function that looks for a grant's rules in every NSG that can be listed: a move to another resource group or
 * subscription gives an NSG another id and leaves its rules open. Callers that arrive during a look share the next one:
 * what they have read by then may be newer than what it shows. Never rejects.
 */
export function createFindMoved({ inventory, network, installation }: FindDependencies): FindMoved {
  let running: Promise<Look> | undefined;
  let next: Promise<Look> | undefined;

  function begin(correlationId: string): Promise<Look> {
    next = undefined;
    const look = lookEverywhere(correlationId).finally(() => {
      if (running === look) running = undefined;
    });
    running = look;
    return look;
  }

  return async ({ id, found = [], correlationId }) => {
    const look = await (running === undefined
      ? begin(correlationId)
      : (next ??= running.then(() => begin(correlationId))));
    const nsgIds = [...(look.byRequest.get(id) ?? [])];
    if (look.cause === undefined) return { nsgIds, isWhole: true };
    // Not everything could be listed. An NSG that was moved still stands before the machine, mostly.
    if (nsgIds.length === 0) {
      for (const { virtualMachineId } of found) {
        nsgIds.push(...(await nsgsBefore(virtualMachineId, id, correlationId)));
      }
    }
    return { nsgIds, isWhole: false, cause: look.cause };
  };

  async function lookEverywhere(correlationId: string): Promise<Look> {
    const byRequest: Look['byRequest'] = new Map();
    let cause: string | undefined;
    try {
      for await (const page of inventory.nsgs({ correlationId })) {
        if (page.kind === 'failed') {
          cause ??= page.message;
          continue;
        }
        for (const nsg of page.items) {
          for (const requestId of requestsIn(nsg.body)) {
            byRequest.set(requestId, (byRequest.get(requestId) ?? new Set()).add(nsg.id));
          }
        }
      }
    } catch (error) {
      cause ??= causeOf(error);
    }
    return { byRequest, ...(cause === undefined ? {} : { cause }) };
  }

  async function nsgsBefore(machine: string, requestId: string, correlationId: string): Promise<string[]> {
    try {
      const resolved = await network.resolveVirtualMachine(machine, { correlationId });
      if ('refused' in resolved) return [];
      return resolved.nsgs.filter(({ body }) => requestsIn(body).includes(requestId)).map(({ id }) => id);
    } catch {
      // It was a guess; the list that failed is told of.
      return [];
    }
  }

  /** Requests with a rule there that may admit. */
  function requestsIn(body: JsonObject): string[] {
    return [...readRules(body, installation.id).byRequest]
      .filter(([, rules]) => rules.some(({ head }) => head.access !== 'deny'))
      .map(([requestId]) => requestId);
  }
}
