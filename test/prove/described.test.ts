import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessRequestOperations } from '../../src/http/accessRequestOperations.ts';
import { startTokenIssuer } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';
import { createApiWorld } from '../support/apiWorld.ts';
import { breakSomewhere } from './fuzz/breakValue.ts';
import { fuzzDescribed } from './fuzz/described.ts';
import { createFuzzedApi } from './fuzz/fuzzedApi.ts';
import { schemaOf, valueOf } from './fuzz/schemaValue.ts';
import { createRandom } from './random.ts';

const seeds = Array.from({ length: 300 }, (_, index) => index + 1);

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());

/** What the fuzzer says of a handler of this operation that answers so, for each seed. */
async function findings(status: number, body: unknown): Promise<string[]> {
  const api = await createFuzzedApi(issuer);
  const handler = () => ({ status, headers: {}, body: JSON.stringify(body) });
  const routes = [{ operation: accessRequestOperations.create, handler }];
  const found = await Promise.all(
    seeds.map((seed) => fuzzDescribed(createRandom(seed), seed, { ...api, routes })),
  );
  return found.flatMap((finding) => finding ?? []);
}

describe('fuzzing by the description', () => {
  it('breaks every body that is described against its own schema', async () => {
    const { routes } = await createApiWorld(issuer);
    const bodies = routes.flatMap(({ operation: { name, body } }) =>
      body === undefined ? [] : [{ name, body }],
    );

    expect(bodies.length).toBeGreaterThan(0);
    for (const { name, body } of bodies) {
      for (const seed of seeds) {
        const random = createRandom(seed);
        const { value, field } = breakSomewhere(random, valueOf(random, schemaOf(body)), schemaOf(body));

        expect(body.safeParse(value).success, `${name}, seed ${seed}, ${field}`).toBe(false);
      }
    }
  });

  it('finds a handler that takes what it should refuse', async () => {
    const world = await createApiWorld(issuer);
    const { create } = accessRequestOperations;
    const authorization = `Bearer ${await issuer.sign()}`;
    const accepted = await world.send(create, create.examples.ssh, { authorization });

    const found = await findings(202, accepted.json);

    expect(accepted.status).toBe(202);
    expect(found.length).toBeGreaterThan(seeds.length / 2);
    expect(found.filter((finding) => !finding.includes('is broken, and yet 202'))).toEqual([]);
  });

  it('finds a handler that names another field than the broken one', async () => {
    const problem = {
      ...{
        type: 'urn:sallyport:problem:body-invalid',
        title: 'x',
        status: 400,
        detail: 'x',
        code: 'body-invalid',
      },
      errors: [{ field: 'elsewhere', code: 'missing', detail: 'x' }],
      correlationId: '5a11f0a7-0000-4000-8000-000000000001',
    };

    expect(
      (await findings(400, problem)).some((finding) =>
        finding.includes('is broken, and [{"field":"elsewhere"'),
      ),
    ).toBe(true);
  });

  it('finds a problem that is not described', async () => {
    const found = await findings(404, { status: 404, code: 'request-not-found' });

    expect(found.length).toBe(seeds.length);
  });
});
