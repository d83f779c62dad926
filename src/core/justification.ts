import { RE2JS } from 're2js';

/** More instructions than any ticket number needs: time grows with them times the length of the text. */
const largestProgram = 1000;

/** What is wrong with a pattern, as a sentence; undefined if it is a regular expression (RE2) of bearable size. */
export function problemOfPattern(pattern: string): string | undefined {
  try {
    const size = RE2JS.compile(pattern).programSize();
    return size > largestProgram ? 'This expression repeats too much.' : undefined;
  } catch {
    return 'This is not a regular expression as RE2 knows them: it has no backreferences and no lookaround.';
  }
}

/**
 * Whether the whole justification matches. RE2 takes time that is linear in the text, whatever the pattern: an
 * administrator's slip must not let anybody keep a worker busy. A pattern that cannot be read is met by nothing.
 */
export function meetsPattern(pattern: string, justification: string): boolean {
  return problemOfPattern(pattern) === undefined && RE2JS.matches(pattern, justification);
}
