import { describe, expect, it } from 'vitest';
import { presentRequest } from '../../src/http/presentRequest.ts';
import { nsgId, sampleRequest } from '../contracts/samples.ts';

describe('an access request as its requester sees it', () => {
  it('says nothing of changed rules as long as there are none', () => {
    expect(presentRequest(sampleRequest('a'))).not.toHaveProperty('changedRules');
  });

  it('names the rules that somebody deleted or narrowed, by NSG and number, and not what is left', () => {
    const { targets } = sampleRequest('a');
    const accepted = { 1: 'absent' as const, 3: { access: 'Allow', sourcePortRange: '80' } };
    const request = sampleRequest('a', { targets: targets.map((target) => ({ ...target, accepted })) });
    expect(presentRequest(request)).toMatchObject({
      changedRules: [
        { networkSecurityGroup: nsgId('Web-Nsg'), rule: 1, change: 'deleted' },
        { networkSecurityGroup: nsgId('Web-Nsg'), rule: 3, change: 'narrowed' },
      ],
    });
  });
});
