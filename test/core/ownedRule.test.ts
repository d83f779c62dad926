import { describe, expect, it } from 'vitest';
import {
  describeGrant,
  isInstallationId,
  isOwned,
  ownedName,
  parseOwnedName,
  rawRule,
} from '../../src/core/ownedRule.ts';

const requestId = '0123456789abcdef0123456789abcdef';

describe('an installation id', () => {
  it.each(['a', 'contoso', 'contoso12345'])('may be %s', (text) => {
    expect(isInstallationId(text)).toBe(true);
  });

  it.each(['', 'con-toso', 'Contoso', 'contoso123456', 'contoso\n'])('may not be %j', (text) => {
    expect(isInstallationId(text)).toBe(false);
  });
});

describe('an owned name', () => {
  it('fits into 80 characters with the longest installation id and number', () => {
    expect(ownedName('abcdefghijkl', requestId, 1000).length).toBeLessThanOrEqual(80);
  });

  it('gives back the request and the number of the rule', () => {
    expect(parseOwnedName(ownedName('contoso', requestId, 12), 'contoso')).toEqual({ requestId, number: 12 });
  });

  it('is recognised in any case, as ARM compares names', () => {
    const name = ownedName('contoso', requestId, 1).toUpperCase();
    expect(isOwned(name, 'contoso')).toBe(true);
    expect(parseOwnedName(name, 'contoso')).toEqual({ requestId, number: 1 });
  });

  it.each(['contos', 'contoso2', 'fabrikam', 'c'])('of contoso is not owned by %s', (installation) => {
    expect(isOwned(ownedName('contoso', requestId, 1), installation)).toBe(false);
  });

  it.each(['', '-1', requestId, `${requestId}-0`, `${requestId}-01`, `${requestId}-1x`, `${requestId}0-1`])(
    'of which the rest is %j is owned and says nothing',
    (rest) => {
      expect(isOwned(`sallyport-contoso-${rest}`, 'contoso')).toBe(true);
      expect(parseOwnedName(`sallyport-contoso-${rest}`, 'contoso')).toBeUndefined();
    },
  );
});

describe('a description', () => {
  it('names the grant and its end in UTC, and fits into 140 characters', () => {
    const text = describeGrant(requestId, '2026-03-04T12:00:00+01:00');
    expect(text).toBe(`Sallyport grant ${requestId} until 2026-03-04T11:00:00.000Z. Managed: do not edit.`);
    expect(text.length).toBeLessThanOrEqual(140);
  });
});

describe('a raw rule', () => {
  const box = {
    protocol: 'Tcp' as const,
    sourceAddressPrefixes: ['203.0.113.7/32'],
    destinationAddressPrefixes: ['10.0.0.4/32'],
    destinationPorts: [22],
  };

  it('has one value in the singular field', () => {
    expect(rawRule({ name: 'n', description: 'd', box }, 110)).toEqual({
      name: 'n',
      properties: {
        description: 'd',
        protocol: 'Tcp',
        sourcePortRange: '*',
        destinationPortRange: '22',
        sourceAddressPrefix: '203.0.113.7/32',
        destinationAddressPrefix: '10.0.0.4/32',
        access: 'Allow',
        priority: 110,
        direction: 'Inbound',
      },
    });
  });

  it('has several values in the plural field only', () => {
    const several = {
      ...box,
      sourceAddressPrefixes: ['198.51.100.0/24', '203.0.113.7/32'],
      destinationAddressPrefixes: ['10.0.0.4/32', '10.0.0.5/32'],
      destinationPorts: [22, 3389],
    };
    const { properties } = rawRule({ name: 'n', description: 'd', box: several }, 110);
    expect(properties).toMatchObject({
      destinationPortRanges: ['22', '3389'],
      sourceAddressPrefixes: ['198.51.100.0/24', '203.0.113.7/32'],
      destinationAddressPrefixes: ['10.0.0.4/32', '10.0.0.5/32'],
    });
    for (const field of ['destinationPortRange', 'sourceAddressPrefix', 'destinationAddressPrefix']) {
      expect(properties).not.toHaveProperty(field);
    }
  });
});
