import { createHash } from 'node:crypto';
import * as z from 'zod';
import { canonicalJson } from '../../core/canonicalJson.ts';
import { formatDuration, parseDuration } from '../../core/duration.ts';
import { canonicalId } from '../../core/resourceId.ts';
import type { AccessRequestBody } from '../accessRequestBody.ts';
import { justificationText, limits } from '../accessRequestBody.ts';
import { fieldProblemsOf } from '../fieldProblems.ts';
import type { FieldProblem } from '../problem.ts';
import {
  passedOver,
  portNumber,
  protocol,
  refuseBoth,
  sourceMembers,
  sourcesOf,
  virtualMachineId,
} from './leniency.ts';

/** What is asked for until one and the same end. */
export interface AskedUntil extends AccessRequestBody {
  /** ISO 8601, where an instant was asked for; else the end follows from the duration. */
  end?: string;
}

export type InitiateBodyResult = { ok: true; asked: AskedUntil[] } | { ok: false; problems: FieldProblem[] };

/** Each end becomes a request of its own. */
const maximumEnds = 5;
/** A request that ends sooner would end before it is open. */
const minimumSeconds = 60;
/** Longest durations of policies are multiples of this; so far may the clock be ahead of whoever asks for all of one. */
const stepSeconds = 300;
const toleratedSeconds = 30;

const instant = z.iso.datetime({ offset: true, local: true });
const endTimeUtc = z.string().transform((text, context) => {
  // Without a zone it is UTC, as the name says. Digits beyond milliseconds are cut.
  const time = instant.safeParse(text).success
    ? Date.parse(/Z|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`)
    : Number.NaN;
  if (!Number.isNaN(time)) return time;
  context.addIssue({
    code: 'custom',
    message: 'This must be an instant in ISO 8601, such as 2026-11-23T11:00:00Z.',
    params: { code: 'malformed' },
  });
  return z.NEVER;
});
const duration = z.string().transform((text, context) => {
  const read = parseDuration(text);
  if (read.ok) return { text, seconds: read.seconds };
  context.addIssue({ code: 'custom', message: read.problem, params: { code: 'duration-malformed' } });
  return z.NEVER;
});

const port = z
  .strictObject({
    number: portNumber,
    protocol: protocol.nullish(),
    // What is asked for has one family; `*` means everybody in that of nearly every machine.
    ...sourceMembers(['0.0.0.0/0']),
    endTimeUtc: endTimeUtc.nullish(),
    duration: duration.nullish(),
    status: passedOver,
    statusReason: passedOver,
    mappedPort: passedOver,
  })
  .superRefine((asked, context) => {
    refuseBoth(asked, context);
    if (Boolean(asked.endTimeUtc) !== Boolean(asked.duration)) return;
    context.addIssue({
      code: 'custom',
      path: ['endTimeUtc'],
      message: 'Give endTimeUtc or duration, and only one of them.',
      params: { code: asked.duration ? 'not-allowed' : 'missing' },
    });
  });

const schema = z
  .strictObject({
    virtualMachines: z
      .array(
        z.strictObject({
          id: virtualMachineId,
          ports: z.array(port).min(1).max(limits.portsPerVirtualMachine),
        }),
      )
      .min(1)
      .max(limits.virtualMachines),
    justification: z.preprocess((value) => (value === '' ? null : value), justificationText.nullish()),
    requestor: passedOver,
    startTimeUtc: passedOver,
  })
  .superRefine(({ virtualMachines }, context) => {
    const ids = virtualMachines.map(({ id }) => canonicalId(id));
    for (const index of ids.keys()) {
      if (ids.indexOf(ids[index] ?? '') === index) continue;
      const params = { code: 'duplicate' };
      context.addIssue({
        code: 'custom',
        path: ['virtualMachines', index],
        message: 'This is there already.',
        params,
      });
    }
  });

/**
 * Reads what is initiated. Microsoft gives each port an end of its own; a request has one, so there is one for each
 * distinct end, in the order in which they are first named.
 */
export function parseInitiateBody(json: unknown, now: Date): InitiateBodyResult {
  const read = schema.safeParse(json);
  if (!read.success)
    return { ok: false, problems: fieldProblemsOf(read.error, json).slice(0, limits.problems) };
  const problems: FieldProblem[] = [];
  const byEnd = new Map<string, AskedUntil>();
  for (const [index, { id, ports }] of read.data.virtualMachines.entries()) {
    for (const [portIndex, asked] of ports.entries()) {
      const time = asked.duration ? asked.duration : secondsUntil(asked.endTimeUtc ?? 0, now);
      if (time.seconds < minimumSeconds) {
        problems.push({
          field: `virtualMachines[${index}].ports[${portIndex}].${asked.duration ? 'duration' : 'endTimeUtc'}`,
          code: 'out-of-range',
          detail: `The end must be at least a minute ahead; it is ${now.toISOString()} here.`,
        });
        continue;
      }
      // As it was asked for: the same body is the same request whenever it comes again.
      const key = asked.duration ? `for ${asked.duration.text}` : `until ${asked.endTimeUtc ?? 0}`;
      const group = byEnd.get(key) ?? {
        virtualMachines: [],
        duration: 'end' in time ? formatDuration(time.seconds) : time.text,
        durationSeconds: time.seconds,
        justification: read.data.justification ?? '',
        bodyHash: createHash('sha256').update(canonicalJson({ key, json })).digest('hex'),
        ...('end' in time && { end: time.end }),
      };
      byEnd.set(key, group);
      const machine = group.virtualMachines.find((one) => one.id === id) ?? { id, ports: [] };
      if (machine.ports.length === 0) group.virtualMachines.push(machine);
      const sources = sourcesOf(asked)?.prefixes ?? [undefined];
      for (const source of sources) {
        machine.ports.push({
          number: asked.number,
          ...(asked.protocol && { protocol: asked.protocol }),
          ...(source !== undefined && { allowedSourceAddressPrefix: source }),
        });
      }
    }
  }
  if (byEnd.size > maximumEnds) {
    problems.push({
      field: 'virtualMachines',
      code: 'too-many',
      detail: `There must not be more than ${maximumEnds} different ends.`,
      allowed: maximumEnds,
    });
  }
  const asked = [...byEnd.values()];
  const total = asked.flatMap(({ virtualMachines }) => virtualMachines.flatMap(({ ports }) => ports)).length;
  if (total > limits.ports) {
    const detail = `There must not be more than ${limits.ports} ports and sources in all.`;
    problems.push({ field: 'virtualMachines', code: 'too-many', detail, allowed: limits.ports });
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, asked };
}

/**
 * Whole seconds until an end, and that end. Three hours from now by a clock that is a little ahead is more than three
 * hours by ours, and more than a policy allows: it is cut to the five minutes, never lengthened.
 */
function secondsUntil(endTime: number, now: Date): { seconds: number; end: string } {
  const exact = (endTime - now.getTime()) / 1000;
  const beyond = exact % stepSeconds;
  const seconds = beyond <= toleratedSeconds ? exact - beyond : exact;
  return { seconds: Math.floor(seconds), end: new Date(now.getTime() + seconds * 1000).toISOString() };
}
