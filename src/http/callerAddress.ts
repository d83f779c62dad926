import type { HttpRequest } from '@azure/functions';
import { canonicalPrefix, containsPrefix, withoutIPv4Mapping } from '../core/address.ts';
import type { Caller } from '../core/caller.ts';

/** Where a caller who names no source is asking from. */
export type CallerAddress =
  | {
      ok: true;
      /** Canonical, one address: /32 or /128. */
      prefix: string;
      /** How it was found, a whole sentence. */
      foundBy: string;
    }
  /** It cannot be told; `detail` says why and what to do instead. */
  | { ok: false; detail: string };

const header = 'x-forwarded-for';
/** More entries than any chain of proxies has; not worth splitting. */
const maximumLength = 4_096;
const nameTheSource =
  'Name the source in allowedSourceAddressPrefix; behind a VPN or proxy give the address of its gateway or the range of your organisation.';

/** Addresses that nobody out on the internet has: seen from the app they are a proxy's, or a network's own. */
const withoutMeaning: readonly (readonly [prefix: string, kind: string])[] = [
  ['0.0.0.0/8', 'an address of no host'],
  ['10.0.0.0/8', 'a private address'],
  ['100.64.0.0/10', 'an address that a carrier shares among its customers'],
  ['127.0.0.0/8', 'a loopback address'],
  // Azure's own services behind every virtual network, such as the load balancer's probe.
  ['168.63.129.16/32', 'an address of Azure itself'],
  ['169.254.0.0/16', 'a link-local address'],
  ['172.16.0.0/12', 'a private address'],
  ['192.0.0.0/24', 'an address of no host'],
  ['192.168.0.0/16', 'a private address'],
  ['198.18.0.0/15', 'an address for benchmarks'],
  ['224.0.0.0/4', 'a multicast address'],
  ['240.0.0.0/4', 'an address of no host'],
  ['::/127', 'an address of no host'],
  ['fc00::/7', 'a private address'],
  ['fe80::/10', 'a link-local address'],
  ['ff00::/8', 'a multicast address'],
];
/** What is handed out to hosts in IPv6. */
const globalUnicast = '2000::/3';

/**
 * The address of whoever calls, as the proxies before the app tell it. Each appends the address it was called from, so
 * entries are counted from the right: what lies before those of trusted proxies is whatever the caller wrote.
 * `trustedProxyHops` is how many proxies are trusted, 0 if none are.
 */
export function callerAddress(
  { headers }: Pick<HttpRequest, 'headers'>,
  caller: Pick<Caller, 'isApplication'>,
  trustedProxyHops: number,
): CallerAddress {
  if (caller.isApplication === true) {
    return refuse('An application is not where the person is whom it asks for.');
  }
  if (trustedProxyHops === 0) {
    return refuse(
      'Sallyport has not been told how many proxies stand before it, so it cannot tell from where you call.',
    );
  }
  // A header that was sent several times arrives joined with commas, in order.
  const text = headers.get(header) ?? '';
  if (text.length > maximumLength) return refuse(`The header ${header} is too long.`);
  const entries = text === '' ? [] : text.split(',');
  const entry = entries.at(-trustedProxyHops)?.trim();
  if (entry === undefined || entries.length < trustedProxyHops) {
    return refuse(
      `The call came through fewer proxies than the ${trustedProxyHops} that Sallyport expects, so it cannot tell from where you call.`,
    );
  }
  const prefix = addressOf(entry);
  if (prefix === undefined)
    return refuse('The proxy before Sallyport passed on no address that can be read.');
  const kind = whyNotTheCaller(prefix);
  if (kind !== undefined) {
    return refuse(
      `You seem to call from ${prefix.replace(/\/.*/, '')}, ${kind}, which means nothing to Azure.`,
    );
  }
  const position = trustedProxyHops === 1 ? 'the last entry' : `entry ${trustedProxyHops} from the right`;
  return { ok: true, prefix, foundBy: `It is ${position} of ${header}.` };
}

/** One entry: an address, `IPv4:port` or `[IPv6]:port`. Undefined if it is anything else. */
function addressOf(entry: string): string | undefined {
  const [, bracketed, plain] =
    /^(?:\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?|(\d+\.\d+\.\d+\.\d+)(?::\d{1,5})?)$/.exec(entry) ?? [];
  if (bracketed !== undefined && !bracketed.includes(':')) return undefined;
  const prefix = canonicalPrefix(bracketed ?? plain ?? (/^[0-9A-Fa-f:.]+$/.test(entry) ? entry : ''));
  return prefix === undefined ? undefined : withoutIPv4Mapping(prefix);
}

function whyNotTheCaller(prefix: string): string | undefined {
  const [, kind] = withoutMeaning.find(([range]) => containsPrefix(range, prefix)) ?? [];
  if (kind !== undefined) return kind;
  return prefix.includes(':') && !containsPrefix(globalUnicast, prefix) ? 'an address of no host' : undefined;
}

function refuse(why: string): CallerAddress {
  return { ok: false, detail: `${why} ${nameTheSource}` };
}
