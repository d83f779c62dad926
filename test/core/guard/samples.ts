import type { GuardInput } from '../../../src/core/guard/guard.ts';
import type { LiveGrant } from '../../../src/core/guard/grant.ts';
import type { JsonObject } from '../../../src/core/network.ts';

export const alice = 'a'.repeat(32);
export const bob = 'b'.repeat(32);
export const aliceRule = `sallyport-contoso-${alice}-1`;
export const bobRule = `sallyport-contoso-${bob}-1`;

/** An inbound allow of Tcp 22 from 203.0.113.7 to 10.1.0.4, unless told otherwise. */
export function rule(name: string, priority: number, properties: JsonObject = {}): JsonObject {
  return {
    name,
    properties: {
      protocol: 'Tcp',
      sourcePortRange: '*',
      destinationPortRange: '22',
      sourceAddressPrefix: '203.0.113.7',
      destinationAddressPrefix: '10.1.0.4',
      access: 'Allow',
      priority,
      direction: 'Inbound',
      ...properties,
    },
  };
}

export const everything: JsonObject = {
  protocol: '*',
  destinationPortRange: '*',
  sourceAddressPrefix: '*',
  destinationAddressPrefix: '*',
};

export function body(...securityRules: JsonObject[]): JsonObject {
  return {
    location: 'westeurope',
    properties: {
      securityRules,
      defaultSecurityRules: [
        rule('AllowVnetInBound', 65000, {
          ...everything,
          sourceAddressPrefix: 'VirtualNetwork',
          destinationAddressPrefix: 'VirtualNetwork',
        }),
        rule('DenyAllInBound', 65500, { ...everything, access: 'Deny' }),
        rule('AllowInternetOutBound', 65001, {
          ...{ ...everything, direction: 'Outbound', destinationAddressPrefix: 'Internet' },
        }),
      ],
    },
  };
}

/** The grant of `rule`. */
export function grant(requestId: string, box: Partial<LiveGrant['boxes'][number]> = {}): LiveGrant {
  return {
    requestId,
    boxes: [
      {
        protocol: 'Tcp',
        sourceAddressPrefixes: ['203.0.113.7/32'],
        destinationAddressPrefixes: ['10.1.0.4/32'],
        destinationPorts: [22],
        ...box,
      },
    ],
  };
}

export function input(changes: Partial<GuardInput>): GuardInput {
  return {
    before: body(),
    after: body(),
    installation: 'contoso',
    lastAllowPriority: 249,
    grants: [],
    budget: 1_000_000,
    ...changes,
  };
}
