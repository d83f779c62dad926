import type { HttpRequest } from '@azure/functions';
import * as z from 'zod';
import { fieldProblemsOf } from './fieldProblems.ts';
import type { FieldProblem, Problem } from './problem.ts';

export type QueryResult<Query> = { ok: true; query: Query } | { ok: false; problem: Problem };

/**
 * Reads the parameters of a query by their schemas. Names that are not known are refused: a filter that is misspelt and
 * ignored shows more than was asked for. The host joins a repeated parameter with a comma, which no parameter of ours
 * may hold.
 */
export function readQuery<Query extends z.ZodObject>(
  request: HttpRequest,
  schema: Query,
): QueryResult<z.output<Query>> {
  const texts: Record<string, string> = {};
  const errors: FieldProblem[] = [];
  for (const [name, text] of request.query) {
    if (!Object.hasOwn(schema.shape, name)) {
      errors.push({
        field: name.slice(0, 64),
        code: 'unknown',
        detail: 'There is no such parameter.',
        allowed: Object.keys(schema.shape),
      });
    } else if (texts[name] === undefined) texts[name] = text;
    else errors.push({ field: name, code: 'malformed', detail: 'Give this once.' });
  }
  const read = schema.safeParse(texts);
  if (!read.success) errors.push(...fieldProblemsOf(read.error, texts));
  if (read.success && errors.length === 0) return { ok: true, query: read.data };
  const detail = errors.length === 1 ? (errors[0]?.detail ?? '') : 'Several parameters are not valid.';
  return { ok: false, problem: { code: 'query-invalid', detail, errors: errors.slice(0, 20) } };
}

/** A parameter whose text is either read, or refused with a sentence about what would be right. */
export function parameter(read: (text: string) => { value: string } | { detail: string }) {
  return z.string().transform((text, context) => {
    const answer = read(text);
    if ('value' in answer) return answer.value;
    context.addIssue({ code: 'custom', message: answer.detail });
    return z.NEVER;
  });
}

const instant = z.iso.datetime({ offset: true });

/** A point in time with a zone, as UTC. */
export const instantParameter = parameter((text) => {
  const time = instant.safeParse(text).success ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time)
    ? { detail: 'This must be an instant in ISO 8601 with a zone, such as 2026-11-23T08:00:00Z.' }
    : { value: new Date(time).toISOString() };
}).meta({ format: 'date-time' });
