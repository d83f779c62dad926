import * as z from 'zod';
import { isGuid } from '../core/caller.ts';
import { problemOfPattern } from '../core/justification.ts';
import { isTimeZone, minutesOf } from '../core/timeWindow.ts';
import { text, wholeNumber } from './bodyFields.ts';

const limits = { windows: 20, groups: 20, approvers: 10, patternCharacters: 200 } as const;

const timeOfDay = text(
  'malformed',
  (value) => (minutesOf(value) === undefined ? 'This must be a time of day such as 08:00.' : undefined),
  5,
);

const timeWindow = z
  .strictObject({
    days: z.array(wholeNumber(1, 7)).min(1).max(7).meta({ description: '1 is Monday, 7 is Sunday.' }),
    from: timeOfDay.meta({ examples: ['08:00'] }),
    to: timeOfDay.meta({ description: 'Exclusive; `24:00` at most.', examples: ['18:00'] }),
    timeZone: text(
      'not-allowed',
      (value) => (isTimeZone(value) ? undefined : 'This must be an IANA time zone such as Europe/Berlin.'),
      64,
    ).meta({ examples: ['Europe/Berlin'] }),
  })
  .superRefine(({ from, to }, context) => {
    if ((minutesOf(from) ?? 0) < (minutesOf(to) ?? 0)) return;
    context.addIssue({
      code: 'custom',
      path: ['to'],
      message: 'This must be later than from: a window does not go past midnight.',
      params: { code: 'malformed' },
    });
  });

/** What a policy demands beyond ports, sources and durations. */
export const policyConditions = z.strictObject({
  approval: z
    .strictObject({
      approvers: wholeNumber(1, limits.approvers).meta({ examples: [1] }),
      groups: z
        .array(
          text(
            'malformed',
            (value) => (isGuid(value) ? undefined : 'This must be the object id of a group, a GUID.'),
            36,
          ).meta({ format: 'uuid' }),
        )
        .max(limits.groups)
        .meta({ description: 'Object ids of groups whose members may approve, besides the app role.' }),
    })
    .optional(),
  largestSource: z
    .strictObject({ IPv4: wholeNumber(0, 32).optional(), IPv6: wholeNumber(0, 128).optional() })
    .meta({ description: 'The shortest prefix length that may be asked for, by family.' })
    .optional(),
  timeWindows: z.array(timeWindow).min(1).max(limits.windows).optional(),
  justificationPattern: text('malformed', problemOfPattern, limits.patternCharacters)
    .meta({
      description: 'Regular expression (RE2) that the whole justification must match.',
      examples: ['.*INC[0-9]{7}.*'],
    })
    .optional(),
  flushConnection: z
    .boolean()
    .meta({
      description:
        'Whether the end of a grant switches `flushConnection` on for a moment: Azure then evaluates the established flows of everybody behind the same network security groups anew, and cuts those that no rule admits.',
      examples: [true],
    })
    .optional(),
});
