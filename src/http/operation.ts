import type { HttpHandler } from '@azure/functions';
import type * as z from 'zod';
import type { ProblemCode } from './problem.ts';

/**
 * One route: what main registers, what is validated, and what /api/openapi.json says. Every module with handlers exports
 * its operations as a record whose names are those of its handlers (see accessRequestOperations.ts), and routes.ts pairs
 * the two, so that a handler without a description, or the other way round, does not compile. To add a route: describe
 * it there with the schemas that its handler parses with, give its answers schemas, and at least one example. Tests send
 * every example (test/http/openApi.test.ts says how to arrange what it needs), and fuzz whatever the schemas describe.
 */
export interface Operation {
  /** Name of the function in the host; `operationId`. */
  name: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As the host takes it, without a slash before it: `api/access-requests/{id}`. */
  route: string;
  /** One sentence. */
  summary: string;
  /** Who may, and what else matters. */
  description?: string;
  /** Answered to whoever asks; everything else needs a token. */
  isPublic?: true;
  /** Answered while the tables cannot be had: it tells of them itself. */
  needsNoTables?: true;
  /** Parameters of the route, by name. */
  path?: Record<string, z.ZodType>;
  /** The schema that `readQuery` parses with. */
  query?: z.ZodObject;
  /** Headers that this operation reads beside those that every one reads. */
  headers?: Record<string, z.ZodType>;
  /** The schema that the body is parsed with; without one no body is read. */
  body?: z.ZodType;
  /** It may be left out. */
  isBodyOptional?: true;
  /** What it answers with where all is well, by status. */
  answers: Record<number, DescribedAnswer>;
  /** Codes of problems beside those of `everyonesProblems`. */
  problems: readonly ProblemCode[];
  /** By a name that is unique in the operation; each is sent by a test. */
  examples: Record<string, Example>;
}

export interface DescribedAnswer {
  description: string;
  /** Of the JSON body; strict, so that nothing is answered that is not described. */
  schema: z.ZodType;
  /** The address of what was made is in the header Location. */
  hasLocation?: true;
}

/** One call, and the status that it is answered with. */
export interface Example {
  summary: string;
  /** App roles of whoever calls; none where they are left out. */
  roles?: string[];
  path?: Record<string, string>;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: unknown;
  status: number;
}

/** A handler for each operation. */
export type HandlersOf<Operations extends Record<string, Operation>> = {
  [Name in keyof Operations]: HttpHandler;
};

export interface Route {
  operation: Operation;
  handler: HttpHandler;
}

/** Each operation with its handler. */
export function routesOf<Operations extends Record<string, Operation>>(
  operations: Operations,
  handlers: HandlersOf<Operations>,
): Route[] {
  return Object.entries(operations).map(([name, operation]) => ({
    operation,
    handler: handlers[name as keyof Operations],
  }));
}
