import type { HttpRequest } from '@azure/functions';
import { canonicalId } from '../../core/resourceId.ts';

export type PageResult<Item> = { ok: true; items: Item[]; nextLink?: string } | { ok: false };

const parameter = '$skiptoken';

/**
 * One page of items that are in the order of their ids, after those that the token of an earlier page names. The link
 * to the next one is absolute, as Microsoft's clients want it, where `origin` is known, and relative elsewhere.
 */
export function pageOf<Item extends { id: string }>(
  items: readonly Item[],
  request: Pick<HttpRequest, 'query' | 'url'>,
  { size, origin }: { size: number; origin: string | undefined },
): PageResult<Item> {
  const after = readToken(request.query.get(parameter));
  if (after === undefined) return { ok: false };
  const left = items.filter(({ id }) => canonicalId(id) > after);
  const page = left.slice(0, size);
  const last = page.at(-1);
  if (last === undefined || left.length === page.length) return { ok: true, items: page };
  const { pathname, searchParams } = new URL(request.url);
  const version = [...searchParams].find(([name]) => name.toLowerCase() === 'api-version')?.[1] ?? '';
  const query = new URLSearchParams({ 'api-version': version, [parameter]: tokenOf(last.id) });
  // A path that begins with two slashes would name another host.
  const nextLink = `${origin ?? ''}${pathname.replace(/^\/+/, '/')}?${query.toString()}`;
  return { ok: true, items: page, nextLink };
}

function tokenOf(id: string): string {
  return Buffer.from(canonicalId(id)).toString('base64url');
}

/** Empty where there is none; undefined for what no page gave. */
function readToken(token: string | null): string | undefined {
  if (token === null) return '';
  if (!/^[\w-]{1,1000}$/.test(token)) return undefined;
  const id = Buffer.from(token, 'base64url').toString();
  return tokenOf(id) === token ? id : undefined;
}
