import type { JsonObject } from '../../src/core/network.ts';

/** A rule of somebody else as Azure holds it: everything inbound is denied, but for what `properties` says. */
export function foreignRule(name: string, priority: number, properties: JsonObject = {}): JsonObject {
  return {
    name,
    properties: {
      protocol: '*',
      sourcePortRange: '*',
      destinationPortRange: '*',
      sourceAddressPrefix: '*',
      destinationAddressPrefix: '*',
      access: 'Deny',
      priority,
      direction: 'Inbound',
      ...properties,
    },
  };
}

/** The same body with one more rule at the end of its list. */
export function withRule(body: JsonObject, rule: JsonObject): JsonObject {
  const properties = body['properties'] as { securityRules: JsonObject[] };
  return { ...body, properties: { ...properties, securityRules: [...properties.securityRules, rule] } };
}
