import type { JWTPayload } from 'jose';
import { appIdentity } from '../sample/people.ts';
import type { Answer } from './answer.ts';
import { claimsOfApp } from './tokens.ts';
import type { TokenRealm } from './tokens.ts';

/**
 * Answers as App Service's local identity endpoint does (api-version 2019-08-01): the secret header keeps a forged
 * server-side request, which cannot set headers, from getting a token.
 */
export async function managedIdentityAnswer(
  header: string | string[] | undefined,
  query: URLSearchParams,
  endpoint: {
    header: string;
    resources: ReadonlySet<string>;
    realm: TokenRealm;
    sign: (claims: JWTPayload) => Promise<string>;
  },
): Promise<Answer> {
  if (header !== endpoint.header) return refuse(401, 'X-IDENTITY-HEADER is missing or wrong.');
  if (query.get('api-version') !== '2019-08-01') return refuse(400, 'api-version must be 2019-08-01.');
  const clientId = query.get('client_id');
  if (clientId !== null && clientId !== appIdentity.clientId) {
    return refuse(400, 'No managed identity has this client id.');
  }
  const resource = query.get('resource') ?? '';
  // A trailing slash is echoed in `aud`, as Entra does.
  if (!endpoint.resources.has(resource.replace(/\/$/, ''))) {
    return refuse(400, `The resource ${JSON.stringify(resource)} was not found in the tenant.`);
  }

  const claims = claimsOfApp(endpoint.realm, resource);
  return {
    status: 200,
    body: {
      access_token: await endpoint.sign(claims),
      expires_on: String(claims.exp),
      resource,
      token_type: 'Bearer',
      client_id: appIdentity.clientId,
    },
  };
}

function refuse(status: number, message: string): Answer {
  return { status, body: { statusCode: status, message } };
}
