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

/** An NSG of somebody else that ends with this deny, with what only a newer version of the interface would know. */
export function nsgOfOthers(deny: JsonObject): JsonObject {
  return {
    location: 'westeurope',
    properties: {
      flushConnection: false,
      aPropertyOfTheFuture: { kept: [1, 2] },
      securityRules: [
        foreignRule('allow-https', 300, {
          protocol: 'TCP',
          destinationPortRange: '443',
          sourceAddressPrefix: 'Internet',
          access: 'Allow',
          anotherPropertyOfTheFuture: true,
        }),
        deny,
      ],
    },
  };
}
