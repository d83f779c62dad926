import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grantsAction } from '../../src/core/rights.ts';

const write = 'Microsoft.Network/networkSecurityGroups/write';

describe('an entry of the permissions', () => {
  it.each([
    [[write], []],
    [['*'], []],
    [['Microsoft.Network/*'], []],
    [['microsoft.network/NETWORKSECURITYGROUPS/write'], []],
    [['*/write'], []],
    [['Microsoft.Network/*/write'], []],
    [['Microsoft.Network/networkSecurityGroups/*'], ['Microsoft.Network/networkSecurityGroups/delete']],
    [['Microsoft.Compute/*', write], ['*/delete']],
  ])('with %j less %j grants writing', (actions, notActions) => {
    expect(grantsAction({ actions, notActions }, write)).toBe(true);
  });

  it.each([
    [[], []],
    [['*/read'], []],
    [['Microsoft.Network/networkSecurityGroups/write/'], []],
    [['Microsoft.Network/networkSecurityGroups'], []],
    [['XMicrosoft.Network/*'], []],
    [['Microsoft.Network/networkSecurityGroups/writ'], []],
    [['*'], ['*/write']],
    [['*'], ['microsoft.network/networksecuritygroups/*']],
    [['*'], ['*']],
    // A period is a period.
    [['MicrosoftXNetwork/*'], []],
    [[''], []],
  ])('with %j less %j does not', (actions, notActions) => {
    expect(grantsAction({ actions, notActions }, write)).toBe(false);
  });

  it.each([{}, { actions: '*' }, { actions: [4] }, { actions: ['*'], notActions: 'none' }])(
    'that is malformed, %j, grants nothing',
    (entry) => {
      expect(grantsAction(entry, write)).toBe(false);
    },
  );

  it('matches as a regular expression of the same meaning does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 8 });
    fc.assert(
      fc.property(
        text,
        text.map((one) => one.replaceAll('*', '')),
        (pattern, action) => {
          const same = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(action);
          expect(grantsAction({ actions: [pattern] }, action)).toBe(same);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
