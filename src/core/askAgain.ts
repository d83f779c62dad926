import type { AccessRequest } from './accessRequest.ts';

/** A port as it is asked for once more: with one source, as it was granted. */
export interface PortAskedAgain {
  number: number;
  protocol: AccessRequest['virtualMachines'][number]['ports'][number]['protocol'];
  allowedSourceAddressPrefix: string;
}

/** What was granted, as something that is asked for: each source by itself, for every one has to be within policy still. */
export function askAgain({
  virtualMachines,
}: Pick<AccessRequest, 'virtualMachines'>): { id: string; ports: PortAskedAgain[] }[] {
  return virtualMachines.map(({ id, ports }) => ({
    id,
    ports: ports.flatMap(({ number, protocol, allowedSourceAddressPrefixes }) =>
      allowedSourceAddressPrefixes.map((allowedSourceAddressPrefix) => ({
        number,
        protocol,
        allowedSourceAddressPrefix,
      })),
    ),
  }));
}
