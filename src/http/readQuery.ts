import type { HttpRequest } from '@azure/functions';
import * as z from 'zod';
import type { FieldProblem, Problem } from './problem.ts';

export type QueryResult<Query> = { ok: true; query: Query } | { ok: false; problem: Problem };

/** A parameter of a query: its text, or a sentence about what would be right. */
export type Parameter = (text: string) => { value: string } | { detail: string };

/**
 * Reads the parameters of a query. Names that are not known are refused: a filter that is misspelt and ignored shows
 * more than was asked for. The host joins a repeated parameter with a comma, which no parameter of ours may hold.
 */
export function readQuery<Name extends string>(
  request: HttpRequest,
  parameters: Record<Name, Parameter>,
): QueryResult<Partial<Record<Name, string>>> {
  const query: Partial<Record<Name, string>> = {};
  const errors: FieldProblem[] = [];
  const isKnown = (name: string): name is Name => Object.hasOwn(parameters, name);
  for (const [name, text] of request.query) {
    if (!isKnown(name)) {
      errors.push({
        field: name.slice(0, 64),
        code: 'unknown',
        detail: 'There is no such parameter.',
        allowed: Object.keys(parameters),
      });
      continue;
    }
    const read = query[name] === undefined ? parameters[name](text) : { detail: 'Give this once.' };
    if ('value' in read) query[name] = read.value;
    else errors.push({ field: name, code: 'malformed', detail: read.detail });
  }
  if (errors.length === 0) return { ok: true, query };
  const detail = errors.length === 1 ? (errors[0]?.detail ?? '') : 'Several parameters are not valid.';
  return { ok: false, problem: { code: 'query-invalid', detail, errors: errors.slice(0, 20) } };
}

const instant = z.iso.datetime({ offset: true });

/** A point in time with a zone, as UTC. */
export const instantParameter: Parameter = (text) => {
  const time = instant.safeParse(text).success ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time)
    ? { detail: 'This must be an instant in ISO 8601 with a zone, such as 2026-11-23T08:00:00Z.' }
    : { value: new Date(time).toISOString() };
};
