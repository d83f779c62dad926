import { randomUUID } from 'node:crypto';
import { UsageError } from '../usageError.ts';
import { optionText, optionTexts, show } from './command.ts';
import type { Command, Invocation } from './command.ts';
import { requestText } from './presentAccess.ts';
import { dryRunText } from './presentDryRun.ts';
import { accessRequest, dryRun } from './shapes.ts';
import type { DryRun } from './shapes.ts';
import { exitCodes } from './surroundings.ts';
import type { ExitCode } from './surroundings.ts';
import { isoDuration } from './times.ts';
import { virtualMachineIds } from './virtualMachines.ts';
import { exitCodeOf, waitUntil } from './waitUntil.ts';

const defaults = { for: '1h', timeout: '300' } as const;

/** `request`: asks, and waits until the ports are open. */
export const requestCommand: Command = {
  usage: 'VM …',
  summary: 'ask for access, and wait until it is there',
  help: [
    '--port NUMBER[/tcp|/udp]  may be given several times (22)',
    '--source PREFIX           address or CIDR prefix, several times; your own address if left out',
    `--for LENGTH              90m, 1h30m or PT1H30M (${defaults.for})`,
    '--reason TEXT             why; needed',
    '--start INSTANT           2026-11-24T20:00:00+01:00: at a later time, at most 7 days ahead',
    '--break-glass             without approval; somebody will have to review it',
    '--dry-run                 say what would come of it, and do nothing',
    '--no-wait                 come back as soon as it is accepted',
    `--timeout SECONDS         how long to wait (${defaults.timeout})`,
  ],
  options: {
    port: { type: 'string', multiple: true },
    source: { type: 'string', multiple: true },
    for: { type: 'string' },
    reason: { type: 'string' },
    start: { type: 'string' },
    'break-glass': { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    'no-wait': { type: 'boolean' },
    timeout: { type: 'string' },
  },
  async run(invocation) {
    const { api, options } = invocation;
    const timeout = secondsOf(optionText(invocation.options, 'timeout') ?? defaults.timeout);
    const body = await bodyOf(invocation);
    if (options['dry-run'] === true) {
      const foreseen = await api(
        { method: 'POST', path: '/api/access-requests?dryRun=true', body, idempotencyKey: randomUUID() },
        dryRun,
      );
      show(invocation, foreseen, () => dryRunText(foreseen, invocation.around));
      return exitCodeOfDryRun(foreseen);
    }
    // A key of its own, so that what is sent again after an answer that was lost is the same request.
    const ask = { method: 'POST', path: '/api/access-requests', body, idempotencyKey: randomUUID() } as const;
    const asked = await api(ask, accessRequest);
    const request =
      options['no-wait'] === true ? asked : await waitUntil(invocation, asked, 'active', timeout);
    show(invocation, request, () => requestText(request, invocation.around));
    return exitCodeOf(request, 'active');
  },
};

function exitCodeOfDryRun({ decision: { outcome } }: DryRun): ExitCode {
  if (outcome === 'denied') return exitCodes.denied;
  return outcome === 'granted' ? exitCodes.ok : exitCodes.waiting;
}

async function bodyOf(invocation: Invocation) {
  const justification = optionText(invocation.options, 'reason');
  if (justification === undefined) throw new UsageError('Say why: --reason "Restart the web server".');
  const start = optionText(invocation.options, 'start');
  const ports = portsOf(invocation);
  const ids = await virtualMachineIds(invocation);
  return {
    virtualMachines: ids.map((id) => ({ id, ports })),
    duration: isoDuration(optionText(invocation.options, 'for') ?? defaults.for),
    justification,
    ...(start !== undefined && { start }),
    ...(invocation.options['break-glass'] === true && { breakGlass: true }),
  };
}

/** Every port from every source. */
function portsOf(invocation: Invocation) {
  const ports = optionTexts(invocation.options, 'port');
  const sources = optionTexts(invocation.options, 'source');
  return (ports.length === 0 ? ['22'] : ports).flatMap((text) => {
    const [, digits, protocol] = /^(\d{1,5})(?:\/(tcp|udp|any))?$/i.exec(text) ?? [];
    if (digits === undefined) throw new UsageError(`${text} is no port: write 22, 53/udp or 443/any.`);
    const port = {
      number: Number(digits),
      ...(protocol !== undefined && { protocol: protocol.toLowerCase() === 'any' ? '*' : protocol }),
    };
    return sources.length === 0
      ? [port]
      : sources.map((allowedSourceAddressPrefix) => ({ ...port, allowedSourceAddressPrefix }));
  });
}

/** Of an option in whole seconds. */
export function secondsOf(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new UsageError(`${text} are no whole seconds.`);
  return Number(text);
}
