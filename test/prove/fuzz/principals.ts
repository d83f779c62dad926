import { isDeepStrictEqual } from 'node:util';
import { tenantId } from '../../support/tokenIssuer.ts';
import type { Random } from '../random.ts';
import { visible } from './bodies.ts';
import { encodePrincipal, personOf, principal, problemOfOutcome } from './fuzzedApi.ts';
import type { FuzzedApi } from './fuzzedApi.ts';
import { mutate, mutateJson } from './mutate.ts';

const otherTenant = '0bad0000-0000-4000-8000-000000000bad';
const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The header of App Service, damaged and forged. Where it is trusted, only one that names exactly one person of the tenant
 * counts; where it is not, nothing in it changes anything.
 */
export async function fuzzPrincipal(
  random: Random,
  seed: number,
  api: FuzzedApi,
): Promise<string | undefined> {
  const encoded = aPrincipal(random, personOf(seed));
  const headers = {
    'x-ms-client-principal': encoded,
    ...(random.oneIn(6) ? { 'x-ms-client-principal-id': visible(mutate(random, personOf(seed))) } : {}),
    ...(random.oneIn(8) ? { 'x-ms-client-principal-idp': 'aad', 'x-ms-client-principal-name': 'Alice' } : {}),
  };
  const asking = { headers, path: '/api/access-requests' };
  const trusted = await api.ask(api.trusting.list, asking);
  const { status } = trusted.answer;
  const expected = mayEnter(encoded, headers['x-ms-client-principal-id']) ? 200 : 401;
  const problem = problemOfOutcome(trusted, [encoded]);
  if (problem !== undefined) return problem;
  if (status !== expected) return `the principal is answered ${status} and not ${expected}: ${encoded}`;
  if (status === 401 && trusted.refusals.length !== 1) return 'the refusal was not counted once';

  const untrusted = await api.ask(api.untrusting.list, asking);
  const without = await api.ask(api.untrusting.list, { path: asking.path });
  return isDeepStrictEqual(untrusted, without) && without.answer.status === 401
    ? undefined
    : 'the header changes an answer where it is not to be read';
}

function aPrincipal(random: Random, objectId: string): string {
  const right = principal(objectId, random.oneIn(3) ? ['Sallyport.Administrator'] : []);
  if (random.oneIn(4)) right.claims[1] = { typ: 'tid', val: random.pick([tenantId, otherTenant, '']) };
  if (random.oneIn(6)) right.claims.push({ typ: 'oid', val: random.pick([objectId, personOf(1), 'sweep']) });
  if (random.oneIn(6)) right.claims.push({ typ: 'tid', val: random.pick([tenantId, otherTenant]) });
  if (random.oneIn(4)) return encodePrincipal(right);
  if (random.oneIn(3)) return visible(mutate(random, encodePrincipal(right)));
  if (random.oneIn(2)) return encodePrincipal(mutate(random, JSON.stringify(right)));
  return encodePrincipal(mutateJson(random, right));
}

/** By own reading, and with nothing of the product's: is there one person of our tenant, and no doubt about it? */
function mayEnter(encoded: string, named: string | undefined): boolean {
  if (encoded.length > 32_768 || encoded.replace(/={0,2}$/, '').match(/[^A-Za-z0-9+/]/) !== null)
    return false;
  const value = parsed(Buffer.from(encoded, 'base64').toString('utf8')) as
    Partial<ReturnType<typeof principal>> | undefined;
  if (value?.auth_typ !== 'aad' || !Array.isArray(value.claims) || value.claims.length > 2_000) return false;
  const claims = value.claims as unknown[];
  const isClaim = (claim: unknown): claim is { typ: string; val: string } => {
    if (typeof claim !== 'object' || claim === null || Array.isArray(claim)) return false;
    const { typ, val } = claim as { typ?: unknown; val?: unknown };
    return typeof typ === 'string' && typeof val === 'string';
  };
  if (!claims.every(isClaim)) return false;
  const values = (...names: string[]) =>
    new Set(claims.filter(({ typ }) => names.includes(typ)).map(({ val }) => val.toLowerCase()));
  const objectIds = values('http://schemas.microsoft.com/identity/claims/objectidentifier', 'oid');
  const tenants = values('http://schemas.microsoft.com/identity/claims/tenantid', 'tid');
  const [objectId = ''] = objectIds;
  return (
    objectIds.size === 1 &&
    guid.test(objectId) &&
    tenants.size === 1 &&
    tenants.has(tenantId) &&
    (named === undefined || named.toLowerCase() === objectId)
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}
