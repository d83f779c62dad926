import { machineEntries, nameOf } from './presentAccess.ts';
import type { DryRun } from './shapes.ts';
import type { Surroundings } from './surroundings.ts';
import { list } from './table.ts';
import { fromNow, localTime } from './times.ts';

const outcomes: Readonly<Record<string, string>> = {
  granted: 'It would be granted.',
  'needs-approval': 'It would wait for approval.',
  denied: 'It would be denied.',
};

/** What would come of a request. */
export function dryRunText(foreseen: DryRun, { columns: width, timeZone }: Surroundings): string {
  const { decision, approval, virtualMachines, callerAddress, start, end, networkSecurityGroups } = foreseen;
  const time = (instant: string) => `${localTime(instant, timeZone)} (${fromNow(instant, new Date())})`;
  const told = decision.outcome === 'denied' ? decision.reasons : [];
  return list(
    [
      ['dry run', `${outcomes[decision.outcome] ?? decision.outcome} Nothing was done.`],
      ...told.map(({ code, message }) => ['because', `${message} (${code})`] as const),
      ...approval.map(
        ({ approvers, groups }) =>
          [
            'approval',
            `by ${approvers}${groups.length === 0 ? '' : `, of the groups ${groups.join(', ')}`}`,
          ] as const,
      ),
      ...machineEntries(virtualMachines),
      ...(callerAddress === undefined
        ? []
        : [['you', `ask from ${callerAddress.allowedSourceAddressPrefix}`] as const]),
      ...(start === undefined ? [] : [['from', time(start)] as const]),
      ...(end === undefined ? [] : [['until', time(end)] as const]),
      ...networkSecurityGroups.flatMap(({ id, changes, refused }) => [
        ...changes.map((sentence) => ['in Azure', `${nameOf(id)}: ${sentence}`] as const),
        ...(refused === undefined ? [] : [['refused', `${nameOf(id)}: ${refused.message}`] as const]),
      ]),
    ],
    width,
  );
}
