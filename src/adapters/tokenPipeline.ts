import type { TokenCredential } from '@azure/core-auth';
import type {
  HttpClient,
  PipelineRequestOptions,
  PipelineResponse,
  RetryStrategy,
} from '@azure/core-rest-pipeline';
import { parseRetryAfter } from './arm/problem.ts';

export interface TokenPipelineOptions {
  credential: TokenCredential;
  /** Of the tokens, such as `https://monitor.azure.com/.default`. */
  scope: string;
  /** Sends the requests, where the default client of the SDK cannot: tests trust a throw-away certificate with it. */
  httpClient?: HttpClient | undefined;
  /** Before the second try of a call, doubled before each further one. */
  retryDelayMilliseconds?: number | undefined;
}

/** Sends a request with a token; resolves with whatever is answered in the end. */
export type SendWithToken = (request: PipelineRequestOptions) => Promise<PipelineResponse>;

/** Longer than that the next run of whoever calls can wait. */
const longestWaitSeconds = 10;

/**
 * Sends requests that may be repeated: up to three times more after a broken connection, a fault or a 429. Loads the SDK's
 * pipeline with the first.
 */
export function createTokenPipeline(options: TokenPipelineOptions): SendWithToken {
  let opened: Promise<SendWithToken> | undefined;
  return async (request) => (await (opened ??= open(options)))(request);
}

async function open({
  credential,
  scope,
  httpClient,
  retryDelayMilliseconds = 250,
}: TokenPipelineOptions): Promise<SendWithToken> {
  const {
    bearerTokenAuthenticationPolicy,
    createDefaultHttpClient,
    createPipelineFromOptions,
    createPipelineRequest,
    redirectPolicyName,
    retryPolicy,
  } = await import('@azure/core-rest-pipeline');
  const pipeline = createPipelineFromOptions({ userAgentOptions: { userAgentPrefix: 'sallyport' } });
  pipeline.removePolicy({ phase: 'Retry' });
  pipeline.addPolicy(retryPolicy([soon(retryDelayMilliseconds)], { maxRetries: 3 }), { phase: 'Retry' });
  // Our token goes nowhere else.
  pipeline.removePolicy({ name: redirectPolicyName });
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes: scope }), { phase: 'Sign' });
  const client = httpClient ?? createDefaultHttpClient();
  return (request) => pipeline.sendRequest(client, createPipelineRequest(request));
}

/** Unless a longer wait is asked for. */
function soon(delay: number): RetryStrategy {
  return {
    name: 'soon',
    retry: ({ retryCount, response, responseError }) => {
      const again = response
        ? response.status >= 500 || response.status === 429
        : responseError !== undefined;
      const asked = parseRetryAfter(response?.headers.get('retry-after'));
      if (!again || (asked ?? 0) > longestWaitSeconds) return { skipStrategy: true };
      return { retryAfterInMs: asked === undefined ? delay * 2 ** retryCount : asked * 1000 };
    },
  };
}
