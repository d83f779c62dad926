import type { AccessRequest } from '../../../src/core/accessRequest.ts';
import { vmId } from '../../support/grantWorld.ts';
import { span } from '../../support/packetOracle.ts';

/** What a policy says of one port of the world's machine, read from the body that was put and from nothing of the product's. */
export interface SaidOfPort {
  number: number;
  protocols: readonly string[];
  sources: readonly Span[];
  seconds: number;
}

/** A policy as it was put. */
export interface SaidByPolicy {
  ports: SaidOfPort[];
  conditions: { approval?: unknown; largestSource?: { IPv4?: number }; justificationPattern?: string };
}

type Span = ReturnType<typeof span>;

/** As much of the bodies as can be in one that was accepted. */
interface PutBody {
  properties: {
    virtualMachines: { id: string; ports: PutPort[] }[];
    sallyport?: { conditions?: SaidByPolicy['conditions'] | null } | null;
  };
}
interface SourceMembers {
  allowedSourceAddressPrefix?: string | null;
  allowedSourceAddressPrefixes?: string[] | null;
}
interface PutPort extends SourceMembers {
  number: number | string;
  protocol: string;
  maxRequestAccessDuration: string;
}
interface InitiateBody {
  virtualMachines: {
    id: string;
    ports: (SourceMembers & {
      number: number | string;
      endTimeUtc?: string | null;
      duration?: string | null;
    })[];
  }[];
  justification?: string | null;
}

/** What a body says that was accepted over what its policy said before. */
export function readPolicy(json: unknown, before: SaidByPolicy | undefined): SaidByPolicy {
  const { virtualMachines, sallyport } = (json as PutBody).properties;
  const ports = virtualMachines
    .filter(({ id }) => isOurs(id))
    .flatMap((machine) =>
      machine.ports.map((port) => ({
        number: Number(port.number),
        protocols: protocolsOf(port.protocol),
        sources: spansOf(port, ['0.0.0.0/0', '::/0']) ?? [],
        seconds: secondsOf(port.maxRequestAccessDuration),
      })),
    );
  const kept = before?.conditions ?? {};
  if (sallyport === undefined) return { ports, conditions: kept };
  const { conditions = sallyport === null ? null : kept } = sallyport ?? {};
  return { ports, conditions: conditions ?? {} };
}

/** What is wrong with requests that were made of an initiate; undefined if nothing is. */
export function problemOfInitiated(
  json: unknown,
  requests: readonly AccessRequest[],
  by: { objectId: string; address: string; policies: readonly SaidByPolicy[] },
): string | undefined {
  const { virtualMachines, justification } = json as InitiateBody;
  const asked = virtualMachines.flatMap(({ ports }) => ports);
  for (const request of requests) {
    const { requester, start, end, state } = request;
    const seconds = (Date.parse(end) - Date.parse(start)) / 1000;
    if (requester.objectId !== by.objectId) return `it was granted to ${requester.objectId}`;
    if (!(seconds >= 1)) return `${seconds} seconds were granted`;
    if (request.justification !== (justification ?? '')) return 'it has another justification';
    for (const { id, ports } of request.virtualMachines) {
      if (!isOurs(id)) return `${id} was granted`;
      for (const port of ports) {
        const which = `${port.number} ${port.protocol} from ${port.allowedSourceAddressPrefixes.join()}`;
        const spans = port.allowedSourceAddressPrefixes.map(span);
        const isAsked = asked.some(
          (one) =>
            Number(one.number) === port.number &&
            spans.every((each) =>
              (spansOf(one, ['0.0.0.0/0']) ?? [span(by.address)]).some((other) => isSame(each, other)),
            ) &&
            Date.parse(end) <= latestEnd(one, Date.parse(start)),
        );
        if (!isAsked) return `${which} until ${end} was not asked for`;
        const against = problemOfPort({ ...port, spans, seconds, justification, state }, by.policies);
        if (against !== undefined) return `${which}: ${against}`;
      }
    }
  }
  return undefined;
}

function problemOfPort(
  granted: {
    number: number;
    protocol: string;
    spans: readonly Span[];
    seconds: number;
    justification: string | null | undefined;
    state: string;
  },
  policies: readonly SaidByPolicy[],
): string | undefined {
  const protocols = protocolsOf(granted.protocol);
  const naming = policies.flatMap(({ ports, conditions }) =>
    ports
      .filter(
        ({ number, protocols: named }) =>
          number === granted.number && named.some((one) => protocols.includes(one)),
      )
      .map((port) => ({ ...port, conditions })),
  );
  const isNamed = protocols.every((one) => naming.some(({ protocols: named }) => named.includes(one)));
  if (!isNamed) return 'no policy names it';
  for (const { sources, seconds, conditions } of naming) {
    if (granted.seconds > seconds) return `${granted.seconds} s were granted, and a policy says ${seconds}`;
    if (!granted.spans.every((one) => isCovered(one, sources))) return 'a policy does not admit the source';
    const { approval, largestSource, justificationPattern } = conditions;
    const largest = 2n ** BigInt(32 - (largestSource?.IPv4 ?? 0));
    if (granted.spans.some(({ family, first, last }) => family === 4 && last - first + 1n > largest))
      return 'the source is larger than a policy says';
    if (approval !== undefined && granted.state !== 'pending') return 'nobody was asked to approve it';
    if (
      justificationPattern !== undefined &&
      !new RegExp(`^(?:${justificationPattern})$`, 's').test(granted.justification ?? '')
    )
      return 'the justification does not match';
  }
  return undefined;
}

function isOurs(id: string): boolean {
  return id.toLowerCase() === vmId.toLowerCase();
}

function protocolsOf(text: string): string[] {
  return text === '*' ? ['tcp', 'udp'] : [text.toLowerCase()];
}

/** Undefined where none is named. */
function spansOf(members: SourceMembers, everybody: readonly string[]): Span[] | undefined {
  const named = members.allowedSourceAddressPrefixes ?? members.allowedSourceAddressPrefix ?? undefined;
  return named === undefined
    ? undefined
    : [named].flat().flatMap((text) => (text === '*' ? everybody.map(span) : [span(text)]));
}

function isSame(one: Span, other: Span): boolean {
  return one.family === other.family && one.first === other.first && one.last === other.last;
}

/** Whether the spans hold every address of one, by walking from its first address on. */
function isCovered(one: Span, spans: readonly Span[]): boolean {
  let next = one.first;
  while (next <= one.last) {
    const holding = spans.filter(
      ({ family, first, last }) => family === one.family && first <= next && next <= last,
    );
    if (holding.length === 0) return false;
    next = holding.map(({ last }) => last).reduce((a, b) => (a > b ? a : b)) + 1n;
  }
  return true;
}

function latestEnd(
  { endTimeUtc, duration }: { endTimeUtc?: string | null; duration?: string | null },
  start: number,
): number {
  if (typeof duration === 'string') return start + secondsOf(duration) * 1000;
  const text = endTimeUtc ?? '';
  return Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
}

/** Hours, minutes and seconds of an ISO 8601 duration; throws for what it does not know. */
function secondsOf(text: string): number {
  const parts =
    /^P(?:(?<w>[\d.]+)W)?(?:(?<d>[\d.]+)D)?(?:T(?:(?<h>[\d.]+)H)?(?:(?<m>[\d.]+)M)?(?:(?<s>[\d.]+)S)?)?$/.exec(
      text,
    );
  if (parts === null) throw new Error(`${text} was accepted as a duration.`);
  const of = (name: string) => Number(parts.groups?.[name] ?? 0);
  return of('w') * 604_800 + of('d') * 86_400 + of('h') * 3_600 + of('m') * 60 + of('s');
}

/** The policy that every world begins with. */
export const worldsPolicy: SaidByPolicy = {
  ports: [{ number: 22, protocols: ['tcp'], sources: [span('203.0.113.0/24')], seconds: 10_800 }],
  conditions: {},
};
