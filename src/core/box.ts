import { aggregate, familyOf, parsePrefix } from './address.ts';
import type { Family } from './address.ts';
import type { Box, RequestedPort } from './accessRequest.ts';
import type { VirtualMachineAddress } from './network.ts';
import type { Reason } from './reason.ts';

export interface Boxes {
  boxes: Box[];
  /** Sources that the machine has no address for; if there are any, nothing may be opened. */
  refused: Reason[];
}

const families: Family[] = ['IPv4', 'IPv6'];

/**
 * The boxes of one virtual machine's granted ports.
 * Entries are merged only where the cross product is exactly what was granted: the same protocol, family, sources and
 * destinations. A source without an address of its family at the machine is reported, never widened to another.
 * `field` is the machine's place in the request, `virtualMachines[0]`. Throws if an address of the machine is none.
 */
export function boxesOf(ports: RequestedPort[], addresses: VirtualMachineAddress[], field: string): Boxes {
  const boxes = new Map<string, Box>();
  const refused: Reason[] = [];
  ports.forEach((port, portIndex) => {
    for (const family of families) {
      const sources = port.allowedSourceAddressPrefixes.filter((prefix) => familyOf(prefix) === family);
      if (sources.length === 0) continue;
      const destinations = destinationsOf(addresses, family);
      if (destinations.length === 0) {
        refused.push(
          noAddress(family, sources, addresses, `${field}.ports[${portIndex}].allowedSourceAddressPrefix`),
        );
        continue;
      }
      const sourceAddressPrefixes = aggregate(sources);
      const key = [port.protocol, ...sourceAddressPrefixes].join(' ');
      const box = boxes.get(key) ?? {
        protocol: port.protocol,
        sourceAddressPrefixes,
        destinationAddressPrefixes: destinations,
        destinationPorts: [],
      };
      box.destinationPorts = [...new Set([...box.destinationPorts, port.number])].sort((a, b) => a - b);
      boxes.set(key, box);
    }
  });
  return { boxes: [...boxes.values()], refused };
}

function destinationsOf(addresses: VirtualMachineAddress[], family: Family): string[] {
  return aggregate(
    addresses.filter((one) => one.family === family).map((one) => singleAddress(one.address, family)),
  );
}

function singleAddress(address: string, family: Family): string {
  const read = parsePrefix(address);
  // A destination that is anything but one machine's address would open its neighbours.
  if (!read.ok || read.family !== family || !/\/(32|128)$/.test(read.prefix) || address.includes('/')) {
    throw new Error(`The virtual machine's ${family} address ${JSON.stringify(address)} is no such address`);
  }
  return read.prefix;
}

function noAddress(
  family: Family,
  sources: string[],
  addresses: VirtualMachineAddress[],
  field: string,
): Reason {
  const present = [...new Set(addresses.map((address) => address.family))].sort();
  return {
    code: 'no-address-of-family',
    message: `The virtual machine has no ${family} address, so nothing can be opened for ${sources.join(', ')}. Ask with sources of a family that it has: ${present.join(', ') || 'it has none'}.`,
    field,
    allowed: present,
  };
}
