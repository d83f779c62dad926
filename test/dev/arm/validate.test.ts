import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answered, World } from './client.ts';
import { NEW_NSG, rule, startWorld, textOf, WEB_NSG } from './client.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld({ settings: { throttling: false } });
});
afterAll(() => world.arm.close());

const RULE = `${WEB_NSG}/securityRules/sp-1`;

async function refused(properties: Record<string, unknown>): Promise<{ code: unknown; message: string }> {
  return errorOf(await world.send('PUT', RULE, rule(properties)));
}

function errorOf({ status, body }: Answered): { code: unknown; message: string } {
  expect(status).toBe(400);
  expect(body['error']).toHaveProperty('details');
  return { code: body['error']?.['code'], message: textOf(body['error']?.['message']) };
}

function many(count: number, change: (index: number) => Record<string, unknown>): unknown {
  const securityRules = Array.from({ length: count }, (_, index) => ({
    name: `r${index}`,
    ...rule({ priority: 100 + (index % 3900), ...change(index) }),
  }));
  return { location: 'westeurope', properties: { securityRules } };
}

describe('priorities', () => {
  it('conflict within one direction', async () => {
    expect(await refused({ priority: 300 })).toEqual({
      code: 'SecurityRuleConflict',
      message:
        'Security rule sp-1 conflicts with rule AllowHttpsFromAnywhere. Rules cannot have the same Priority and ' +
        'Direction. To learn more, see aka.ms/nsgrules.',
    });
  });

  it('do not conflict between directions', async () => {
    const outbound = rule({ priority: 300, direction: 'Outbound' });
    expect((await world.send('PUT', `${WEB_NSG}/securityRules/out`, outbound)).status).toBe(201);
  });

  it.each([99, 4097])('may not be %i', async (priority) => {
    expect(await refused({ priority })).toEqual({
      code: 'SecurityRuleInvalidPriority',
      message: `Security rule has invalid Priority. Value provided: ${priority} Allowed range 100-4096.`,
    });
  });
});

describe('addresses', () => {
  it.each(['203.0.113.7/27', '2001:db8::1/64', 'snet-web', 'REPLACE_ME', '203.0.113', '203.0.113.0/33'])(
    'may not be %s',
    async (value) => {
      const destination = value.includes(':') ? '*' : '10.20.1.4';
      const answer = await refused({ sourceAddressPrefix: value, destinationAddressPrefix: destination });
      expect(answer).toEqual({
        code: 'SecurityRuleInvalidAddressPrefix',
        message: `Security rule ${RULE} has invalid Address prefix. Value provided: ${value}`,
      });
    },
  );

  it.each(['*', 'Internet', 'VirtualNetwork', 'Storage.WestEurope', '0.0.0.0/0', '203.0.113.0/24', '789'])(
    'may be %s in the singular field',
    async (value) => {
      expect((await world.send('PUT', RULE, rule({ sourceAddressPrefix: value }))).status).toBeLessThan(300);
    },
  );

  it.each(['*', 'VirtualNetwork', 'Storage'])('may not be %s in a list', async (value) => {
    const lists = { destinationAddressPrefix: undefined, destinationAddressPrefixes: ['10.20.1.4', value] };
    expect(await refused(lists)).toEqual({
      code: 'SecurityRuleParameterContainsUnsupportedValue',
      message:
        `Security rule parameter DestinationAddressPrefix for rule with Id ${RULE} cannot specify existing ` +
        `VIRTUALNETWORK, INTERNET, AZURELOADBALANCER, '*' or system tags. Unsupported value used: ${value}.`,
    });
  });

  it('may not overlap within a list', async () => {
    const list = ['198.51.100.0/24', '203.0.113.7', '198.51.100.27/32'];
    expect(await refused({ sourceAddressPrefix: undefined, sourceAddressPrefixes: list })).toEqual({
      code: 'OverlappingSubnetsNotPermittedInSecurityRule',
      message:
        `Security rule parameter SourceAddressPrefix for rule with Id ${RULE} contains overlapping subnets ` +
        '[198.51.100.0/24, 198.51.100.27/32], which is not permitted.',
    });
  });

  it('may not be of two families in one rule, unless that is switched on', async () => {
    const mixed = { sourceAddressPrefix: '2001:db8::/64' };
    expect((await refused(mixed)).code).toBe('SecurityRuleInvalidAddressPrefix');
    world.arm.settings.mixedFamilies = 'accept';
    expect((await world.send('PUT', RULE, rule(mixed))).status).toBeLessThan(300);
    await world.send('DELETE', RULE);
    world.arm.settings.mixedFamilies = 'refuse';
  });

  it('may not be missing', async () => {
    expect(await refused({ sourceAddressPrefix: undefined })).toEqual({
      code: 'SecurityRuleParametersMissing',
      message:
        `Required security rule parameters are missing for security rule with Id: ${RULE}. Security rule must ` +
        'specify SourceAddressPrefixes, SourceAddressPrefix, or SourceApplicationSecurityGroups.',
    });
  });

  it('may not be singular and plural both', async () => {
    expect((await refused({ sourceAddressPrefixes: ['198.51.100.0/24'] })).code).toBe('InvalidRequestFormat');
  });

  it('may be singular beside an empty list, as a GET shows it', async () => {
    await world.send('PUT', RULE, rule());
    const { body } = await world.send('GET', RULE);
    expect((await world.send('PUT', RULE, body)).status).toBe(200);
  });

  it('may not name an application security group that does not exist', async () => {
    const groups = [{ id: WEB_NSG.replace('networkSecurityGroups/nsg-web', 'applicationSecurityGroups/x') }];
    const answer = await refused({ sourceAddressPrefix: undefined, sourceApplicationSecurityGroups: groups });
    expect(answer.code).toBe('InvalidResourceReference');
  });

  it('may not be a platform tag in an allow rule', async () => {
    const answer = await refused({ destinationAddressPrefix: 'AzurePlatformDNS' });
    expect(answer.code).toBe('SecurityRuleInvalidAccessType');
  });
});

describe('ports', () => {
  it.each(['80,443', '70000', '443-80', 'ssh', ''])('may not be "%s"', async (value) => {
    expect(await refused({ destinationPortRange: value })).toEqual({
      code: 'SecurityRuleInvalidPortRange',
      message:
        `Security rule has invalid Port range. Value provided: ${value}. Value should be an integer OR integer ` +
        "range with '-' delimiter. Valid range 0-65535.",
    });
  });

  it('may not be * in a list', async () => {
    const answer = await refused({ destinationPortRange: undefined, destinationPortRanges: ['22', '*'] });
    expect(answer.code).toBe('SecurityRuleParameterContainsInvalidPortRanges');
  });

  it('may not be missing', async () => {
    expect((await refused({ destinationPortRange: undefined })).code).toBe('SecurityRuleParametersMissing');
  });
});

describe('other properties', () => {
  it.each(['protocol', 'access', 'priority', 'direction'])('%s may not be missing', async (key) => {
    expect((await refused({ [key]: undefined })).code).toBe('SecurityRuleParametersMissing');
  });

  it.each([{ protocol: 'Tcpx' }, { access: 'Maybe' }, { priority: '100' }, { sourceAddressPrefixes: 'x' }])(
    'are not readable as %j',
    async (properties) => {
      expect((await refused(properties)).code).toBe('InvalidRequestFormat');
    },
  );

  it('a description has at most 140 characters', async () => {
    expect((await refused({ description: 'x'.repeat(141) })).code).toBe('InvalidRequestFormat');
    const fits = rule({ description: 'x'.repeat(140) });
    expect((await world.send('PUT', RULE, fits)).status).toBeLessThan(300);
  });

  it.each(['-x', 'x-', 'a'.repeat(81), 'a%20b', 'a%3Fb'])('a rule may not be called %s', async (name) => {
    const answer = errorOf(await world.send('PUT', `${WEB_NSG}/securityRules/${name}`, rule()));
    expect(answer.code).toBe('InvalidResourceName');
    expect(answer.message).toContain('The name can be up to 80 characters long.');
  });

  it('two rules may not have one name', async () => {
    const securityRules = [
      { name: 'a', ...rule() },
      { name: 'A', ...rule({ priority: 101 }) },
    ];
    const body = { location: 'westeurope', properties: { securityRules } };
    expect(errorOf(await world.send('PUT', NEW_NSG, body)).code).toBe('InvalidRequestFormat');
  });

  it('a body that is not JSON is the gateway’s refusal', async () => {
    const { status, headers, body } = await world.send('PUT', RULE, '{"properties":');
    expect([status, headers.get('x-ms-failure-cause')]).toEqual([400, 'gateway']);
    expect(body['error']?.['code']).toBe('InvalidRequestContent');
  });
});

describe('counts', () => {
  it('end at 1000 rules', async () => {
    expect(
      (
        await world.send(
          'PUT',
          NEW_NSG,
          many(1000, () => ({})),
        )
      ).status,
    ).toBe(201);
    expect(
      errorOf(
        await world.send(
          'PUT',
          NEW_NSG,
          many(1001, () => ({})),
        ),
      ),
    ).toEqual({
      code: 'SecurityRuleCountLimitReached',
      message: 'A security group cannot have more than 1000 security rules.',
    });
  });

  it('end at 4000 addresses per side', async () => {
    const addresses = (rules: number) =>
      many(rules, (index) => ({
        destinationAddressPrefix: undefined,
        destinationAddressPrefixes: Array.from({ length: 40 }, (_, host) => `10.0.${index}.${host}`),
      }));
    expect((await world.send('PUT', NEW_NSG, addresses(100))).status).toBeLessThan(300);
    expect(errorOf(await world.send('PUT', NEW_NSG, addresses(101)))).toEqual({
      code: 'SecurityRuleAddressesOrPortsPerSecurityGroupLimitReached',
      message:
        `Network security group ${NEW_NSG} has 4040 DestinationAddressPrefixes. A security group cannot have more ` +
        'than 4000 DestinationAddressPrefixes as per the limit MaxSecurityRuleAddressesOrPortsPerSecurityGroup.',
    });
  });
});

it('a refused write changes nothing', async () => {
  const before = await world.send('GET', WEB_NSG);
  await refused({ priority: 300 });
  expect((await world.send('GET', WEB_NSG)).body).toEqual(before.body);
});
