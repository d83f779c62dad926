import { describe, expect, it } from 'vitest';
import { parsePolicyBody } from '../../../src/http/jit/policyBody.ts';

const group = '/subscriptions/20ff7fc3-e762-44dd-bd96-b71116dcdc23/resourceGroups/myRg1';
const vm = `${group}/providers/Microsoft.Compute/virtualMachines/vm1`;
const aPort = {
  number: 22,
  protocol: '*',
  allowedSourceAddressPrefix: '*',
  maxRequestAccessDuration: 'PT3H',
};
const body = (port: object, properties: object = {}) => ({
  kind: 'Basic',
  properties: { virtualMachines: [{ id: vm, ports: [port] }], ...properties },
});

function content(json: unknown) {
  const read = parsePolicyBody(json, group);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.content;
}
function problems(json: unknown) {
  const read = parsePolicyBody(json, group);
  return read.ok ? [] : read.problems.map(({ field, code }) => [field, code]);
}
const port = 'properties.virtualMachines[0].ports[0]';

describe('properties.sallyport of a policy', () => {
  const extended = (sallyport: unknown) => {
    const { conditions, baseline } = content(body(aPort, { sallyport }));
    return { conditions, baseline };
  };
  const approval = { approvers: 2, groups: [] };
  const nothing = { conditions: undefined, baseline: undefined };

  it.each([
    ['that is left out says nothing', undefined, nothing],
    ['without a member says nothing of it', {}, nothing],
    [
      'says conditions',
      { conditions: { approval, largestSource: { IPv4: 28 }, flushConnection: true } },
      { ...nothing, conditions: { approval, largestSource: { IPv4: 28 }, flushConnection: true } },
    ],
    [
      'says a baseline',
      { baseline: { kind: 'everybody', except: ['10.0.1.0/26'] } },
      { ...nothing, baseline: { kind: 'everybody', except: ['10.0.1.0/26'] } },
    ],
    ['demands nothing by null', { conditions: null }, { ...nothing, conditions: {} }],
    ['has the usual baseline by null', { baseline: null }, { ...nothing, baseline: { kind: 'internet' } }],
    ['that is null takes everything away', null, { conditions: {}, baseline: { kind: 'internet' } }],
    ['may have what an answer shows', { version: 3, reasons: [{ code: 'no-capacity' }] }, nothing],
  ])('%s', (_case, sallyport, expected) => {
    expect(extended(sallyport)).toEqual(expected);
  });

  it.each([
    ['a text', 'conditions', '', 'wrong-type'],
    ['a member that nobody knows', { approval }, '.approval', 'unknown'],
    ['a condition that nobody knows', { conditions: { approver: 1 } }, '.conditions.approver', 'unknown'],
    [
      'no approver at all',
      { conditions: { approval: { approvers: 0, groups: [] } } },
      '.conditions.approval.approvers',
      'out-of-range',
    ],
    [
      'a pattern that is none',
      { conditions: { justificationPattern: '(' } },
      '.conditions.justificationPattern',
      'malformed',
    ],
    [
      'an odd cutting of flows',
      { conditions: { flushConnection: 1 } },
      '.conditions.flushConnection',
      'wrong-type',
    ],
    ['a baseline of its own', { baseline: { kind: 'some' } }, '.baseline.kind', 'not-allowed'],
    [
      'exceptions from the internet',
      { baseline: { kind: 'internet', except: [] } },
      '.baseline.except',
      'unknown',
    ],
  ])('is refused with %s, by its name', (_case, sallyport, path, code) => {
    expect(problems(body(aPort, { sallyport }))).toEqual([[`properties.sallyport${path}`, code]]);
  });
});

describe('a policy as it is put', () => {
  it('is read as Microsoft documents it', () => {
    expect(content(body(aPort))).toEqual({
      entries: [
        {
          selector: { virtualMachineIds: [vm] },
          ports: [
            {
              number: 22,
              protocol: '*',
              allowedSourceAddressPrefixes: ['0.0.0.0/0', '::/0'],
              maxRequestAccessDuration: 'PT3H',
              sourcesAsWritten: '*',
            },
          ],
        },
      ],
    });
  });

  it('may be what was read before: history, state and names are passed over', () => {
    const read = {
      ...body(aPort, {
        requests: [
          {
            virtualMachines: [{ id: vm, ports: [{ number: 22, status: 'Initiated' }] }],
            requestor: 'mallory@fabrikam.example',
          },
        ],
        provisioningState: 'Succeeded',
        appendMode: true,
        sallyport: { version: 7 },
      }),
      ...{ id: 'x', name: 'other', type: 'x', location: 'elsewhere', tags: {}, etag: 'x' },
    };

    expect(content(read)).toEqual(content(body(aPort)));
  });

  it.each([
    ['a number as text', { number: '22' }, { number: 22 }],
    ['TCP', { protocol: 'TCP' }, { protocol: 'Tcp' }],
    ['udp', { protocol: 'udp' }, { protocol: 'Udp' }],
    [
      'an address',
      { allowedSourceAddressPrefix: '192.168.0.5' },
      { allowedSourceAddressPrefixes: ['192.168.0.5/32'], sourcesAsWritten: '192.168.0.5' },
    ],
    [
      'a list',
      {
        allowedSourceAddressPrefix: null,
        allowedSourceAddressPrefixes: ['203.0.113.0/24', '2001:db8::/48', '203.0.113.0/24'],
      },
      {
        allowedSourceAddressPrefixes: ['203.0.113.0/24', '2001:db8::/48'],
        sourcesAsWritten: ['203.0.113.0/24', '2001:db8::/48', '203.0.113.0/24'],
      },
    ],
  ])('may have %s', (_case, changes, read) => {
    expect(content(body({ ...aPort, ...changes })).entries[0]?.ports[0]).toMatchObject(read);
  });

  it.each([
    [
      'both ways to write sources',
      { allowedSourceAddressPrefixes: ['*'] },
      [`${port}.allowedSourceAddressPrefixes`, 'not-allowed'],
    ],
    [
      'no source',
      { allowedSourceAddressPrefix: undefined },
      [`${port}.allowedSourceAddressPrefix`, 'missing'],
    ],
    [
      'an empty list of sources',
      { allowedSourceAddressPrefix: undefined, allowedSourceAddressPrefixes: [] },
      [`${port}.allowedSourceAddressPrefixes`, 'empty'],
    ],
    [
      'a service tag',
      { allowedSourceAddressPrefix: 'VirtualNetwork' },
      [`${port}.allowedSourceAddressPrefix`, 'source-malformed'],
    ],
    [
      'four minutes',
      { maxRequestAccessDuration: 'PT4M' },
      [`${port}.maxRequestAccessDuration`, 'out-of-range'],
    ],
    [
      'more than a day',
      { maxRequestAccessDuration: 'PT24H1S' },
      [`${port}.maxRequestAccessDuration`, 'out-of-range'],
    ],
    ['another protocol', { protocol: 'ICMP' }, [`${port}.protocol`, 'not-allowed']],
    ['no protocol', { protocol: undefined }, [`${port}.protocol`, 'missing']],
    ['port 65536', { number: 65_536 }, [`${port}.number`, 'out-of-range']],
    ['a priority', { priority: 100 }, [`${port}.priority`, 'unknown']],
  ])('is refused with %s', (_case, changes, expected) => {
    expect(problems(body({ ...aPort, ...changes }))).toEqual([expected]);
  });

  it.each([
    ['of another subscription', vm.replace('20ff7fc3', '00000000')],
    ['of another resource group', vm.replace('myRg1', 'myRg2')],
    ['of a group whose name only begins alike', vm.replace('myRg1', 'myRg1x')],
  ])('is refused with a machine %s', (_case, id) => {
    const json = { properties: { virtualMachines: [{ id, ports: [aPort] }] } };

    expect(problems(json)).toEqual([['properties.virtualMachines[0].id', 'not-allowed']]);
  });

  it('may name a machine of its group in any case', () => {
    const json = { properties: { virtualMachines: [{ id: vm.toUpperCase(), ports: [aPort] }] } };

    expect(problems(json)).toEqual([]);
  });

  it('is refused with the same machine or port twice, with Azure Firewall, and with what nobody knows', () => {
    const one = { id: vm, ports: [aPort] };
    const machines = (...all: object[]) => ({ properties: { virtualMachines: all } });

    expect(problems(machines(one, { ...one, id: vm.toLowerCase() }))).toEqual([
      ['properties.virtualMachines[1]', 'duplicate'],
    ]);
    expect(problems(machines({ id: vm, ports: [aPort, { ...aPort, number: '22' }] }))).toEqual([
      ['properties.virtualMachines[0].ports[1]', 'duplicate'],
    ]);
    expect(problems(machines({ ...one, publicIpAddress: '203.0.113.9' }))).toEqual([
      ['properties.virtualMachines[0].publicIpAddress', 'not-allowed'],
    ]);
    expect(problems({ ...body(aPort), owner: 'x' })).toEqual([['owner', 'unknown']]);
    expect(problems({ ...body(aPort, { state: 'x' }) })).toEqual([['properties.state', 'unknown']]);
    expect(problems({})).toEqual([['properties', 'missing']]);
    expect(problems({ properties: { virtualMachines: [] } })).toEqual([
      ['properties.virtualMachines', 'empty'],
    ]);
  });
});
