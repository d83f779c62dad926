import type { AccessRequest } from '../core/accessRequest.ts';
import type { AskedPort, Submission } from '../workflow/contracts.ts';
import type { AccessRequestBody } from './accessRequestBody.ts';
import type { CallerAddress } from './callerAddress.ts';
import type { FieldProblem } from './problem.ts';

type NamedSources =
  | {
      ok: true;
      virtualMachines: Submission['virtualMachines'];
      /** The caller's address, if it was needed. */
      address?: Extract<CallerAddress, { ok: true }>;
    }
  | { ok: false; problems: FieldProblem[] };

/** Gives every port a source: where the body names none, the caller's address, which is looked for only then. */
export function nameSources(
  asked: AccessRequestBody['virtualMachines'],
  addressOfCaller: () => CallerAddress,
): NamedSources {
  const isNeeded = asked.some(({ ports }) =>
    ports.some(({ allowedSourceAddressPrefix }) => allowedSourceAddressPrefix === undefined),
  );
  const address = isNeeded ? addressOfCaller() : undefined;
  const problems: FieldProblem[] = [];
  const virtualMachines = asked.map(({ id, ports }, index) => ({
    id,
    ports: ports.map((port, portIndex): AskedPort => {
      const { allowedSourceAddressPrefix: named } = port;
      if (named !== undefined) return { ...port, allowedSourceAddressPrefix: named };
      if (address?.ok === true) return { ...port, allowedSourceAddressPrefix: address.prefix };
      problems.push({
        field: `virtualMachines[${index}].ports[${portIndex}].allowedSourceAddressPrefix`,
        code: 'caller-address-unknown',
        detail: address?.detail ?? '',
      });
      return { ...port, allowedSourceAddressPrefix: '' };
    }),
  }));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, virtualMachines, ...(address?.ok === true && { address }) };
}

/**
 * What an answer says of the caller's address: it was used for this request, and how it was found. A repeated
 * Idempotency-Key gives the earlier request, which may have been asked for from elsewhere.
 */
export function presentCallerAddress(
  address: Extract<CallerAddress, { ok: true }> | undefined,
  { virtualMachines }: Pick<AccessRequest, 'virtualMachines'>,
) {
  const isUsed = virtualMachines.some(({ ports }) =>
    ports.some(({ allowedSourceAddressPrefixes: sources }) => sources.includes(address?.prefix ?? '')),
  );
  if (address === undefined || !isUsed) return {};
  return { callerAddress: { allowedSourceAddressPrefix: address.prefix, foundBy: address.foundBy } };
}
