import * as z from 'zod';
import { policyExtension } from './jit/policyBody.ts';
import type { DescribedAnswer, Example, Operation } from './operation.ts';
import { everyonesProblems, problemDocument, statusOf } from './problem.ts';
import type { ProblemCode } from './problem.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of these operations, made from the schemas that they validate with. */
export function openApiDocument(operations: readonly Operation[]): Json {
  const schemas: Json = {};
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = (paths[`/${operation.route}`] ??= {});
    path[operation.method.toLowerCase()] = describe(operation, schemas);
  }
  // Of no operation here: whoever speaks Microsoft's API finds it by its name.
  jsonSchemaOf(policyExtension, 'input', schemas);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sallyport',
      version: '1',
      summary: 'Just-in-time network access to Azure virtual machines',
      description:
        "Microsoft's own just-in-time API is served below /api/arm: operations, bodies and versions are those of Microsoft.Security/locations/jitNetworkAccessPolicies. A policy put there may have properties.sallyport, which is JitPolicyExtension here.",
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    externalDocs: {
      description: 'What is served below /api/arm',
      url: 'https://learn.microsoft.com/rest/api/defenderforcloud/jit-network-access-policies',
    },
    security: [{ token: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'An access token of the configured issuer for this app.',
        },
      },
    },
  };
}

function describe(operation: Operation, schemas: Json): Json {
  const { body, examples } = operation;
  return {
    operationId: operation.name,
    summary: operation.summary,
    ...(operation.description !== undefined && { description: operation.description }),
    ...(operation.isPublic && { security: [] }),
    parameters: parametersOf(operation, schemas),
    ...(body !== undefined && {
      requestBody: {
        required: operation.isBodyOptional !== true,
        content: {
          'application/json': {
            schema: jsonSchemaOf(body, 'input', schemas),
            examples: examplesOf(examples, (example) => example.body),
          },
        },
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(operation.answers).map(([status, answer]) => [status, answerOf(answer, schemas)]),
      ),
      ...problemsOf(operation, schemas),
    },
  };
}

const places = { path: 'path', query: 'query', headers: 'header' } as const;

function parametersOf(operation: Operation, schemas: Json): Json[] {
  const { path = {}, query, headers = {}, examples } = operation;
  const described = { path, query: (query?.shape ?? {}) as Record<string, z.ZodType>, headers };
  return (Object.keys(places) as (keyof typeof places)[]).flatMap((place) =>
    Object.entries(described[place]).map(([name, schema]) => {
      const { description, ...rest } = jsonSchemaOf(schema, 'input', schemas);
      const shown = examplesOf(examples, (example) => example[place]?.[name]);
      return {
        name,
        in: places[place],
        ...(description !== undefined && { description }),
        required: place === 'path',
        schema: rest,
        ...(Object.keys(shown).length > 0 && { examples: shown }),
      };
    }),
  );
}

/** The examples that have this part, as OpenAPI shows them. */
function examplesOf(examples: Operation['examples'], part: (example: Example) => unknown): Json {
  return Object.fromEntries(
    Object.entries(examples).flatMap(([name, example]) => {
      const value = part(example);
      return value === undefined ? [] : [[name, { summary: `${example.summary}: ${example.status}`, value }]];
    }),
  );
}

function answerOf({ description, schema, hasLocation }: DescribedAnswer, schemas: Json): Json {
  return {
    description,
    ...(hasLocation && {
      headers: { Location: { description: 'Where it can be seen.', schema: { type: 'string' } } },
    }),
    content: { 'application/json': { schema: jsonSchemaOf(schema, 'output', schemas) } },
  };
}

/** One answer for each status, naming the codes that have it. */
function problemsOf({ isPublic, problems }: Operation, schemas: Json): Json {
  const codes = new Set<ProblemCode>([...problems, ...(isPublic ? [] : everyonesProblems)]);
  const statuses = [...new Set([...codes].map(statusOf))].sort();
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: [...codes].filter((code) => statusOf(code) === status).join(', '),
        content: {
          'application/problem+json': { schema: jsonSchemaOf(problemDocument, 'output', schemas) },
        },
      },
    ]),
  );
}

/** A schema as JSON; what has an id goes to the components and is referred to. */
function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output', schemas: Json): Json {
  const wrapped = z.toJSONSchema(z.object({ schema }), { io });
  const text = JSON.stringify(wrapped).replaceAll('"#/$defs/', '"#/components/schemas/');
  const { $defs, properties } = definitions.parse(JSON.parse(text));
  Object.assign(schemas, $defs);
  return properties.schema;
}

const json = z.record(z.string(), z.unknown());
const definitions = z.object({
  // Their names are their ids already.
  $defs: z.record(z.string(), json.transform(withoutId)).default({}),
  properties: z.object({ schema: json }),
});

function withoutId(definition: Json): Json {
  return Object.fromEntries(Object.entries(definition).filter(([name]) => name !== 'id'));
}
