import * as z from 'zod';

/** A text that is right or is refused with a sentence. */
export function text(code: string, problemOf: (value: string) => string | undefined, longest: number) {
  return z
    .string()
    .max(longest)
    .superRefine((value, context) => {
      const message = problemOf(value);
      if (message !== undefined) context.addIssue({ code: 'custom', message, params: { code } });
    });
}

/** A whole number of a span, as JSON Schema's `integer`. */
export const wholeNumber = (minimum: number, maximum: number) =>
  z
    .number()
    .refine((value) => Number.isInteger(value) && value >= minimum && value <= maximum, {
      message: `This must be a whole number from ${minimum} to ${maximum}.`,
      params: { code: 'out-of-range' },
    })
    .meta({ type: 'integer', minimum, maximum, examples: [maximum] });
