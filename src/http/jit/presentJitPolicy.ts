import type { AccessRequest } from '../../core/accessRequest.ts';
import { aggregate, isEverybody } from '../../core/address.ts';
import type { Policy, PolicyPort } from '../../core/policy.ts';
import { canonicalId } from '../../core/resourceId.ts';
import { placeOfPolicy, policyType } from './jitTarget.ts';
import { presentJitRequest } from './presentJitRequest.ts';
import { presentSources, withoutFullLength } from './presentSources.ts';

const states = { updating: 'Updating', succeeded: 'Succeeded', failed: 'Failed' } as const;

/**
 * A policy as Microsoft shows one, with those of the requests that speak of its machines; what Microsoft has no member
 * for is in `properties.sallyport`. Undefined for a policy whose id is not of Microsoft's kind.
 */
export function presentJitPolicy(policy: Policy, requests: readonly AccessRequest[]) {
  const place = placeOfPolicy(policy.id);
  if (place === undefined) return undefined;
  const machines = policy.entries.flatMap(({ selector, ports }) =>
    'virtualMachineIds' in selector ? selector.virtualMachineIds.map((id) => ({ id, ports })) : [],
  );
  const ids = new Set(machines.map(({ id }) => canonicalId(id)));
  const { conditions, baseline, provisioning, version } = policy;
  return {
    kind: 'Basic',
    properties: {
      virtualMachines: machines.map(({ id, ports }) => ({ id, ports: ports.map(presentPort) })),
      requests: requests.flatMap((request) => presentJitRequest(request, ids) ?? []),
      provisioningState: states[provisioning.state],
      // Undocumented; Microsoft's service says it.
      appendMode: false,
      sallyport: {
        version,
        conditions,
        baseline,
        ...(provisioning.reasons.length > 0 && { reasons: provisioning.reasons }),
      },
    },
    id: policy.id,
    name: place.name,
    type: policyType,
    location: place.location,
  };
}

function presentPort(port: PolicyPort) {
  const { number, protocol, maxRequestAccessDuration, sourcesAsWritten } = port;
  return {
    number,
    protocol: protocol.toUpperCase(),
    ...presentSources(sourcesAsWritten ?? asMicrosoftWrites(port.allowedSourceAddressPrefixes)),
    maxRequestAccessDuration,
  };
}

/** One source in the singular, everybody as `*`, an address without a length. */
function asMicrosoftWrites(prefixes: readonly string[]): string | string[] {
  if (aggregate([...prefixes]).filter(isEverybody).length === 2) return '*';
  const [first, ...more] = prefixes.map(withoutFullLength);
  return first !== undefined && more.length === 0 ? first : prefixes.map(withoutFullLength);
}
