/** What a thrown value says of itself, for a log. Text of libraries and services is in it: never for an answer. */
export function causeOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
