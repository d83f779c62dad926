import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApiWorld, type ApiWorld } from '../support/apiWorld.ts';
import { networkId, vmId } from '../support/grantWorld.ts';
import { adminRule } from '../support/memoryAdminRules.ts';
import { alice, startTokenIssuer, type TokenIssuer } from '../support/tokenIssuer.ts';

const body = {
  virtualMachines: [{ id: vmId, ports: [{ number: 22 }] }],
  duration: 'PT1H',
  justification: 'Ticket 4711',
};

describe('over HTTP, the security admin rules of a network', () => {
  let issuer: TokenIssuer;
  let api: ApiWorld;
  beforeAll(async () => (issuer = await startTokenIssuer()));
  afterAll(() => issuer.close());
  beforeEach(async () => (api = await createApiWorld(issuer)));

  async function send(name: string, sent: Parameters<ApiWorld['send']>[1]) {
    const authorization = `Bearer ${await issuer.sign({ oid: alice.objectId, roles: [] })}`;
    return api.send(api.operation(name), sent, { authorization });
  }
  const deploy = (...rules: ReturnType<typeof adminRule>[]) => {
    api.world.adminRules.set(networkId, { kind: 'read', rules });
  };

  it('refuse a request with 403 and the name of the rule, and a dry run says the same', async () => {
    deploy(adminRule('deny-ssh', 'Deny', { destinationPortRanges: ['22'] }));

    const refused = await send('createAccessRequest', { body });
    expect(refused).toMatchObject({
      status: 403,
      json: { code: 'blocked-by-security-admin-rule', errors: [{ field: 'virtualMachines[0].id' }] },
    });
    expect(refused.json['detail']).toContain('"deny-ssh"');

    const dry = await send('createAccessRequest', { body, query: { dryRun: 'true' } });
    expect(dry).toMatchObject({
      status: 200,
      json: { decision: { outcome: 'denied', reasons: [{ code: 'blocked-by-security-admin-rule' }] } },
    });
  });

  it('are in the decision of a request that goes on without knowing them', async () => {
    const message = 'Sallyport may not read them.';
    api.world.adminRules.set(networkId, { kind: 'not-checked', cause: 'not-permitted', message });
    expect(await send('createAccessRequest', { body })).toMatchObject({
      status: 202,
      json: { decision: { reasons: [{ code: 'within-policy' }, { code: 'not-checked' }] } },
    });
  });

  it('are in the recommendations', async () => {
    deploy(adminRule('always-ssh', 'AlwaysAllow', { destinationPortRanges: ['22'] }));
    expect(await send('listRecommendations', {})).toMatchObject({
      status: 200,
      json: {
        value: [
          {
            virtualMachine: { id: vmId },
            securityAdminRules: { state: 'not-protected', rules: [{ name: 'always-ssh' }] },
          },
        ],
        securityAdminRules: 'checked',
      },
    });
  });
});
