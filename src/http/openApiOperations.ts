import * as z from 'zod';
import type { Operation } from './operation.ts';

/** What openApi.ts answers. */
export const openApiOperations = {
  openApi: {
    name: 'openApi',
    method: 'GET',
    route: 'api/openapi.json',
    summary: 'This description.',
    isPublic: true,
    answers: {
      200: {
        description: 'An OpenAPI 3.1 document.',
        schema: z.looseObject({ openapi: z.literal('3.1.0') }),
      },
    },
    problems: [],
    examples: { document: { summary: 'The whole document', status: 200 } },
  },
} satisfies Record<string, Operation>;
