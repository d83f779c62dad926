import type { Box } from '../core/accessRequest.ts';
import { adminRuleReasons, type AdminRuleReasons } from '../core/adminRuleReasons.ts';
import { canonicalId } from '../core/resourceId.ts';
import { virtualNetworkOf, type ReadSecurityAdminRules } from '../core/securityAdminRule.ts';
import type { Dependencies } from './dependencies.ts';

/** What is to be opened at one machine of a network. */
export interface NetworkTarget {
  subnetId: string | undefined;
  boxes: Box[];
  /** The machine, as a JSON path of the request. */
  field: string;
}

/**
 * Asks what comes before every NSG: the security admin rules of each network that is concerned. What cannot be read
 * refuses nobody; it is said, and logged.
 */
export async function checkAdminRules(
  { securityAdminRules, log }: Pick<Dependencies, 'securityAdminRules' | 'log'>,
  targets: readonly NetworkTarget[],
  call: { correlationId: string },
): Promise<AdminRuleReasons> {
  const reads = new Map<string, Promise<ReadSecurityAdminRules>>();
  const read = (virtualNetworkId: string) => {
    const key = canonicalId(virtualNetworkId);
    const reading = reads.get(key) ?? readLogged(virtualNetworkId);
    reads.set(key, reading);
    return reading;
  };
  const all = await Promise.all(
    targets.map(async ({ subnetId = '', boxes, field }) => {
      const virtualNetworkId = virtualNetworkOf(subnetId) ?? '';
      return adminRuleReasons(await read(virtualNetworkId), { virtualNetworkId, boxes, field });
    }),
  );
  return {
    against: all.flatMap(({ against }) => against),
    warnings: all.flatMap(({ warnings }) => warnings),
  };

  async function readLogged(virtualNetworkId: string): Promise<ReadSecurityAdminRules> {
    const answer = await securityAdminRules.ofNetwork(virtualNetworkId, call);
    if (answer.kind === 'not-checked' && answer.cause !== 'off') {
      log.warn('admin-rules-not-checked', { ...call, virtualNetworkId, cause: answer.message });
    }
    return answer;
  }
}
