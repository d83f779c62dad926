import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWTPayload } from 'jose';
import { isPersonName, people, sampleTenantId } from '../sample/people.ts';
import type { PersonName } from '../sample/people.ts';
import { respond } from './answer.ts';
import type { Answer } from './answer.ts';
import { managedIdentityAnswer } from './managedIdentity.ts';
import { generateSigningKey, loadSigningKey } from './keys.ts';
import { claimsOfPerson, sign } from './tokens.ts';
import type { SignOptions, TokenRealm } from './tokens.ts';

export interface IdentityOptions {
  /** On 127.0.0.1; 0 or none takes a free one. */
  port?: number;
  /** Keeps the signing key across restarts; without it a new one is made each time. */
  keyFile?: string;
  /** Of people's tokens. Default `api://sallyport`. */
  audience?: string;
  /** What else than Azure Resource Manager there are tokens for: URIs without a trailing slash. */
  resources?: readonly string[];
}

export interface Identity extends TokenRealm {
  url: string;
  /** For the app's environment: IDENTITY_ENDPOINT and IDENTITY_HEADER. */
  managedIdentity: { endpoint: string; header: string };
  /** A token as the person would get it. Lifetime in seconds. */
  token(person: PersonName, lifetime?: number): Promise<string>;
  /** Any claims, and signed in any way: for forged and odd tokens. */
  sign(claims: JWTPayload, options?: SignOptions): Promise<string>;
  /** How often the JWKS was asked for. */
  keyRequests(): number;
  stop(): Promise<void>;
}

/** What the app's identity presents in X-IDENTITY-HEADER. App Service makes one up per instance; here it guards nothing. */
const identityHeader = 'local-development';
const azureResourceManager = ['https://management.azure.com', 'https://management.core.windows.net'];
const day = 86_400;

/**
 * Starts an OIDC issuer for development: it gives a token for any sample person to whoever asks on this machine.
 * @throws Error when the port is taken or the key file holds something else.
 */
export async function startIdentity(options: IdentityOptions = {}): Promise<Identity> {
  const published =
    options.keyFile === undefined ? await generateSigningKey() : await loadSigningKey(options.keyFile);
  const keys = { published, unpublished: await generateSigningKey() };
  const server = createServer();
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');

  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const realm: TokenRealm = {
    issuer: `${url}/${sampleTenantId}/v2.0`,
    tenantId: sampleTenantId,
    audience: options.audience ?? 'api://sallyport',
  };
  const jwksPath = `/${sampleTenantId}/discovery/v2.0/keys`;
  const resources = new Set([...azureResourceManager, ...(options.resources ?? [])]);
  let keyRequests = 0;

  const token = (person: PersonName, lifetime?: number, audience?: string) =>
    sign(claimsOfPerson(realm, person, lifetime, audience), keys);

  server.on('request', (request, response) => {
    answer(request).then(
      (answered) => respond(response, answered),
      (error: unknown) => respond(response, { status: 500, body: { error: String(error) } }),
    );
  });

  async function answer(request: IncomingMessage): Promise<Answer> {
    // A page in a browser on this machine must not collect tokens by pointing its own name at 127.0.0.1.
    if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '')) {
      return { status: 421, body: { error: 'Ask for 127.0.0.1 or localhost.' } };
    }
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    if (request.method !== 'GET') return { status: 405, body: { error: 'Only GET is answered here.' } };
    switch (pathname) {
      case '/':
        return { status: 200, body: { notice, people: Object.keys(people), issuer: realm.issuer } };
      case `/${sampleTenantId}/v2.0/.well-known/openid-configuration`:
        return { status: 200, body: discovery(realm, `${url}${jwksPath}`) };
      case jwksPath:
        keyRequests += 1;
        return { status: 200, body: { keys: [published.publicJwk] } };
      case '/token':
        return tokenAnswer(searchParams);
      case '/msi/token':
        return managedIdentityAnswer(request.headers['x-identity-header'], searchParams, {
          header: identityHeader,
          resources,
          realm,
          sign: (claims) => sign(claims, keys),
        });
      default:
        return { status: 404, body: { error: `Nothing is at ${pathname}.` } };
    }
  }

  async function tokenAnswer(query: URLSearchParams): Promise<Answer> {
    const person = query.get('person') ?? '';
    if (!isPersonName(person)) {
      return { status: 400, body: { error: `person must be one of ${Object.keys(people).join(', ')}.` } };
    }
    const lifetime = Number(query.get('lifetime') ?? 3600);
    if (!Number.isInteger(lifetime) || Math.abs(lifetime) > day) {
      return { status: 400, body: { error: 'lifetime must be whole seconds, at most a day.' } };
    }
    const resource = query.get('resource') ?? undefined;
    if (resource !== undefined && !resources.has(resource)) {
      return { status: 400, body: { error: 'resource must be one that this issuer was told of.' } };
    }
    const accessToken = await token(person, lifetime, resource);
    if (query.get('format') === 'text') return { status: 200, text: accessToken };
    return { status: 200, body: { access_token: accessToken, token_type: 'Bearer', expires_in: lifetime } };
  }

  return {
    ...realm,
    url,
    managedIdentity: { endpoint: `${url}/msi/token`, header: identityHeader },
    token: (person, lifetime) => token(person, lifetime),
    sign: (claims, how) => sign(claims, keys, how),
    keyRequests: () => keyRequests,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const notice =
  'A development issuer: it gives tokens for made-up people to anybody on this machine. Trust it nowhere else.';

function discovery(realm: TokenRealm, jwksUri: string): object {
  return {
    issuer: realm.issuer,
    jwks_uri: jwksUri,
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['token'],
    subject_types_supported: ['pairwise'],
    claims_supported: [
      'sub',
      'iss',
      'aud',
      'exp',
      'iat',
      'nbf',
      'tid',
      'oid',
      'name',
      'preferred_username',
      'ver',
    ],
  };
}
