import * as z from 'zod';
import { protocols } from '../../core/accessRequest.ts';
import { parsePrefix } from '../../core/address.ts';
import { parseVirtualMachineId } from '../../core/virtualMachineId.ts';

/**
 * How Microsoft's clients write what they send: numbers as text, null for what is absent, one source or several, and
 * back again what an earlier answer held. What is only read is taken and passed over; what nobody knows is refused, for
 * a name that is misspelt and ignored may mean more than was asked for.
 */
export const passedOver = z.unknown().optional();

/** A port number, also as text. */
export const portNumber = z.preprocess(
  (value) => (typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value),
  z.number().refine((value) => Number.isInteger(value) && value >= 1 && value <= 65_535, {
    message: 'The port must be a whole number from 1 to 65535.',
    params: { code: 'out-of-range' },
  }),
);

/** `TCP`, `UDP` or `*`, in any case. */
export const protocol = z.string().transform((text, context) => {
  const known = protocols.find((name) => name.toLowerCase() === text.toLowerCase());
  if (known !== undefined) return known;
  context.addIssue({
    code: 'custom',
    message: 'The protocol must be TCP, UDP or *.',
    params: { code: 'not-allowed', allowed: protocols.map((name) => name.toUpperCase()) },
  });
  return z.NEVER;
});

/** The id of a virtual machine, in any case. */
export const virtualMachineId = z
  .string()
  .max(300)
  .superRefine((text, context) => {
    const read = parseVirtualMachineId(text);
    if (!read.ok) context.addIssue({ code: 'custom', message: read.problem, params: { code: read.code } });
  });

/** A source as it was written, and the canonical prefixes that it means. */
interface WrittenSource {
  text: string;
  prefixes: string[];
}

/** An address or prefix, or `*`, which means `any` whatever those prefixes are. */
function sourceText(any: readonly string[]) {
  return z
    .string()
    .max(64)
    .transform((text, context): WrittenSource => {
      if (text === '*') return { text, prefixes: [...any] };
      const read = parsePrefix(text);
      if (read.ok) return { text, prefixes: [read.prefix] };
      const { problem, correct } = read;
      context.addIssue({
        code: 'custom',
        message: correct === undefined ? problem : `${problem} Write ${correct}.`,
        params: { code: 'source-malformed', ...(correct !== undefined && { allowed: correct }) },
      });
      return z.NEVER;
    });
}

/** The two members that say from where, of which one may be there. */
export function sourceMembers(any: readonly string[]) {
  return {
    allowedSourceAddressPrefix: sourceText(any).nullish(),
    allowedSourceAddressPrefixes: z.array(sourceText(any)).min(1).max(100).nullish(),
  };
}

interface SourceMembers {
  allowedSourceAddressPrefix?: WrittenSource | null | undefined;
  allowedSourceAddressPrefixes?: WrittenSource[] | null | undefined;
}

/** What the two members say together; undefined if neither is there. */
export function sourcesOf({
  allowedSourceAddressPrefix: one,
  allowedSourceAddressPrefixes: several,
}: SourceMembers): { asWritten: string | string[]; prefixes: string[] } | undefined {
  if (one) return { asWritten: one.text, prefixes: one.prefixes };
  if (!several) return undefined;
  const prefixes = [...new Set(several.flatMap((source) => source.prefixes))];
  return { asWritten: several.map(({ text }) => text), prefixes };
}

/** Refuses both members together: they may contradict each other. */
export function refuseBoth(members: SourceMembers, context: z.RefinementCtx): void {
  if (!members.allowedSourceAddressPrefix || !members.allowedSourceAddressPrefixes) return;
  context.addIssue({
    code: 'custom',
    path: ['allowedSourceAddressPrefixes'],
    message: 'Give allowedSourceAddressPrefix or allowedSourceAddressPrefixes, not both.',
    params: { code: 'not-allowed' },
  });
}
