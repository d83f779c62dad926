import { vmId } from '../../support/grantWorld.ts';
import type { Random } from '../random.ts';
import { encodePrincipal, personOf, principal } from './fuzzedApi.ts';
import { anInitiateBody, aPolicyBody } from './jitBodies.ts';
import type { JitBody } from './jitBodies.ts';
import { mutate, mutateJson, nonsense } from './mutate.ts';

const group = vmId.replace(/^\//, '').replace(/\/providers.*/, '');
/** Where the policies of the world's machine are, after /api/arm/. */
export const collection = `${group}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies`;
/** Of the policies. */
export const names = ['default', 'second'];

/** One call, before it is sent. */
export interface Sent {
  method: string;
  /** After /api/arm/, as the host hands it on. */
  path: string;
  query: string;
  body?: JitBody | string;
  /** Neither path nor query nor method were touched. */
  isRight: boolean;
}

/** A call that is right, or wrong in its body, its path, its query or its method. */
export function aCall(random: Random, name: string): Sent {
  const policy = `${collection}/${name}`;
  const query = '?api-version=2020-01-01';
  const calls: readonly (() => Sent)[] = [
    () => ({ method: 'PUT', path: policy, query, body: bodyOf(random, aPolicyBody), isRight: true }),
    () => ({ method: 'PUT', path: policy, query, body: bodyOf(random, aPolicyBody), isRight: true }),
    () => initiateOf(random, policy, query),
    () => initiateOf(random, policy, query),
    () => ({ method: 'GET', path: random.pick([policy, collection]), query, isRight: true }),
    () =>
      random.oneIn(3)
        ? { method: 'DELETE', path: policy, query, isRight: true }
        : initiateOf(random, policy, query),
  ];
  const sent = random.pick(calls)();
  return random.oneIn(4) ? astray(random, sent) : sent;
}

function initiateOf(random: Random, policy: string, query: string): Sent {
  const path = `${policy}/${random.pick(['initiate', 'Initiate'])}`;
  return { method: 'POST', path, query, body: bodyOf(random, anInitiateBody), isRight: true };
}

/** A body that is right or wrong at one place, and now and then wrong in any way. */
function bodyOf(random: Random, make: (random: Random) => JitBody): JitBody | string {
  const body = make(random);
  if (!random.oneIn(5)) return body;
  if (random.oneIn(3)) return mutate(random, JSON.stringify(body.json));
  return JSON.stringify(mutateJson(random, body.json));
}

/** Another path, query or method. */
function astray(random: Random, sent: Sent): Sent {
  const wrong = { ...sent, isRight: false };
  const version = random.pick(['2020-01-01', '2015-06-01-preview', '2020-01-01 ', '', '2099-01-01', 'İ']);
  switch (random.below(5)) {
    case 0:
      return { ...wrong, path: wellFormed(mutate(random, sent.path)) };
    case 1: {
      const segments = sent.path.split('/');
      const at = random.below(segments.length);
      const other = random.pick([nonsense(random), '..', '%2e%2e', '%2f', '', 'x'.repeat(100), '99999999']);
      return { ...wrong, path: wellFormed(segments.with(at, other).join('/')) };
    }
    case 2:
      return { ...wrong, path: random.oneIn(2) ? sent.path.toUpperCase() : `${sent.path}/` };
    case 3: {
      const more = random.pick(['&api-version=2099-01-01', '&API-VERSION=x', '&$skiptoken=~', '&x=%00', '']);
      const key = random.pick(['api-version', 'Api-Version', 'apiversion', '']);
      return { ...wrong, query: `?${key}=${encodeURIComponent(version)}${more}` };
    }
    default:
      return { ...wrong, method: random.pick(['GET', 'PUT', 'POST', 'DELETE', 'PATCH']) };
  }
}

/** Headers of somebody who is not known. */
export function oddIdentity(random: Random): Record<string, string> {
  const right = principal(personOf(9));
  const claims = right.claims.slice(0, 1);
  return random.pick<Record<string, string>>([
    {},
    { authorization: 'Bearer e30.e30.' },
    ...['', '%%%', 'null', 'bm90IEpTT04='].map((text) => ({ 'x-ms-client-principal': text })),
    { 'x-ms-client-principal': encodePrincipal({ ...right, auth_typ: 'aws' }) },
    { 'x-ms-client-principal': encodePrincipal({ ...right, claims }) },
    { 'x-ms-client-principal': encodePrincipal({ ...right, claims: [...right.claims, right.claims[0], 7] }) },
  ]);
}

/** Without half surrogates, of which no address can be made. */
function wellFormed(text: string): string {
  return text.replaceAll(/[\ud800-\udfff]/g, '~');
}
