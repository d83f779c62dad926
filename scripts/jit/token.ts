import { AzureCliCredential } from '@azure/identity';
import { UsageError } from '../usageError.ts';

export interface TokenOptions {
  /** Scope of the app's API: `api://…/.default`. */
  scope?: string | undefined;
  /** A person of the sample, from the issuer that `npm start` brings up. */
  as?: string | undefined;
}

const sampleIssuer = 'http://127.0.0.1:8080';

/**
 * A token for the app: of the sample's issuer, of SALLYPORT_TOKEN, or of the Azure CLI's account, in this order.
 * Throws UsageError if none of them is told. It is never printed.
 */
export async function findToken(
  url: URL,
  { scope, as }: TokenOptions,
  env: Record<string, string | undefined>,
): Promise<string> {
  if (as !== undefined) return sampleToken(url, as, new URL(env['SALLYPORT_SAMPLE_ISSUER'] ?? sampleIssuer));
  if (env['SALLYPORT_TOKEN']) return env['SALLYPORT_TOKEN'];
  if (scope === undefined) {
    throw new UsageError(
      'Say who you are: --scope api://…/.default (or SALLYPORT_SCOPE) for the account of the Azure CLI, SALLYPORT_TOKEN, or --as alice on this machine.',
    );
  }
  const { token } = await new AzureCliCredential().getToken(scope);
  return token;
}

/** Whether nobody but this machine can be meant. */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** Whoever asks the sample's issuer gets what they ask for: it is nobody's identity outside of this machine. */
async function sampleToken(url: URL, person: string, issuer: URL): Promise<string> {
  if (!isLoopback(issuer) || !isLoopback(url)) {
    throw new UsageError('--as is for the sample on this machine: app and issuer must be at 127.0.0.1.');
  }
  const asked = new URL('/token', issuer);
  asked.searchParams.set('person', person);
  asked.searchParams.set('format', 'text');
  const answer = await fetch(asked).catch((cause: unknown) => {
    throw new UsageError(`Nobody gives tokens at ${issuer.origin}. Is npm start running?`, { cause });
  });
  const text = (await answer.text()).trim();
  if (!answer.ok) throw new UsageError(`The sample's issuer knows nobody called ${person}: ${text}`);
  return text;
}
