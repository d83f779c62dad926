import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleRequestId } from '../../src/http/exampleIds.ts';
import type { Example } from '../../src/http/operation.ts';
import { createApiWorld, undescribedPart } from '../support/apiWorld.ts';
import type { ApiWorld } from '../support/apiWorld.ts';
import { vmId } from '../support/grantWorld.ts';
import { alice, startTokenIssuer } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';

const asSomebody = async (who: { objectId: string }, roles: string[] = []) => ({
  authorization: `Bearer ${await issuer.sign({ oid: who.objectId, roles })}`,
});

let issuer: TokenIssuer;
let described: ApiWorld;
beforeAll(async () => {
  issuer = await startTokenIssuer();
  described = await createApiWorld(issuer);
});
afterAll(() => issuer.close());

/** What an example names must be there: the ids in it → the ids of what was made in this world. */
async function arrange(world: ApiWorld, { path }: Example): Promise<Record<string, string>> {
  if (path?.['id'] !== exampleRequestId) return {};
  const virtualMachines = [{ id: vmId, ports: [{ number: 22 }] }];
  const body = { virtualMachines, duration: 'PT1H', justification: 'Ticket 4711' };
  const made = await world.send(world.operation('createAccessRequest'), { body }, await asSomebody(alice));
  return { [exampleRequestId]: made.json['id'] as string };
}

async function theDocument() {
  return (await described.send(described.operation('openApi'), {})).json as {
    paths: Record<string, Record<string, { operationId: string; security?: unknown[] }>>;
    components: { schemas: Record<string, unknown> };
  };
}

const examples = (
  await createApiWorld({ issuer: 'https://none.example', jwksUri: 'https://none.example' })
).routes
  .map(({ operation }) => operation)
  .flatMap((operation) =>
    Object.entries(operation.examples).map(
      ([name, example]) => [`${operation.name}, ${name}: ${example.status}`, operation, example] as const,
    ),
  );

describe('GET /api/openapi.json', () => {
  it('is an OpenAPI 3.1 document', async () => {
    const answer = await described.send(described.operation('openApi'), {});

    expect(answer.status).toBe(200);
    expect(answer.json['openapi']).toBe('3.1.0');
    expect(await new Validator().validate(answer.json)).toEqual({ valid: true });
  });

  it('is answered to whoever asks, and may be kept for a while', async () => {
    const answer = await described.send(described.operation('openApi'), {});

    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'public, max-age=300',
    });
    expect(described.around.refusals).toEqual([]);
  });

  it('has each operation once, under its name', async () => {
    const { paths } = await theDocument();
    const named = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => `${method} ${path} ${operationId}`),
    );
    const registered = described.routes.map(
      ({ operation: { method, route, name } }) => `${method.toLowerCase()} /${route} ${name}`,
    );

    expect(named.sort()).toEqual(registered.sort());
    expect(new Set(described.routes.map(({ operation }) => operation.name)).size).toBe(registered.length);
  });

  it('describes every parameter of every path', () => {
    for (const { operation } of described.routes) {
      const inRoute = [...operation.route.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);

      expect(Object.keys(operation.path ?? {}), operation.name).toEqual(inRoute);
    }
  });

  it('describes what a policy put by Microsoft’s API may have besides', async () => {
    const { components } = await theDocument();

    expect(components.schemas['JitPolicyExtension']).toMatchObject({
      description: expect.stringContaining('properties.sallyport') as string,
      additionalProperties: false,
      properties: { conditions: {}, baseline: {} },
    });
  });

  it('refers to schemas that are there', async () => {
    const document = await theDocument();
    const referred = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)];

    expect(referred.length).toBeGreaterThan(0);
    for (const [, name = ''] of referred) expect(document.components.schemas).toHaveProperty(name);
  });

  it('wants a token for everything but itself and the probe', async () => {
    for (const { operation } of described.routes) {
      const { path, query, body } = Object.values(operation.examples)[0] ?? {};
      const answer = await described.send(operation, {
        ...(path && { path }),
        ...(query && { query }),
        body,
      });

      expect(answer.status, operation.name).toBe(operation.isPublic === true ? 200 : 401);
      expect(undescribedPart(operation, answer)).toBeUndefined();
    }
  });
});

describe('the example', () => {
  it.each(examples)('%s', async (_name, operation, example) => {
    const world = await createApiWorld(issuer);
    const ids = await arrange(world, example);
    const path = Object.fromEntries(
      Object.entries(example.path ?? {}).map(([name, value]) => [name, ids[value] ?? value]),
    );

    const answer = await world.send(operation, { ...example, path }, await asSomebody(alice, example.roles));

    expect(answer.status, answer.text).toBe(example.status);
    expect(undescribedPart(operation, answer)).toBeUndefined();
    expect(world.around.errors).toEqual([]);
    if (operation.answers[answer.status]?.hasLocation) {
      expect(answer.headers['location']).toMatch(/^\/api\/[\w/-]+$/);
    }
  });
});
