import { list, table } from './table.ts';
import type { Column } from './table.ts';
import type { AccessRequest } from './shapes.ts';
import type { Surroundings } from './surroundings.ts';
import { fromNow, localTime } from './times.ts';

const columns: readonly Column[] = [
  ...[{ title: 'ID' }, { title: 'STATE' }, { title: 'WHO', isFlexible: true } as const],
  ...[{ title: 'VIRTUAL MACHINE', isFlexible: true } as const, { title: 'PORTS', isFlexible: true } as const],
  { title: 'ENDS' },
];
/** So many digits of an id are shown, and taken wherever one is asked for. */
export const shortId = 8;

/** A table of requests; times are told from now, so that a line stays short. */
export function requestTable(requests: readonly AccessRequest[], { columns: width }: Surroundings): string {
  if (requests.length === 0) return 'There are none.';
  const now = new Date();
  const rows = requests.map((request) => [
    request.id.slice(0, shortId),
    request.state,
    request.requester.displayName,
    request.virtualMachines.map(({ id }) => nameOf(id)).join(', '),
    [...new Set(request.virtualMachines.flatMap(({ ports }) => ports.map(portText)))].join(', '),
    request.end === undefined ? request.duration : fromNow(request.end, now),
  ]);
  return table(columns, rows, width);
}

/** Everything that somebody asks about one request. */
export function requestText(request: AccessRequest, { columns: width, timeZone }: Surroundings): string {
  const time = (instant: string) => `${localTime(instant, timeZone)} (${fromNow(instant, new Date())})`;
  const { start, end, approval, extension, breakGlass, revoked, waiting, reason } = request;
  const approvals = (given: NonNullable<AccessRequest['approval']>['given']) =>
    given.map(({ by, at, comment }) => ['approved', `${by.displayName}, ${time(at)}: ${comment}`] as const);
  return list(
    [
      ['id', request.id],
      ['state', request.state],
      ...(reason === undefined ? [] : [['because', `${reason.message} (${reason.code})`] as const]),
      ...(waiting === undefined ? [] : [['waits', waiting.message] as const]),
      ['who', `${request.requester.displayName} (${request.requester.objectId})`],
      ['why', request.justification],
      ...machineEntries(request.virtualMachines),
      ['duration', request.duration],
      ...(start === undefined ? [] : [['from', time(start)] as const]),
      ...(end === undefined ? [] : [['until', time(end)] as const]),
      ...approvals(approval?.given ?? []),
      ...(approval === undefined || request.state !== 'pending'
        ? []
        : [['lapses', `${time(approval.expiresAt)}, unless it is approved by then`] as const]),
      ...(extension === undefined
        ? []
        : [
            ['more time', `until ${time(extension.end)}, which waits for approval`] as const,
            ['why', extension.justification] as const,
            ...approvals(extension.approval.given),
          ]),
      ...(breakGlass === undefined ? [] : [['review', reviewText(breakGlass, time)] as const]),
      ...(revoked === undefined
        ? []
        : [
            [
              'ended by',
              [`${revoked.by.displayName}, ${time(revoked.at)}`, revoked.comment]
                .filter((part) => part !== undefined)
                .join(': '),
            ] as const,
          ]),
      ['correlation', request.correlationId],
    ],
    width,
  );
}

function reviewText(
  { reviewed }: NonNullable<AccessRequest['breakGlass']>,
  time: (instant: string) => string,
): string {
  if (reviewed === undefined) return 'approval was skipped, and nobody has reviewed why';
  return `${reviewed.by.displayName}, ${time(reviewed.at)}: ${reviewed.comment}`;
}

/** Machines and their ports, a line each. */
export function machineEntries(virtualMachines: AccessRequest['virtualMachines']) {
  return virtualMachines.flatMap(({ id, ports }) => [
    ['machine', id] as const,
    ...ports.map(
      (port) => ['port', `${portText(port)} from ${port.allowedSourceAddressPrefixes.join(', ')}`] as const,
    ),
  ]);
}

/** The last segment of an ARM id. */
export function nameOf(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

/** `22/tcp`. */
export function portText({ number, protocol }: { number: number; protocol: string }): string {
  return `${number}/${protocol === '*' ? 'any' : protocol.toLowerCase()}`;
}
