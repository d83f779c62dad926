import type { AccessRequest, RequestedPort, RequestState } from '../../core/accessRequest.ts';
import { canonicalId } from '../../core/resourceId.ts';
import { presentSources, withoutFullLength } from './presentSources.ts';

/**
 * `Initiating` until it is open, `Initiated` while it is, `Revoked` from its end on. Microsoft's documentation has only
 * the latter two; its service answers with the first.
 */
const statuses: Record<RequestState, 'Initiating' | 'Initiated' | 'Revoked'> = {
  pending: 'Initiating',
  scheduled: 'Initiating',
  opening: 'Initiating',
  active: 'Initiated',
  closing: 'Revoked',
  closed: 'Revoked',
  denied: 'Revoked',
  expired: 'Revoked',
  failed: 'Revoked',
};

/** As `presentJitRequests` of one request; undefined where it speaks of none of the machines (canonical ids). */
export function presentJitRequest(request: AccessRequest, machines?: ReadonlySet<string>) {
  const shown = presentJitRequests([request], machines);
  return shown.virtualMachines.length === 0 ? undefined : shown;
}

/**
 * Requests that were initiated together as Microsoft shows one request: each port with its own end. Only of these
 * machines, if any are named. What Microsoft has no member for is in `sallyport`.
 */
export function presentJitRequests(requests: readonly AccessRequest[], machines?: ReadonlySet<string>) {
  const parts = requests.flatMap((request) =>
    request.virtualMachines
      .filter(({ id }) => machines?.has(canonicalId(id)) !== false)
      .map(({ id, ports }) => ({ id, ports: portsOf(request, ports) })),
  );
  const ids = [...new Set(parts.map(({ id }) => id))];
  const [first] = requests;
  return {
    virtualMachines: ids.map((id) => ({
      id,
      ports: parts.filter((part) => part.id === id).flatMap(({ ports }) => ports),
    })),
    startTimeUtc: first?.start ?? '',
    requestor: first?.requester.displayName ?? '',
    ...(first !== undefined && first.justification !== '' && { justification: first.justification }),
    sallyport: { accessRequests: requests.map(presentExtension) },
  };
}

/** Sources of one port and protocol together, as one port. */
function portsOf(request: AccessRequest, ports: readonly RequestedPort[]) {
  const sources = new Map<string, { number: number; prefixes: string[] }>();
  for (const { number, protocol, allowedSourceAddressPrefixes } of ports) {
    const key = `${number} ${protocol}`;
    const known = sources.get(key) ?? { number, prefixes: [] };
    known.prefixes.push(...allowedSourceAddressPrefixes.map(withoutFullLength));
    sources.set(key, known);
  }
  const status = statuses[request.state];
  return [...sources.values()].map(({ number, prefixes }) => ({
    number,
    ...presentSources(prefixes.length === 1 ? (prefixes[0] ?? '') : prefixes),
    endTimeUtc: request.end,
    status,
    statusReason: status === 'Revoked' ? whyRevoked(request) : 'UserRequested',
  }));
}

/** What a person ended was wished for; what ended by itself has expired. Nothing of ours is ended by a newer request. */
function whyRevoked({ state, reason }: AccessRequest): 'UserRequested' | 'Expired' {
  return state === 'denied' || reason?.code === 'revoked' ? 'UserRequested' : 'Expired';
}

function presentExtension(request: AccessRequest) {
  const { id, state, requester, reason, approval, waiting, chosenEnd } = request;
  const waitingFor = state === 'opening' ? waiting?.reason?.message : undefined;
  return {
    id,
    state,
    requesterObjectId: requester.objectId,
    ...(reason !== undefined && { reason: { code: reason.code, message: reason.message } }),
    ...(waitingFor !== undefined && { waitingFor }),
    ...(state === 'pending' &&
      approval !== undefined && { waitingFor: waitingForApproval(approval, chosenEnd) }),
  };
}

function waitingForApproval(
  { rules, given, expiresAt }: NonNullable<AccessRequest['approval']>,
  chosenEnd: string | undefined,
): string {
  const missing = rules.map(({ approvers }, index) =>
    Math.max(0, approvers - given.filter(({ rules: counted }) => counted.includes(index)).length),
  );
  const most = Math.max(...missing, 0);
  return `Approval by ${most} more ${most === 1 ? 'person' : 'people'}, until ${expiresAt}; nothing is open before. ${chosenEnd === undefined ? 'Its duration runs from the last approval.' : `It ends at ${chosenEnd} all the same.`}`;
}
