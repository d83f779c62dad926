import type { ComputeManagementClient } from '@azure/arm-compute';
import type { NetworkManagementClient } from '@azure/arm-network';
import type { TokenCredential } from '@azure/core-auth';
import type {
  HttpClient,
  Pipeline,
  PipelinePolicy,
  PipelineRequest,
  PipelineResponse,
  RetryStrategy,
} from '@azure/core-rest-pipeline';

export interface ArmConnection {
  /** Origin of Azure Resource Manager, `https://management.azure.com` or a sovereign cloud's. */
  endpoint: string;
  credential: TokenCredential;
  /** Comes first in the user agent. */
  userAgent?: string;
  /** Sends the requests, where the default client of the SDK cannot: tests trust a throw-away certificate with it. */
  httpClient?: HttpClient;
}

/** The SDK's clients, one per subscription, loaded when first asked for: importing them takes a cold start's time. */
export interface ArmClients {
  readonly origin: string;
  compute(subscriptionId: string): Promise<ComputeManagementClient>;
  network(subscriptionId: string): Promise<NetworkManagementClient>;
  /** Sends the requests of every client, so that all share its connections. */
  httpClient(): Promise<HttpClient>;
}

/** Is shown every answer of ARM, of typed and raw calls alike, before any of them is tried again. */
export type Observe = (request: PipelineRequest, response: PipelineResponse) => void;

/**
 * Makes the clients of one ARM endpoint.
 *
 * Throws if the endpoint is not a bare https origin.
 */
export function createArmClients(connection: ArmConnection, observe: Observe): ArmClients {
  const origin = checkedOrigin(connection.endpoint);
  const { credential, userAgent } = connection;
  // arm-compute asks for the public cloud's scope unless told otherwise, whatever the endpoint.
  const scope = `${origin}/.default`;

  let httpClient = connection.httpClient;
  const sharedHttpClient = async () => {
    const { createDefaultHttpClient } = await import('@azure/core-rest-pipeline');
    return (httpClient ??= createDefaultHttpClient());
  };
  const commonOptions = async () => ({
    endpoint: origin,
    httpClient: await sharedHttpClient(),
    ...(userAgent ? { userAgentOptions: { userAgentPrefix: userAgent } } : {}),
  });

  return {
    origin,
    httpClient: sharedHttpClient,
    compute: perSubscription(async (subscriptionId) => {
      const { ComputeManagementClient } = await import('@azure/arm-compute');
      const options = { ...(await commonOptions()), credentials: { scopes: [scope] } };
      const client = new ComputeManagementClient(credential, subscriptionId, options);
      await harden(client.pipeline, origin, observe);
      return client;
    }),
    network: perSubscription(async (subscriptionId) => {
      const { NetworkManagementClient } = await import('@azure/arm-network');
      const options = { ...(await commonOptions()), credentialScopes: scope };
      const client = new NetworkManagementClient(credential, subscriptionId, options);
      await harden(client.pipeline, origin, observe);
      return client;
    }),
  };
}

function checkedOrigin(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol !== 'https:' || url.href !== `${url.origin}/`) {
    throw new Error(
      'The Azure Resource Manager endpoint must be an https origin without path, query or user.',
    );
  }
  return url.origin;
}

function perSubscription<Client>(make: (subscriptionId: string) => Promise<Client>) {
  const made = new Map<string, Promise<Client>>();
  return (subscriptionId: string): Promise<Client> => {
    const key = subscriptionId.toLowerCase();
    const client = made.get(key) ?? make(subscriptionId);
    made.set(key, client);
    return client;
  };
}

/** Where retries, redirects, foreign addresses and rates are dealt with for every call, typed and raw. */
async function harden(pipeline: Pipeline, origin: string, observe: Observe): Promise<void> {
  const { bearerTokenAuthenticationPolicyName, redirectPolicyName, retryPolicy } =
    await import('@azure/core-rest-pipeline');
  pipeline.removePolicy({ phase: 'Retry' });
  pipeline.addPolicy(retryPolicy([onceAfterFault], { maxRetries: 1 }), { phase: 'Retry' });
  // ARM redirects nothing, and the SDK would repeat a PUT after a 307.
  pipeline.removePolicy({ name: redirectPolicyName });
  pipeline.addPolicy(ownOriginOnly(origin), { beforePolicies: [bearerTokenAuthenticationPolicyName] });
  pipeline.addPolicy(observing(observe), { afterPhase: 'Retry' });
}

function observing(observe: Observe): PipelinePolicy {
  return {
    name: 'observeAnswers',
    sendRequest: async (request, next) => {
      const response = await next(request);
      observe(request, response);
      return response;
    },
  };
}

/**
 * The SDK's own policy also sleeps as long as a 429 asks, up to minutes: the caller has a deadline and better things to
 * do with a 429.
 */
const onceAfterFault: RetryStrategy = {
  name: 'onceAfterFault',
  retry: ({ response, responseError }) =>
    (response ? response.status >= 500 : responseError !== undefined)
      ? { retryAfterInMs: 250 }
      : { skipStrategy: true },
};

/** Links to next pages and operations come out of answers: our token goes to no other place than ARM. */
function ownOriginOnly(origin: string): PipelinePolicy {
  return {
    name: 'ownOriginOnly',
    sendRequest: (request, next) => {
      if (!isOfOrigin(request.url, origin)) {
        throw new Error('Refused to send a request to another origin than Azure Resource Manager.');
      }
      return next(request);
    },
  };
}

/** Whether a URL lies on the origin and names no user. */
export function isOfOrigin(url: string, origin: string): boolean {
  if (!URL.canParse(url)) return false;
  const parsed = new URL(url);
  return parsed.origin === origin && parsed.username === '' && parsed.password === '';
}
