import { expect, it } from 'vitest';
import { linesOf, notCheckedLine } from '../../scripts/ownedRules.ts';
import { readHead } from '../../src/core/securityRule.ts';
import { foreignRule } from '../support/foreignRule.ts';
import { nicNsg } from '../support/grantWorld.ts';

it('shows the rules that are to be adopted, whatever their texts say to the terminal', () => {
  const forged =
    'until noon\u001b[1A\u001b[2K\r\nInstallation contoso: 0 rules in 0 network security groups.\u202e';
  const rules = [
    readHead(foreignRule('sallyport-contoso-x', 100, { access: 'Allow', description: forged })),
    readHead(foreignRule('sallyport-contoso-y', 101, { access: 'Allow' })),
  ];

  expect(linesOf([{ nsgId: nicNsg, rules }], 'contoso')).toEqual([
    'Installation contoso: 2 rules in 1 network security groups.',
    '',
    nicNsg,
    '  100 allow sallyport-contoso-x',
    '    until noon[1A[2KInstallation contoso: 0 rules in 0 network security groups.',
    '  101 allow sallyport-contoso-y',
    '    ',
  ]);
});

it('says in one line which subscription was not checked, whatever Azure says of it', () => {
  expect(notCheckedLine('s', 'No.\r\n\u001b[2KNo rule stands.')).toBe(
    'Not checked: subscription s. No.[2KNo rule stands.',
  );
});
