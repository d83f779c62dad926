import type { HttpHandler } from '@azure/functions';
import type { Operation } from './operation.ts';

/**
 * The handler of GET /api/openapi.json, which needs no token: it says what the source says. Made when first asked for, so
 * that no cold start pays for it.
 */
export function createOpenApiHandler(operations: readonly Operation[]): HttpHandler {
  let document: Promise<string> | undefined;
  return async () => {
    document ??= import('./openApiDocument.ts').then(({ openApiDocument }) =>
      JSON.stringify(openApiDocument(operations)),
    );
    return {
      status: 200,
      headers: {
        'content-type': 'application/json',
        'cache-control': 'public, max-age=300',
        'x-content-type-options': 'nosniff',
      },
      body: await document,
    };
  };
}
