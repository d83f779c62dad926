import * as z from 'zod';
import { UsageError } from '../usageError.ts';

/** Whether the caller can cure it by calling otherwise. */
export function isUsageError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS_');
}

/** What people are told of an error that is no problem document. */
export function messageOf(error: unknown): string {
  if (error instanceof z.ZodError) return `The app's answer is not as expected: ${z.prettifyError(error)}`;
  return error instanceof Error ? error.message : String(error);
}
