/** What is wrong with how a command was called, or with its settings. */
export class UsageError extends Error {}
