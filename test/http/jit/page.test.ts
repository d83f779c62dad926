import { describe, expect, it } from 'vitest';
import { pageOf } from '../../../src/http/jit/page.ts';

const items = ['/subscriptions/a', '/subscriptions/b', '/subscriptions/c'].map((id) => ({ id }));
const origin = 'https://sallyport.contoso.example';

const path = '/api/arm/policies?api-version=2020-01-01';

function page(url: string) {
  const read = pageOf(items, { url, query: new URL(url).searchParams }, { size: 2, origin });
  if (!read.ok) throw new Error('The page is refused.');
  return read;
}

describe('the link to the next page', () => {
  it('leads to the origin that it is told, whatever host the call names: clients send it their token', () => {
    const { nextLink } = page('https://fabrikam.example/api/arm/policies?api-version=2020-01-01');

    expect(nextLink).toMatch(
      /^https:\/\/sallyport\.contoso\.example\/api\/arm\/policies\?api-version=2020-01-01&/,
    );
  });

  it('stays at that origin where the path of the call begins like a host', () => {
    const { nextLink } = page(`${origin}//fabrikam.example/api/arm/policies?api-version=2020-01-01`);

    expect(new URL(nextLink ?? '').origin).toBe(origin);
  });

  it.each([
    `https://fabrikam.example${path}`,
    `${origin}//fabrikam.example${path}`,
    `${origin}/\\fabrikam.example${path}`,
  ])('names no host at all where none is known, by a call to %s', (url) => {
    const read = pageOf(items, { url, query: new URL(url).searchParams }, { size: 2, origin: undefined });
    const link = read.ok ? (read.nextLink ?? '') : '';

    expect(link).toMatch(/^\/[^/]/);
    expect(new URL(link, origin).origin).toBe(origin);
  });

  it('brings what is left, and no further link with the last page', () => {
    const next = page(page(`${origin}/api/arm/policies?api-version=2020-01-01`).nextLink ?? '');

    expect(next).toEqual({ ok: true, items: [{ id: '/subscriptions/c' }] });
  });
});
