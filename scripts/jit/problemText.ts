import type { Problem } from './api.ts';
import { list, plain } from './table.ts';

/** A problem as people read it: what is wrong, where, and what would be right. */
export function problemText(problem: Problem, width?: number): string {
  const details = errorEntries(problem.errors);
  const correlation: [string, string][] =
    problem.correlationId === undefined ? [] : [['  correlation', problem.correlationId]];
  const isSaid = problem.errors.length === 1 && problem.detail.endsWith(problem.errors[0]?.detail ?? '');
  return [
    plain(`${problem.title} (${problem.code}).`),
    ...(isSaid ? [] : [plain(problem.detail)]),
    ...(details.length + correlation.length === 0 ? [] : [list([...details, ...correlation], width)]),
  ].join('\n');
}

/** Where something is wrong, and what. */
export function errorEntries(errors: Problem['errors']): [where: string, what: string][] {
  return errors.map(({ field, detail, allowed }) => [
    `  ${plain(field ?? '')}`,
    `${detail}${allowed === undefined ? '' : ` Allowed: ${allowedText(allowed)}.`}`,
  ]);
}

function allowedText(allowed: unknown): string {
  if (Array.isArray(allowed)) return allowed.map(allowedText).join(', ');
  return typeof allowed === 'string' ? allowed : JSON.stringify(allowed);
}
