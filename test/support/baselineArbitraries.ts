import fc from 'fast-check';
import type { BaselineRow } from '../../src/core/baseline.ts';
import { matcherOf, span } from './packetOracle.ts';
import type { Packet } from './packetOracle.ts';

/** A baseline as it was wanted, and whether a packet is one that it is to refuse: judged by that, not by its rules. */
export interface WantedBaseline {
  row: BaselineRow;
  isShut: (packet: Packet) => boolean;
}

const sources = [
  { 4: ['Internet'], 6: ['Internet'] },
  { 4: ['*'], 6: ['*'] },
  // Everybody but one address, or but a subnet, written out for a small part of the world.
  { 4: ['203.0.113.0/30', '203.0.113.4/31', '203.0.113.8/29'], 6: ['2001:db8::/125', '2001:db8::8/126'] },
];
const address = {
  4: (host: number) => `10.0.0.${host}/32`,
  6: (host: number) => `2001:db8::${address6(host)}/128`,
};
const address6 = (host: number) => (host === 0 ? '' : host.toString(16));

/** Baselines of dual-stack machines, all standing; in no order. */
export const baselines: fc.Arbitrary<WantedBaseline[]> = fc
  .uniqueArray(
    fc.record({
      host: fc.nat(15),
      from: fc.constantFrom(...sources),
      families: fc.constantFrom([4, 6] as const, [4, 6] as const, [4] as const),
      ports: fc.uniqueArray(fc.constantFrom(22, 23, 80, 3389), { minLength: 1, maxLength: 3 }),
      protocol: fc.constantFrom('Tcp' as const, 'Tcp' as const, '*' as const),
    }),
    { selector: ({ host }) => host, minLength: 1, maxLength: 3 },
  )
  .map((machines) => machines.map((machine) => wantedBaseline(machine)));

/** The baseline of the machine `10.0.0.<host>` and `2001:db8::<host>`. */
export function wantedBaseline({
  host,
  from = { 4: ['Internet'], 6: ['Internet'] },
  families = [4, 6],
  ports = [22],
  protocol = 'Tcp',
}: {
  host: number;
  from?: { 4: string[]; 6: string[] };
  families?: readonly (4 | 6)[];
  ports?: number[];
  protocol?: 'Tcp' | '*';
}): WantedBaseline {
  const row: BaselineRow = {
    nsgId: '/subscriptions/s/nsg',
    virtualMachineId: `/subscriptions/s/resourceGroups/contoso/providers/Microsoft.Compute/virtualMachines/vm-${host}`,
    version: 1,
    state: 'standing',
    boxes: families.map((family) => ({
      protocol,
      sourceAddressPrefixes: from[family],
      destinationAddressPrefixes: [address[family](host)],
      destinationPorts: ports,
    })),
    causes: [],
  };
  const tests = families.map((family) => {
    const destination = span(address[family](host));
    const isFrom = matcherOf({
      protocol: '*',
      sourceAddressPrefixes: from[family],
      destinationAddressPrefix: '*',
      destinationPortRange: '*',
    });
    return (packet: Packet) =>
      packet.family === family &&
      packet.destination === destination.first &&
      (protocol === '*' || packet.protocol === protocol) &&
      ports.includes(packet.destinationPort) &&
      isFrom(packet);
  });
  return { row, isShut: (packet) => tests.some((test) => test(packet)) };
}

/** Packets to the ports of baselines, from strangers and from the borders of what they keep out. */
export function packetsTo(wanted: readonly WantedBaseline[]): Packet[] {
  const strangers = ['198.51.100.1', '203.0.113.6', '203.0.113.7', '168.63.129.16', '10.0.0.9'];
  const from = [...strangers, '2001:db8:1::1', '2001:db8::c', 'fd00::1'].map(span);
  return wanted.flatMap(({ row }) =>
    row.boxes.flatMap((box) =>
      box.destinationAddressPrefixes.map(span).flatMap(({ family, first: destination }) =>
        box.destinationPorts.flatMap((destinationPort) =>
          from
            .filter((source) => source.family === family)
            .map(({ first: source }): Packet => ({
              family,
              protocol: 'Tcp',
              source,
              destination,
              destinationPort,
            })),
        ),
      ),
    ),
  );
}
