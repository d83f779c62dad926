import { describe, expect, it } from 'vitest';
import type { RequestedPort } from '../../src/core/accessRequest.ts';
import { boxesOf } from '../../src/core/box.ts';
import type { VirtualMachineAddress } from '../../src/core/network.ts';

const address4: VirtualMachineAddress = { family: 'IPv4', address: '10.0.0.4' };
const address6: VirtualMachineAddress = { family: 'IPv6', address: 'fd00::4' };

function port(number: number, sources: string[], protocol: RequestedPort['protocol'] = 'Tcp'): RequestedPort {
  return { number, protocol, allowedSourceAddressPrefixes: sources };
}

function boxes(ports: RequestedPort[], addresses = [address4, address6]) {
  return boxesOf(ports, addresses, 'virtualMachines[0]');
}

describe('boxes', () => {
  it('unite the ports of entries with the same sources, however they are written', () => {
    const ports = [
      port(3389, ['192.0.2.0/25', '192.0.2.128/25']),
      port(22, ['192.0.2.0/24']),
      port(22, ['192.0.2.0/24']),
    ];
    expect(boxes(ports)).toEqual({
      boxes: [
        {
          protocol: 'Tcp',
          sourceAddressPrefixes: ['192.0.2.0/24'],
          destinationAddressPrefixes: ['10.0.0.4/32'],
          destinationPorts: [22, 3389],
        },
      ],
      refused: [],
    });
  });

  it('stay apart where a product would be wider than what was granted', () => {
    const ports = [
      port(22, ['192.0.2.1/32']),
      port(3389, ['192.0.2.2/32']),
      port(22, ['192.0.2.1/32'], 'Udp'),
    ];
    expect(
      boxes(ports).boxes.map((box) => [box.protocol, box.sourceAddressPrefixes, box.destinationPorts]),
    ).toEqual([
      ['Tcp', ['192.0.2.1/32'], [22]],
      ['Tcp', ['192.0.2.2/32'], [3389]],
      ['Udp', ['192.0.2.1/32'], [22]],
    ]);
  });

  it('are one per family, each with the machine’s address of that family', () => {
    const { boxes: made } = boxes([port(22, ['0.0.0.0/0', '2001:db8::/48'])]);
    expect(made.map((box) => [box.sourceAddressPrefixes, box.destinationAddressPrefixes])).toEqual([
      [['0.0.0.0/0'], ['10.0.0.4/32']],
      [['2001:db8::/48'], ['fd00::4/128']],
    ]);
  });

  it('are refused for a source whose family the machine has no address of', () => {
    const { boxes: made, refused } = boxes(
      [port(22, ['192.0.2.1/32']), port(23, ['2001:db8::/48'])],
      [address4],
    );
    expect(made).toHaveLength(1);
    expect(refused).toEqual([
      expect.objectContaining({
        code: 'no-address-of-family',
        field: 'virtualMachines[0].ports[1].allowedSourceAddressPrefix',
        allowed: ['IPv4'],
      }),
    ]);
  });

  it.each(['*', '10.0.0.0/24', '10.0.0.4/32', 'fd00::4', ''])(
    'are not made of %j as an IPv4 address',
    (address) => {
      expect(() => boxes([port(22, ['192.0.2.1/32'])], [{ family: 'IPv4', address }])).toThrow(
        /IPv4 address/,
      );
    },
  );
});
