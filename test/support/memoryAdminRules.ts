import type { JsonObject } from '../../src/core/network.ts';
import type {
  ReadSecurityAdminRules,
  SecurityAdminRule,
  SecurityAdminRules,
} from '../../src/core/securityAdminRule.ts';

/** Security admin rules as a test sets them; a network that was not spoken of has none. */
export interface MemoryAdminRules extends SecurityAdminRules {
  set(virtualNetworkId: string, answer: ReadSecurityAdminRules): void;
  /** Networks that were asked about, in order. */
  readonly asked: string[];
}

export function createMemoryAdminRules(): MemoryAdminRules {
  const known = new Map<string, ReadSecurityAdminRules>();
  const asked: string[] = [];
  return {
    asked,
    ofNetwork(virtualNetworkId) {
      asked.push(virtualNetworkId);
      return Promise.resolve(known.get(virtualNetworkId.toLowerCase()) ?? { kind: 'read', rules: [] });
    },
    set(virtualNetworkId, answer) {
      known.set(virtualNetworkId.toLowerCase(), answer);
    },
  };
}

const configuration =
  '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/Contoso-Core/providers/Microsoft.Network/networkManagers/contoso/securityAdminConfigurations/guardrails';

/** A rule as Azure answers it; unless the properties say otherwise it speaks of everybody and of every port. */
export function adminRule(name: string, access: string, properties: JsonObject = {}): SecurityAdminRule {
  const everybody = [{ addressPrefix: '*', addressPrefixType: 'IPPrefix' }];
  return {
    id: `${configuration}/ruleCollections/management/rules/${name}`,
    name,
    kind: 'Custom',
    properties: {
      ...{ access, priority: 10, direction: 'Inbound', protocol: 'Tcp' },
      ...{ sources: everybody, destinations: everybody },
      ...{ sourcePortRanges: ['0-65535'], destinationPortRanges: ['0-65535'] },
      provisioningState: 'Succeeded',
      ...properties,
    },
  };
}
