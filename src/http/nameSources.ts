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
      address?: Found;
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

type Found = Extract<CallerAddress, { ok: true }>;

/** What an answer says of the caller's address where it was taken for a source: which it is, and how it was found. */
export function presentCallerAddress(address: Found | undefined) {
  if (address === undefined) return {};
  return { callerAddress: { allowedSourceAddressPrefix: address.prefix, foundBy: address.foundBy } };
}

/** Undefined for a repeated Idempotency-Key, which gives the earlier request, if that was asked for from elsewhere. */
export function addressUsed(
  address: Found | undefined,
  { virtualMachines }: Pick<AccessRequest, 'virtualMachines'>,
): Found | undefined {
  const isUsed = virtualMachines.some(({ ports }) =>
    ports.some(({ allowedSourceAddressPrefixes: sources }) => sources.includes(address?.prefix ?? '')),
  );
  return isUsed ? address : undefined;
}
