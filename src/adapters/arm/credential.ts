import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import { within } from './deadline.ts';

export interface CredentialOptions {
  /** `azure-cli` is for development against a real subscription. */
  kind: 'managed-identity' | 'azure-cli';
  /** Of a user-assigned managed identity; without it the system-assigned one is used. */
  clientId?: string;
}

/** Longer than any answer of an identity endpoint; the callers give up earlier by their own deadlines. */
const tokenTimeoutMilliseconds = 30_000;

/**
 * The app's identity. Loads the identity library when the first token is asked for, and asks for one token at a time:
 * several callers that want the same token share one request.
 *
 * Keeps no token. The managed identity credential caches its tokens until they are nearly over, and every SDK client
 * caches its own besides; the Azure CLI is started each time a client has none.
 */
export function createCredential(options: CredentialOptions): TokenCredential {
  return shareRequests(async () => {
    const { AzureCliCredential, ManagedIdentityCredential } = await import('@azure/identity');
    if (options.kind === 'azure-cli') return new AzureCliCredential();
    return options.clientId === undefined
      ? new ManagedIdentityCredential()
      : new ManagedIdentityCredential({ clientId: options.clientId });
  });
}

/** Defers a credential's making to the first token, and has one request for a token under way at a time. */
export function shareRequests(make: () => Promise<TokenCredential>): TokenCredential {
  const underWay = new Map<string, Promise<AccessToken | null>>();
  let credential: Promise<TokenCredential> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function request(scopes: string | string[], options: GetTokenOptions): Promise<AccessToken | null> {
    credential ??= make();
    const made = await credential;
    // A deadline of its own: one caller's must not fail the others that wait for the same token.
    return within(tokenTimeoutMilliseconds, (abortSignal) =>
      made.getToken(scopes, { ...options, abortSignal }),
    );
  }

  return {
    getToken: (scopes, options = {}) => {
      const key = JSON.stringify([scopes, options.claims, options.tenantId, options.enableCae]);
      const shared = underWay.get(key);
      if (shared) return shared;
      const mine = last
        .then(() => request(scopes, options))
        .finally(() => {
          underWay.delete(key);
        });
      last = mine.catch(() => undefined);
      underWay.set(key, mine);
      return mine;
    },
  };
}
