/**
 * What an absolute link begins with: where the app is reached, as the settings say; on this very machine, where the call
 * came to. Undefined elsewhere: a host name is for whoever calls to write, and clients send their token to where a link
 * points.
 */
export function linkOrigin(publicOrigin: string | undefined, url: string): string | undefined {
  if (publicOrigin !== undefined) return publicOrigin;
  const { protocol, host, hostname } = new URL(url);
  const isLocal = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname);
  return isLocal ? `${protocol}//${host}` : undefined;
}
