import * as z from 'zod';
import { InvalidContinuationError, type AuditQuery } from '../../core/stores.ts';

/** What a page goes on with. Filters are not in it: they are the caller's, checked anew with each page. */
export interface AuditPosition {
  /** Rows of the index after this key; an instant alone is before every row of that instant. */
  after: string;
  /** Exclusive end, fixed by the first page so that later ones do not move. */
  to: string;
}

const defaultDays = 30;

const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const schema = z.strictObject({
  after: z
    .string()
    .regex(/^.{24}(_[\w-]{1,100})?$/)
    .refine((key) => isInstant(key.slice(0, 24))),
  to: z.string().refine(isInstant),
});

function isInstant(text: string): boolean {
  return instant.test(text) && !Number.isNaN(Date.parse(text));
}

/**
 * Where a query begins: at its continuation, else at `from`, by default 30 days before `to`, by default now.
 * Throws InvalidContinuationError for a token that is not ours, RangeError for a bound that is no instant.
 */
export function positionOf(query: AuditQuery, now: Date): AuditPosition {
  if (query.continuation !== undefined) return decode(query.continuation);
  const to = query.to === undefined ? now : new Date(query.to);
  const from = query.from === undefined ? daysBefore(to, defaultDays) : new Date(query.from);
  return { after: from.toISOString(), to: to.toISOString() };
}

/** A position as the opaque text of a continuation, which `positionOf` reads again. */
export function encodePosition(position: AuditPosition): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function decode(continuation: string): AuditPosition {
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(continuation, 'base64url').toString('utf8'));
  } catch {
    throw new InvalidContinuationError();
  }
  const parsed = schema.safeParse(content);
  if (!parsed.success) throw new InvalidContinuationError();
  return parsed.data;
}

function daysBefore(instant: Date, days: number): Date {
  return new Date(instant.getTime() - days * 24 * 60 * 60 * 1000);
}
