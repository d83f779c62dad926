import type * as z from 'zod';
import { fieldCodes } from './problem.ts';
import type { FieldCode, FieldProblem } from './problem.ts';

/** Names of members are the caller's text and may be as long as the body. */
const maximumNameLength = 64;

/**
 * What a schema refused, in our words and codes. `value` is what was parsed: it tells missing from wrong.
 * An issue of our own (`custom`) brings its code and what would be right in its parameters.
 */
export function fieldProblemsOf(error: z.ZodError, value: unknown): FieldProblem[] {
  return error.issues.flatMap((issue): FieldProblem[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        field: pathOf([...issue.path, key]),
        code: 'unknown',
        detail: 'There is no such field.',
      }));
    }
    const path = pathOf(issue.path);
    return [{ ...(path !== '' && { field: path }), ...judge(issue, value) }];
  });
}

function judge(issue: z.core.$ZodIssue, value: unknown): Omit<FieldProblem, 'field'> {
  switch (issue.code) {
    case 'custom': {
      const allowed: unknown = issue.params?.['allowed'];
      const code = asFieldCode(issue.params?.['code']);
      return { code, detail: issue.message, ...(allowed !== undefined && { allowed }) };
    }
    case 'invalid_type':
      return at(value, issue.path) === undefined
        ? { code: 'missing', detail: 'This field is needed.' }
        : { code: 'wrong-type', detail: `This must be ${nameOfType(issue.expected)}.` };
    case 'too_big':
      return tooBig(issue);
    case 'too_small':
      return { code: 'empty', detail: `There must be at least ${String(issue.minimum)}.` };
    case 'unrecognized_keys':
    case 'invalid_element':
    case 'invalid_format':
    case 'invalid_key':
    case 'invalid_union':
    case 'invalid_value':
    case 'not_multiple_of':
      return { code: 'malformed', detail: 'This is not well-formed.' };
  }
}

function tooBig(issue: z.core.$ZodIssueTooBig): Omit<FieldProblem, 'field'> {
  const allowed = Number(issue.maximum);
  return issue.origin === 'array'
    ? { code: 'too-many', detail: `There must not be more than ${allowed}.`, allowed }
    : { code: 'too-long', detail: `This must not be longer than ${allowed} characters.`, allowed };
}

function nameOfType(expected: string): string {
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
        ? (inner as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  );
}

/** `virtualMachines[0].ports[1].number`; names that are no identifiers in brackets and quotes. */
function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`;
      const name = String(key).slice(0, maximumNameLength);
      if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `[${JSON.stringify(name)}]`;
      return index === 0 ? name : `.${name}`;
    })
    .join('');
}

function asFieldCode(code: unknown): FieldCode {
  return fieldCodes.find((known) => known === code) ?? 'malformed';
}
