import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIdOfType, parseResourceId, pathOf, sameId } from '../../../src/adapters/arm/resourceId.ts';

const group = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/contoso_(eu)';
const subnet = `${group}/providers/Microsoft.Network/virtualNetworks/a.b/subnets/web`;

describe('parseResourceId', () => {
  it('takes an id apart and puts it together again', () => {
    const id = parseResourceId(subnet);
    expect(id).toEqual({
      subscriptionId: '11111111-2222-4333-8444-555555555555',
      resourceGroup: 'contoso_(eu)',
      type: 'Microsoft.Network/virtualNetworks/subnets',
      names: ['a.b', 'web'],
    });
    expect(id && pathOf(id)).toBe(subnet);
  });

  it.each([
    '',
    group,
    `${subnet}/`,
    ` ${subnet}`,
    `${subnet}\n`,
    `https://attacker.example${subnet}`,
    subnet.replace('web', '..'),
    subnet.replace('web', '.'),
    subnet.replace('web', 'w%2e'),
    subnet.replace('web', 'w?x=y'),
    subnet.replace('web', 'w#x'),
    subnet.replace('web', 'w\\x'),
    subnet.replace('web', 'w b'),
    subnet.replace('web', ''),
    subnet.replace('contoso_(eu)', '..'),
    subnet.replace('11111111-2222-4333-8444-555555555555', 'x'),
    subnet.replace('contoso', '\u212A'),
  ])('does not take %j', (text) => {
    expect(parseResourceId(text)).toBeUndefined();
  });

  it('takes nothing that a URL parser would read differently', () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '%2e',
      '/',
      '?',
      '#',
      '\\',
      '@',
      ':',
      ';',
      ' ',
      'a',
      'web',
      '//',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const id = parseResourceId(subnet.replace('web', pieces.join('')));
        if (!id) return;
        const path = pathOf(id);
        expect(new URL(`https://management.azure.com${path}`).pathname).toBe(path);
      }),
    );
  });
});

describe('parseIdOfType', () => {
  it('compares the type without case and takes no other', () => {
    const type = 'microsoft.network/VIRTUALNETWORKS/subnets';
    expect(parseIdOfType(subnet, type)).toBeDefined();
    expect(parseIdOfType(subnet, 'Microsoft.Network/virtualNetworks')).toBeUndefined();
    expect(parseIdOfType(undefined, type)).toBeUndefined();
  });
});

describe('sameId', () => {
  it('compares without case, and nothing is the same as nothing', () => {
    expect(sameId(subnet, subnet.toUpperCase())).toBe(true);
    expect(sameId(subnet, group)).toBe(false);
    expect(sameId(undefined, undefined)).toBe(false);
  });
});
