import * as z from 'zod';
import { isBlank, isPlainText } from '../core/plainText.ts';

/** Characters that a line which people write for the records may have. */
export const maximumLine = 1_000;

/** One line that somebody writes for others to read: a justification, a comment. `what` names it in sentences. */
export function plainLine(what: string, description: string) {
  return z
    .string()
    .superRefine((text, context) => {
      const add = (code: string, message: string) => {
        context.addIssue({ code: 'custom', message, params: { code } });
      };
      if (isBlank(text)) add('empty', `The ${what} must not be empty: others read it.`);
      if (Array.from(text).length > maximumLine) {
        add('too-long', `The ${what} must not be longer than ${maximumLine} characters.`);
      }
      if (!isPlainText(text)) {
        add(
          'unfit-characters',
          `The ${what} must be one line, without control characters, bidirectional overrides or half surrogates.`,
        );
      }
    })
    .meta({
      description: `${description}: one line, without control characters.`,
      minLength: 1,
      maxLength: maximumLine,
    });
}
