import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TokenCredential } from '@azure/core-auth';
import {
  createHttpHeaders,
  createPipelineRequest,
  RestError,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import { afterAll, beforeAll } from 'vitest';
import { startAzurite, type Azurite } from '../../../dev/azurite.ts';
import { ensureCertificate } from '../../../dev/certificate.ts';
import { startIdentity, type Identity } from '../../../dev/identity/server.ts';
import { claimsOfApp } from '../../../dev/identity/tokens.ts';
import { sampleTenantId } from '../../../dev/sample/people.ts';
import { intercepting, trusting } from '../arm/simulatedArm.ts';

/** A container of the real blob service of Azurite, which takes the app's bearer token alone. */
export interface Container {
  url: string;
  credential: TokenCredential;
  httpClient: HttpClient;
  /** As somebody else with rights there would call; throws on a status of 400 or more. */
  call(
    method: 'GET' | 'PUT' | 'DELETE',
    path: string,
    headers?: Record<string, string>,
    body?: string,
  ): Promise<string>;
  /** Text of each blob by name. */
  blobs(): Promise<Map<string, string>>;
}

/** An Azurite over https with OAuth, for the tests of one file. */
export function useBlobService() {
  let running: { azurite: Azurite; identity: Identity; folder: string; httpClient: HttpClient } | undefined;
  let containers = 0;
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-blobs-'));
    const certificate = await ensureCertificate(folder);
    running = {
      azurite: await startAzurite({ certificate }),
      identity: await startIdentity(),
      folder,
      httpClient: trusting(certificate.certificate),
    };
  });
  afterAll(async () => {
    await running?.azurite.stop();
    await running?.identity.stop();
    if (running) await rm(running.folder, { recursive: true });
  });

  function parts() {
    if (running === undefined) throw new Error('Azurite is not running yet.');
    return running;
  }

  /** The app's identity, with a token for a resource as Entra makes one of version 1. */
  function credentialFor(resource: string): TokenCredential {
    const realm = {
      issuer: `https://sts.windows.net/${sampleTenantId}/`,
      tenantId: sampleTenantId,
      audience: '',
    };
    return {
      async getToken() {
        const token = await parts().identity.sign(claimsOfApp(realm, resource));
        return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    };
  }

  return {
    credentialFor,
    async freshContainer(): Promise<Container> {
      const { azurite, httpClient } = parts();
      containers += 1;
      const service = /BlobEndpoint=([^;]+)/.exec(azurite.connectionString)?.[1] ?? '';
      const url = `${service}/audit-${containers}`;
      const credential = credentialFor('https://storage.azure.com');
      const call: Container['call'] = async (method, path, headers = {}, body) => {
        const { token } = (await credential.getToken('')) ?? { token: '' };
        const answer = await httpClient.sendRequest(
          createPipelineRequest({
            method,
            url: `${url}${path}`,
            headers: createHttpHeaders({
              authorization: `Bearer ${token}`,
              'x-ms-version': '2023-11-03',
              'content-length': String(Buffer.byteLength(body ?? '')),
              ...headers,
            }),
            ...(body === undefined ? {} : { body }),
          }),
        );
        if (answer.status >= 400) throw new Error(`${answer.status} ${answer.bodyAsText ?? ''}`);
        return answer.bodyAsText ?? '';
      };
      await call('PUT', '?restype=container');
      return {
        url,
        credential,
        httpClient,
        call,
        async blobs() {
          const list = await call('GET', '?restype=container&comp=list');
          const names = [...list.matchAll(/<Name>([^<]+)<\/Name>/g)].map(([, name = '']) => name);
          return new Map(
            await Promise.all(names.map(async (name) => [name, await call('GET', `/${name}`)] as const)),
          );
        },
      };
    },
  };
}

/** What happens to a call: it goes through, its answer is lost, it never arrives, or it is refused. */
export type Fate =
  'pass' | 'lose-answer' | 'lose-request' | { status: number; code: string; retryAfter?: number };

/** A way to the service on which things go wrong as `fateOf` says, for each call in turn. */
export function faulty(
  httpClient: HttpClient,
  fateOf: (request: PipelineRequest) => Fate | Promise<Fate>,
): HttpClient & { calls: string[] } {
  const calls: string[] = [];
  const lost = () => new RestError('The connection was reset.', { code: 'ECONNRESET' });
  return {
    calls,
    ...intercepting(httpClient, async (request, forward): Promise<PipelineResponse> => {
      calls.push(`${request.method} ${new URL(request.url).search}`.trim());
      const fate = await fateOf(request);
      if (fate === 'lose-request') throw lost();
      if (typeof fate === 'object') {
        const headers = createHttpHeaders({
          'x-ms-error-code': fate.code,
          ...(fate.retryAfter === undefined ? {} : { 'retry-after': String(fate.retryAfter) }),
        });
        return { request, headers, status: fate.status, bodyAsText: '' };
      }
      const answer = await forward();
      if (fate === 'lose-answer') throw lost();
      return answer;
    }),
  };
}
