import { createHmac } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { audience, tenantId, validClaims } from '../../support/tokenIssuer.ts';
import type { TokenIssuer } from '../../support/tokenIssuer.ts';
import type { Random } from '../random.ts';
import { visible } from './bodies.ts';
import { personOf, problemOfOutcome } from './fuzzedApi.ts';
import type { FuzzedApi } from './fuzzedApi.ts';
import { mutate, mutateJson } from './mutate.ts';

/** A token, and whether whoever sends it may come in. */
interface Known {
  authorization: string;
  enters: boolean | 'either';
}

/** Real signed tokens, changed in every way: none but the unchanged, and those whose issuer signed something harmless, enter. */
export async function fuzzToken(
  random: Random,
  seed: number,
  api: FuzzedApi,
  issuer: TokenIssuer,
): Promise<string | undefined> {
  const { authorization, enters } = await aToken(random, personOf(seed), issuer);
  const headers = { authorization };
  const outcome = await api.ask(api.untrusting.list, { headers, path: '/api/access-requests' });
  const secrets = authorization.split(/[ .,]/).filter((part) => part.length >= 12);
  const problem = problemOfOutcome(outcome, secrets);
  if (problem !== undefined) return problem;
  const { status } = outcome.answer;
  const right = enters === 'either' ? status === 200 || status === 401 : status === (enters ? 200 : 401);
  if (!right) return `answered ${status}: ${authorization}`;
  return status === 401 && outcome.refusals.length !== 1 ? 'the refusal was not counted once' : undefined;
}

async function aToken(random: Random, oid: string, issuer: TokenIssuer): Promise<Known> {
  const known = (token: string, enters: Known['enters']): Known => ({
    authorization: `Bearer ${token}`,
    enters,
  });
  const right = await issuer.sign({ oid });
  const [header = '', payload = '', signature = ''] = right.split('.');
  const now = Math.floor(Date.now() / 1000);
  switch (random.below(8)) {
    case 0:
      return known(await issuer.sign({ oid, extra: random.next(), roles: ['Nobody'] }), true);
    case 1: {
      const changed = visible(mutate(random, right));
      return known(changed, changed === right || (isSame(changed, right) && 'either'));
    }
    case 2: {
      const claims = mutateJson(random, { ...validClaims(issuer.issuer), oid });
      return known(`${header}.${encode(claims)}.${signature}`, encode(claims) === payload);
    }
    case 3: {
      const claims = { ...validClaims(issuer.issuer), oid };
      const alg = random.pick(['none', 'None', 'HS256', 'HS512', 'PS256', 'ES256', 'RS512', '']);
      const signed = `${encode({ alg, kid: 'key-1', typ: 'JWT' })}.${encode(claims)}`;
      const mac = createHmac('sha256', issuer.publicKeyPem).update(signed).digest('base64url');
      return known(`${signed}.${random.pick([mac, signature, '', 'AA'])}`, false);
    }
    case 4:
      return known(await issuer.sign({ oid }, { foreignKey: true }), false);
    case 5: {
      const kid = random.pick([undefined, '', 'key-2', '../key-1', 'KEY-1']);
      return known(await issuer.sign({ oid }, { kid }), false);
    }
    case 6: {
      const wrong = random.pick<JWTPayload>([
        {
          aud: random.pick([
            `${audience}/`,
            audience.toUpperCase(),
            '00000003-0000-0000-c000-000000000000',
            '',
          ]),
        },
        { aud: [] },
        {
          iss: random.pick([`${issuer.issuer}/`, issuer.issuer.toUpperCase(), 'https://sts.windows.net/x/']),
        },
        { tid: random.pick(['0bad0000-0000-4000-8000-000000000bad', '', `${tenantId} `, [tenantId]]) },
        { exp: now - 61 - random.below(1e6) },
        { nbf: now + 120 + random.below(1e6) },
        { oid: random.pick(['sweep', 'sallyport', '', `${oid}\n`, ` ${oid}`, [oid], 7]) },
        { oid: undefined },
        { tid: undefined },
        { aud: undefined },
        { iss: undefined },
        { exp: undefined },
      ] as JWTPayload[]);
      return known(await issuer.sign({ oid, ...wrong }), false);
    }
    default: {
      const two = await issuer.sign({ oid: personOf(1) });
      const authorization = random.pick([
        `Bearer ${right}, Bearer ${two}`,
        `Basic ${right}`,
        `Bearer ${right} ${two}`,
        `Bearer`,
        right,
        `Bearer ${right}.${signature}`,
        `Bearer ${header}..${signature}`,
        `Bearer "${right}"`,
        `DPoP ${right}`,
      ]);
      return { authorization, enters: false };
    }
  }
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** Whether it is the same signed text with the same bytes of signature: base64url spells some bytes in several ways. */
function isSame(changed: string, right: string): boolean {
  const [header, payload, signature = '', ...more] = changed.split('.');
  const [rightHeader, rightPayload, rightSignature = ''] = right.split('.');
  return (
    more.length === 0 &&
    header === rightHeader &&
    payload === rightPayload &&
    Buffer.from(signature, 'base64').equals(Buffer.from(rightSignature, 'base64'))
  );
}
