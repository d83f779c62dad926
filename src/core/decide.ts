import type { Protocol, RequestedPort, RequestedVirtualMachine } from './accessRequest.ts';
import { containsPrefix } from './address.ts';
import { formatDuration, parseDuration } from './duration.ts';
import type { EffectivePolicy } from './effectivePolicy.ts';
import type { PolicyPort } from './policy.ts';
import type { Decision, Reason } from './reason.ts';

/** What is decided on: a request that is right in its form. */
export interface Asked {
  virtualMachines: readonly {
    id: string;
    /** A protocol that is left out is taken from the policy. Sources are canonical prefixes. */
    ports: readonly { number: number; protocol?: Protocol; allowedSourceAddressPrefix: string }[];
  }[];
  durationSeconds: number;
}

export interface Deciding {
  /** `granted` or `denied`. */
  decision: Decision;
  /** What was granted, nothing left out; empty when denied. */
  virtualMachines: RequestedVirtualMachine[];
}

interface TooLong {
  port: number;
  maximumSeconds: number;
}

/**
 * Decides whether a request is a subset of the policies: every port named, with a protocol, sources and a duration
 * that one and the same entry of the policy admits. Reports every problem, not the first one.
 *
 * `policies` are in the order of the submission's virtual machines, `undefined` where there is none.
 */
export function decide(input: {
  submission: Asked;
  policies: readonly (EffectivePolicy | undefined)[];
}): Deciding {
  const { submission, policies } = input;
  const reasons: Reason[] = [];
  const tooLong: TooLong[] = [];
  const granted = submission.virtualMachines.map((asked, index): RequestedVirtualMachine => {
    const policy = policies[index];
    if (policy === undefined) {
      reasons.push({
        code: 'no-policy',
        message: 'There is no policy for this virtual machine, so nothing may be asked of it.',
        field: `virtualMachines[${index}].id`,
      });
      return { id: asked.id, ports: [] };
    }
    const ports = asked.ports.map((port, portIndex): RequestedPort | undefined => {
      const field = `virtualMachines[${index}].ports[${portIndex}]`;
      return admit(port, field, policy, submission.durationSeconds, reasons, tooLong);
    });
    return { id: asked.id, ports: ports.filter((port) => port !== undefined) };
  });
  if (tooLong.length > 0) reasons.push(durationReason(tooLong));

  const known = policies.filter((policy) => policy !== undefined).map((policy) => policy.id);
  if (reasons.length > 0) {
    return { decision: { outcome: 'denied', reasons, policies: known }, virtualMachines: [] };
  }
  const withinPolicy: Reason = {
    code: 'within-policy',
    message: 'Everything that was asked for is within policy.',
  };
  return {
    decision: { outcome: 'granted', reasons: [withinPolicy], policies: known },
    virtualMachines: granted,
  };
}

/** The port as granted; otherwise the problem is added to `reasons` or `tooLong`. */
function admit(
  asked: Asked['virtualMachines'][number]['ports'][number],
  field: string,
  policy: EffectivePolicy,
  durationSeconds: number,
  reasons: Reason[],
  tooLong: TooLong[],
): RequestedPort | undefined {
  const ofNumber = policy.ports.filter((entry) => entry.number === asked.number);
  if (ofNumber.length === 0) {
    const allowed = unique(policy.ports.map((entry) => entry.number));
    reasons.push({
      code: 'port-not-in-policy',
      message: `Port ${asked.number} is not in the policy, which allows ${shortList(allowed)}.`,
      field: `${field}.number`,
      allowed,
    });
    return undefined;
  }
  const ofProtocol = ofNumber.filter((entry) => admitsProtocol(entry, asked.protocol));
  if (ofProtocol.length === 0) {
    const allowed = unique(ofNumber.map((entry) => entry.protocol));
    reasons.push({
      code: 'protocol-not-in-policy',
      message: `For port ${asked.number} the policy allows the protocol ${shortList(allowed)} only.`,
      field: `${field}.protocol`,
      allowed,
    });
    return undefined;
  }
  const ofSource = ofProtocol.filter((entry) => admitsSource(entry, asked.allowedSourceAddressPrefix));
  if (ofSource.length === 0) reasons.push(sourceReason(asked, field, ofProtocol));

  // Where no source fits, the duration is still judged, so that both problems are told at once.
  const candidates = ofSource.length > 0 ? ofSource : ofProtocol;
  const entry = candidates.find((candidate) => durationSeconds <= maximumSecondsOf(candidate));
  if (entry === undefined) {
    tooLong.push({ port: asked.number, maximumSeconds: Math.max(...candidates.map(maximumSecondsOf)) });
  }
  if (entry === undefined || ofSource.length === 0) return undefined;
  return {
    number: asked.number,
    protocol: asked.protocol ?? entry.protocol,
    allowedSourceAddressPrefixes: [asked.allowedSourceAddressPrefix],
  };
}

function admitsProtocol(entry: PolicyPort, asked: Protocol | undefined): boolean {
  return asked === undefined || entry.protocol === '*' || entry.protocol === asked;
}

/** One allowed prefix must hold the whole source. */
function admitsSource(entry: PolicyPort, asked: string): boolean {
  return entry.allowedSourceAddressPrefixes.some((prefix) => containsPrefix(prefix, asked));
}

function sourceReason(
  asked: { number: number; allowedSourceAddressPrefix: string },
  field: string,
  entries: readonly PolicyPort[],
): Reason {
  const allowed = unique(entries.flatMap((entry) => entry.allowedSourceAddressPrefixes));
  const message = `For port ${asked.number} the policy does not allow ${asked.allowedSourceAddressPrefix}, but only what lies within one of ${shortList(allowed)}.`;
  return { code: 'source-not-in-policy', message, field: `${field}.allowedSourceAddressPrefix`, allowed };
}

/** One reason for the one duration of the request: the least maximum is what would be allowed. */
function durationReason(tooLong: readonly TooLong[]): Reason {
  const least = tooLong.reduce((a, b) => (b.maximumSeconds < a.maximumSeconds ? b : a));
  const allowed = formatDuration(least.maximumSeconds);
  return {
    code: 'duration-exceeds-policy',
    message: `The duration is longer than the policy allows; the least of the ports asked for, ${least.port}, allows ${allowed} at most.`,
    field: 'duration',
    allowed,
  };
}

/** A maximum that cannot be read admits nothing. */
function maximumSecondsOf(entry: PolicyPort): number {
  const maximum = parseDuration(entry.maxRequestAccessDuration);
  return maximum.ok ? maximum.seconds : 0;
}

function unique<Value>(values: readonly Value[]): Value[] {
  return [...new Set(values)];
}

/** Messages are stored with each refusal, so a long list is cut; `allowed` has it all. */
function shortList(values: readonly (string | number)[]): string {
  const shown = values.slice(0, 5).join(', ');
  return values.length > 5 ? `${shown} and ${values.length - 5} more` : shown;
}
