import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { RawRequest, SpawnedHost } from './spawnHost.ts';
import { raw, spawnHost } from './spawnHost.ts';

interface Echo {
  method: string;
  url: string;
  headers: Record<string, string>;
  query: [string, string][];
  params: Record<string, string>;
  body: string;
}

let host: SpawnedHost;
beforeAll(async () => {
  host = await spawnHost('web', [], { 'AzureWebJobs.off.Disabled': 'true', ROUTE_SEG: 'seg' });
});
afterAll(() => host.stop());

const ask = (path: string, request?: RawRequest) => raw(host.url, path, request);
async function echo(path: string, request?: RawRequest): Promise<Echo> {
  const answer = await ask(path, request);
  expect(answer.status).toBe(200);
  return JSON.parse(Buffer.from(answer.body, 'latin1').toString('utf8')) as Echo;
}

describe('a request', () => {
  test('arrives with collapsed queries, decoded parameters but an encoded slash, and joined headers', async () => {
    const target = '/api/echo/A%20b/C%2Fd?x=1&x=2&Y=%20z&empty=&flag&enc=%C3%BC%2B+';
    const seen = await echo(target, { headers: { 'X-Dup': ['a', 'b'], 'X-MiXed': 'Val' } });
    expect(seen.params).toEqual({ a: 'A b', b: 'C%2Fd' });
    expect(seen.query).toEqual([
      ['x', '1,2'],
      ['Y', ' z'],
      ['empty', ''],
      ['flag', ''],
      ['enc', 'ü+ '],
    ]);
    expect(seen.headers).toMatchObject({ 'x-dup': 'a,b', 'x-mixed': 'Val' });
    expect(seen.url).toBe(`${host.url}${target}`);
  });

  test('has the URL that its Host header names, whatever X-Forwarded-Host says', async () => {
    const headers = {
      Host: 'evil.example:99',
      'X-Forwarded-Host': 'fwd.example',
      'X-Forwarded-Proto': 'https',
    };
    expect((await echo('/api/echo/x?q=1', { headers })).url).toBe('http://evil.example:99/api/echo/x?q=1');
  });

  test('with a length brings its body, a chunked one arrives empty', async () => {
    const counted = { method: 'POST', body: '{"a":1}', headers: { 'Content-Length': '7' } };
    expect((await echo('/api/echo/x', counted)).body).toBe('{"a":1}');
    const chunked = { method: 'POST', body: '{"a":1}', headers: { 'Transfer-Encoding': 'chunked' } };
    expect((await echo('/api/echo/x', chunked)).body).toBe('');
  });

  test('loses the body of a GET and keeps that of a DELETE', async () => {
    const headers = { 'Content-Type': 'text/plain', 'Content-Length': '5' };
    expect((await echo('/api/echo/x', { headers, body: 'hello' })).body).toBe('');
    expect((await echo('/api/echo/x', { method: 'DELETE', headers, body: 'hello' })).body).toBe('hello');
  });

  test('may have a body of 104857600 bytes and no more', async () => {
    const send = (size: number) =>
      ask('/api/length', {
        method: 'POST',
        body: Buffer.alloc(size, 'x'),
        headers: { 'Content-Length': String(size) },
      });
    expect(await send(104_857_600)).toMatchObject({ status: 200, body: '{"n":104857600}' });
    expect(await send(104_857_601)).toMatchObject({ status: 500, body: '' });
  });

  test.each([
    ['/api/echo/%zz', 'http://HOST/api/echo/%25zz', '%zz'],
    ['/api/./x/../echo/y', 'http://HOST/api/echo/y', 'y'],
  ])('for %s is read as the real web server reads it', async (path, url, a) => {
    const seen = await echo(path);
    expect(seen.url.replace(new URL(host.url).host, 'HOST')).toBe(url);
    expect(seen.params['a']).toBe(a);
  });

  test('with a NUL is refused with 400, one with a long line with 414', async () => {
    expect((await ask('/api/echo/%00')).status).toBe(400);
    expect((await ask(`/api/getonly?x=${'a'.repeat(9_000)}`)).status).toBe(414);
  });
});

describe('a route', () => {
  test.each([
    ['GET', '/api/echo', 200],
    ['GET', '/api/echo/', 200],
    ['GET', '/API/ECHO/One', 200],
    ['HEAD', '/api/echo/x', 200],
    ['POST', '/api/defaults', 200],
    ['PUT', '/api/defaults', 404],
    ['POST', '/api/getonly', 404],
    ['HEAD', '/api/getonly', 404],
    ['OPTIONS', '/api/getonly', 404],
    ['GET', '/api/nope', 404],
    ['GET', '/getonly', 404],
    ['GET', '/api', 404],
    ['GET', '/api//getonly', 404],
    ['GET', '/api%2Fgetonly', 404],
    ['GET', '//', 404],
    ['GET', '/api/int/42', 200],
    ['GET', '/api/int/-1', 200],
    ['GET', '/api/int/abc', 404],
    ['GET', '/api/int/99999999999', 404],
    ['GET', '/api/int', 404],
    ['GET', '/api/guid/6F9619FF-8B86-D011-B42D-00CF4FC964FF', 200],
    ['GET', '/api/guid/123', 404],
    ['GET', '/api/rx/ABC', 200],
    ['GET', '/api/rx/abcde', 404],
    ['GET', '/api/runtimex/x', 404],
    ['GET', '/api/off', 404],
    ['GET', '/api/pre/seg/x', 404],
    ['GET', '/api/pre/%25ROUTE_SEG%25/x', 200],
  ])('answers %s %s with %i', async (method, path, status) => {
    expect((await ask(path, { method })).status).toBe(status);
  });

  test('leaves absent parameters out, gives defaults, and a catch-all takes slashes', async () => {
    expect((await echo('/api/echo/one/')).params).toEqual({ a: 'one' });
    expect((await echo('/api/optdef')).params).toEqual({ n: '5' });
    expect((await echo('/api/rest')).params).toEqual({});
    expect((await echo('/api/rest/a/b/c%2Fd?z=1')).params).toEqual({ rest: 'a/b/c%2Fd' });
  });

  test('is tried in the order of function names, so a parameter may win over a literal', async () => {
    expect((await ask('/api/amb/literal')).body).toBe('amb/{x}');
    expect((await ask('/api/amb/literal', { method: 'POST' })).body).toBe('POST amb/literal');
    expect((await ask('/api/amb/other', { method: 'POST' })).status).toBe(404);
  });

  test('for nothing at all is the home page', async () => {
    expect(await ask('/')).toMatchObject({ status: 200, headers: { 'content-type': 'text/html' } });
  });
});

describe('a return value', () => {
  test.each([
    ['undef', 204],
    ['nullret', 204],
    ['emptyobj', 200],
    ['nulljson', 200],
    ['strret', 500],
    ['numret', 500],
    ['throws', 500],
    ['throwobj', 500],
    ['wronglength', 500],
    ['status/99', 500],
    ['status/100', 500],
    ['status/600', 500],
    ['status/abc', 500],
    ['status/204', 204],
    ['status/205', 205],
    ['status/304', 304],
    ['statusnobody/418', 418],
  ])('of %s becomes an empty %i', async (path, status) => {
    const answer = await ask(`/api/${path}`);
    expect(answer).toMatchObject({ status, body: '' });
    expect(answer.headers['content-type']).toBeUndefined();
    expect(answer.headers['content-length']).toBe(status === 204 || status === 304 ? undefined : '0');
  });

  test.each([201, 301, 404, 409, 503, 599])('with status %i keeps its body', async (status) => {
    const headers = { 'content-type': 'text/plain;charset=UTF-8', 'transfer-encoding': 'chunked' };
    expect(await ask(`/api/status/${status}`)).toMatchObject({ status, body: 'status body', headers });
  });

  test('of bytes has no content type', async () => {
    const answer = await ask('/api/bytes');
    expect(answer.body).toBe('\u0000\u0001\u0002\u00ff');
    expect(answer.headers['content-type']).toBeUndefined();
  });

  test('brings its headers; of two Set-Cookie lines only the last one', async () => {
    const { headers } = await ask('/api/headers');
    expect(headers).toMatchObject({ 'x-custom-case': 'Yes', etag: '"abc"', server: 'mine' });
    const cookies = await ask('/api/setcookie');
    expect(cookies.headers).toMatchObject({ 'set-cookie': ['y=2; Path=/'], 'x-multi': 'a, b' });
  });

  test('with cookies sets each of them, encoded, on a line of its own', async () => {
    expect((await ask('/api/cookies')).headers['set-cookie']).toEqual([
      'a=1; max-age=3600; path=/x; secure; samesite=lax; httponly',
      'b=v%20with%20space%3Bsemi; expires=Tue, 01 Jan 2030 00:00:00 GMT; domain=fabrikam.example; path=/; samesite=none',
      'c=%C3%BCni; path=/; samesite=strict',
    ]);
  });
});

describe('the management API', () => {
  test('answers pings and tells the process ids', async () => {
    expect(await ask('/admin/host/ping')).toMatchObject({ status: 200, body: '' });
    const status = JSON.parse((await ask('/admin/host/status')).body) as Record<string, unknown>;
    const { hostProcessId, workerProcessId } = host;
    expect(status).toMatchObject({ state: 'Running', hostProcessId, workerProcessId });
  });

  test('is closed to foreign host names', async () => {
    expect((await ask('/admin/host/status', { headers: { Host: 'evil.example' } })).status).toBe(403);
  });

  test('knows why a function is in error', async () => {
    const status = await ask('/admin/functions/reserved/status');
    expect(status.body).toBe(
      '{"errors":["The specified route conflicts with one or more built in routes."]}',
    );
    expect((await ask('/admin/functions/echo/status')).body).toBe('{}');
  });

  test('of an extension wants the system key', async () => {
    const none = await ask('/runtime/webhooks/EventGrid?functionName=eg');
    expect(none).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
    expect((await ask('/runtime/webhooks/EventGrid?functionName=eg&code=bad')).status).toBe(401);
    const headers = { 'x-functions-key': await host.systemKey() };
    expect((await ask('/runtime/webhooks/nope', { headers })).status).toBe(404);
  });
});
