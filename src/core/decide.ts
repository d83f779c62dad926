import type { Protocol, RequestedPort, RequestedVirtualMachine } from './accessRequest.ts';
import { containsPrefix, familyOf } from './address.ts';
import type { ApprovalRule } from './approval.ts';
import { canonicalJson } from './canonicalJson.ts';
import { formatDuration } from './duration.ts';
import type { EffectivePolicy, EffectivePort } from './effectivePolicy.ts';
import { meetsPattern } from './justification.ts';
import type { Decision, Reason } from './reason.ts';
import { describeWindow, isWithin } from './timeWindow.ts';

/** What is decided on: a request that is right in its form. */
export interface Asked {
  virtualMachines: readonly {
    id: string;
    /** A protocol that is left out is taken from the policy. Sources are canonical prefixes. */
    ports: readonly { number: number; protocol?: Protocol; allowedSourceAddressPrefix: string }[];
  }[];
  durationSeconds: number;
  justification: string;
}

export interface Deciding {
  /** `needs-approval` where everything is within policy and people must say yes before it is opened. */
  decision: Decision;
  /** What was granted, nothing left out; empty when denied. */
  virtualMachines: RequestedVirtualMachine[];
  /** Every one must be met; empty unless approval is needed. */
  approval: ApprovalRule[];
  /** The least of the maxima of what was granted, in seconds: an extension may go so far. 0 when denied. */
  maximumSeconds: number;
  /** A policy wants flows that are established cut when the grant ends. */
  flushConnection: boolean;
}

/**
 * Decides whether a request is a subset of what the policies say together: every port named, with protocol, sources,
 * duration and justification that they admit, at a time that they admit. Reports every problem, not the first one.
 *
 * `policies` are in the order of the submission's virtual machines, `undefined` where there is none; `start` is when
 * access would begin.
 */
export function decide(input: {
  submission: Asked;
  policies: readonly (EffectivePolicy | undefined)[];
  start: Date;
}): Deciding {
  const { submission, policies, start } = input;
  const reasons = nothingNamed(submission);
  const met: EffectivePort[] = [];
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
    const ports = asked.ports.flatMap((port, portIndex): RequestedPort[] => {
      const field = `virtualMachines[${index}].ports[${portIndex}]`;
      const admitted = admit(port, field, policy, submission.durationSeconds, reasons);
      if (admitted === undefined) return [];
      met.push(admitted.entry);
      return admitted.port === undefined ? [] : [admitted.port];
    });
    return { id: asked.id, ports };
  });
  reasons.push(...reasonsOfWhole(met, submission, start));

  const known = [...new Set(policies.flatMap((policy) => policy?.policies ?? []))];
  if (reasons.length > 0) {
    return {
      decision: { outcome: 'denied', reasons, policies: known },
      virtualMachines: [],
      approval: [],
      maximumSeconds: 0,
      flushConnection: false,
    };
  }
  const approval = distinct(met.flatMap((entry) => entry.approval));
  return {
    decision: { ...granting(approval), policies: known },
    virtualMachines: granted,
    approval,
    maximumSeconds: Math.min(...met.map((entry) => entry.maximumSeconds)),
    flushConnection: met.some((entry) => entry.flushConnection),
  };
}

/** A request without machines, or a machine without ports, is within every policy; what it would open nobody can say. */
function nothingNamed({ virtualMachines }: Asked): Reason[] {
  if (virtualMachines.length === 0) {
    const message = 'No virtual machine is named, so there is nothing that a policy could allow.';
    return [{ code: 'no-policy', message, field: 'virtualMachines' }];
  }
  return virtualMachines.flatMap(({ ports }, index): Reason[] => {
    if (ports.length > 0) return [];
    const message = 'No port of this virtual machine is named.';
    return [{ code: 'port-not-in-policy', message, field: `virtualMachines[${index}].ports` }];
  });
}

function granting(approval: readonly ApprovalRule[]): Pick<Decision, 'outcome' | 'reasons'> {
  const withinPolicy: Reason = {
    code: 'within-policy',
    message: 'Everything that was asked for is within policy.',
  };
  if (approval.length === 0) return { outcome: 'granted', reasons: [withinPolicy] };
  const people = Math.max(...approval.map(({ approvers }) => approvers));
  const needed: Reason = {
    code: 'approval-needed',
    message: `Everything that was asked for is within policy, and it needs the approval of ${people === 1 ? 'one other person' : `${people} other people`}.`,
  };
  return { outcome: 'needs-approval', reasons: [needed] };
}

/** What is asked once for the whole request: its duration, its justification, its time. */
function reasonsOfWhole(
  met: readonly EffectivePort[],
  { durationSeconds, justification }: Asked,
  start: Date,
): Reason[] {
  const reasons: Reason[] = [];
  const tooLong = met.filter((entry) => durationSeconds > entry.maximumSeconds);
  if (tooLong.length > 0) reasons.push(durationReason(tooLong));
  const patterns = distinct(met.flatMap((entry) => entry.justificationPatterns));
  const missed = patterns.filter((pattern) => !meetsPattern(pattern, justification));
  if (missed.length > 0) {
    reasons.push({
      code: 'justification-not-accepted',
      message: `The policy wants the whole justification to match ${shortList(missed)}.`,
      field: 'justification',
      allowed: missed,
    });
  }
  const closed = distinct(met.flatMap((entry) => entry.timeWindows)).filter(
    (windows) => !isWithin(windows, start),
  );
  if (closed.length > 0) {
    const windows = closed.map((each) => each.map(describeWindow).join(' or '));
    reasons.push({
      code: 'outside-time-window',
      message: `By the policy access may not begin at ${start.toISOString()}, but ${shortList(windows)}.`,
      field: 'start',
      allowed: closed,
    });
  }
  return reasons;
}

/**
 * What the policy says of the port, and the port as granted if nothing but what concerns the whole request is against it;
 * what else is, is added to `reasons`. Undefined where the policy says nothing of it.
 */
function admit(
  asked: Asked['virtualMachines'][number]['ports'][number],
  field: string,
  policy: EffectivePolicy,
  durationSeconds: number,
  reasons: Reason[],
): { entry: EffectivePort; port?: RequestedPort } | undefined {
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
  const [first, ...others] = ofNumber.filter((entry) =>
    asked.protocol === undefined ? entry.isNamed : entry.protocol === asked.protocol,
  );
  if (first === undefined) {
    const allowed = ofNumber.map((entry) => entry.protocol);
    reasons.push({
      code: 'protocol-not-in-policy',
      message: `For port ${asked.number} the policy allows the protocol ${shortList(allowed)} only.`,
      field: `${field}.protocol`,
      allowed,
    });
    return undefined;
  }
  const candidates = [first, ...others].map((entry) => ({
    entry,
    against: sourceReason(asked, field, entry),
  }));
  const ofSource = candidates.filter(({ against }) => against === undefined).map(({ entry }) => entry);
  // Where no source fits, the rest is still judged, so that all problems are told at once.
  const entry = ofSource.find((each) => durationSeconds <= each.maximumSeconds) ?? ofSource[0] ?? first;
  const against = ofSource.length > 0 ? undefined : candidates[0]?.against;
  if (against !== undefined) {
    reasons.push(against);
    return { entry };
  }
  return {
    entry,
    port: {
      number: asked.number,
      protocol: entry.protocol,
      allowedSourceAddressPrefixes: [asked.allowedSourceAddressPrefix],
    },
  };
}

/** What is against the source, or nothing: one allowed prefix must hold the whole of it. */
function sourceReason(
  asked: { number: number; allowedSourceAddressPrefix: string },
  field: string,
  { allowedSourceAddressPrefixes: allowed, largestSource }: EffectivePort,
): Reason | undefined {
  const source = asked.allowedSourceAddressPrefix;
  const where = `${field}.allowedSourceAddressPrefix`;
  if (!allowed.some((prefix) => containsPrefix(prefix, source))) {
    const message =
      allowed.length === 0
        ? `The policies for port ${asked.number} have no source in common, so it can be opened to nobody.`
        : `For port ${asked.number} the policy does not allow ${source}, but only what lies within one of ${shortList(allowed)}.`;
    return { code: 'source-not-in-policy', message, field: where, allowed };
  }
  const least = largestSource[familyOf(source)];
  if (least === undefined || lengthOf(source) >= least) return undefined;
  const message = `For port ${asked.number} the policy wants a source no larger than /${least}, and ${source} is.`;
  return { code: 'source-too-large', message, field: where, allowed: largestSource };
}

function lengthOf(prefix: string): number {
  return Number(prefix.split('/')[1]);
}

/** One reason for the one duration of the request: the least maximum is what would be allowed. */
function durationReason(tooLong: readonly EffectivePort[]): Reason {
  const least = tooLong.reduce((a, b) => (b.maximumSeconds < a.maximumSeconds ? b : a));
  const allowed = formatDuration(least.maximumSeconds);
  return {
    code: 'duration-exceeds-policy',
    message: `The duration is longer than the policy allows; the least of the ports asked for, ${least.number}, allows ${allowed} at most.`,
    field: 'duration',
    allowed,
  };
}

function distinct<Value>(values: readonly Value[]): Value[] {
  return [...new Map(values.map((value) => [canonicalJson(value), value])).values()];
}

function unique<Value>(values: readonly Value[]): Value[] {
  return [...new Set(values)];
}

/** Messages are stored with each refusal, so a long list is cut; `allowed` has it all. */
function shortList(values: readonly (string | number)[]): string {
  const shown = values.slice(0, 5).join(', ');
  return values.length > 5 ? `${shown} and ${values.length - 5} more` : shown;
}
