const { app } = require('@azure/functions');

const web = (name, options) => app.http(name, { methods: ['GET'], ...options });

/** Answers with what arrived. */
const echo = async (request, context) => ({
  jsonBody: {
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(request.headers),
    query: [...request.query],
    params: request.params,
    body: await request.text(),
    retryContext: context.retryContext ?? null,
  },
});

// Requests and routes
web('echo', {
  methods: ['GET', 'POST', 'DELETE', 'HEAD', 'OPTIONS'],
  route: 'echo/{a?}/{b?}',
  handler: echo,
});
app.http('defaults', { handler: echo });
web('getonly', { handler: echo });
web('introute', { route: 'int/{n:int}', handler: echo });
web('guidroute', { route: 'guid/{g:guid}', handler: echo });
web('regexroute', { route: 'rx/{r:regex(^[a-z]{{2,4}}$)}', handler: echo });
web('rest', { route: 'rest/{*rest}', handler: echo });
web('optdef', { route: 'optdef/{n=5}', handler: echo });
web('amb1', { route: 'amb/{x}', handler: () => ({ body: 'amb/{x}' }) });
web('amb2', { route: 'amb/literal', handler: () => ({ body: 'amb/literal' }) });
web('amb3', { methods: ['POST'], route: 'amb/literal', handler: () => ({ body: 'POST amb/literal' }) });
web('reserved', { route: 'runtimex/x', handler: echo });
web('seg', { route: 'pre/%ROUTE_SEG%/x', handler: () => ({ jsonBody: { seg: 1 } }) });
web('off', { handler: echo });

// Return values
web('undef', { methods: ['GET', 'POST'], handler: () => undefined });
web('nullret', { handler: () => null });
web('emptyobj', { handler: () => ({}) });
web('nulljson', { handler: () => ({ jsonBody: null }) });
web('strret', { handler: () => 'just a string' });
web('numret', { handler: () => 42 });
web('throws', {
  handler: () => {
    throw new Error('a detail that must not leave the host');
  },
});
web('throwobj', {
  handler: () => {
    throw { status: 418, body: 'teapot' };
  },
});
web('status', {
  route: 'status/{code}',
  handler: (request) => ({ status: Number(request.params.code), body: 'status body' }),
});
web('statusnobody', {
  route: 'statusnobody/{code}',
  handler: (request) => ({ status: Number(request.params.code) }),
});
web('bytes', { handler: () => ({ body: Buffer.from([0, 1, 2, 255]) }) });
web('headers', {
  handler: () => ({ headers: { 'X-Custom-Case': 'Yes', ETag: '"abc"', Server: 'mine' }, body: '<p>hi' }),
});
web('wronglength', { handler: () => ({ headers: { 'Content-Length': '3' }, body: 'longer' }) });
web('setcookie', {
  handler: () => {
    const headers = new Headers();
    headers.append('Set-Cookie', 'x=1; Path=/');
    headers.append('Set-Cookie', 'y=2; Path=/');
    headers.append('X-Multi', 'a');
    headers.append('X-Multi', 'b');
    return { headers, body: 'sc' };
  },
});
web('cookies', {
  handler: () => ({
    body: 'c',
    cookies: [
      { name: 'a', value: '1', httpOnly: true, secure: true, sameSite: 'Lax', path: '/x', maxAge: 3600 },
      {
        name: 'b',
        value: 'v with space;semi',
        sameSite: 'None',
        expires: new Date('2030-01-01T00:00:00Z'),
        domain: 'fabrikam.example',
      },
      { name: 'c', value: 'üni', sameSite: 'Strict' },
    ],
  }),
});
app.http('length', {
  methods: ['POST'],
  handler: async (request) => ({ jsonBody: { n: (await request.arrayBuffer()).byteLength } }),
});

// The worker process
web('pid', { handler: () => ({ jsonBody: { pid: process.pid } }) });
web('env', { route: 'env/{name}', handler: (request) => ({ body: process.env[request.params.name] ?? '' }) });
web('hang', { handler: () => new Promise(() => undefined) });
web('exit', { handler: () => process.exit(3) });
web('lateThrow', {
  handler: () => {
    setTimeout(() => {
      throw new Error('late');
    }, 10);
    return { body: 'ok' };
  },
});

/** Calls that wait until `release` is asked for, or the signal comes, or for ever. */
const held = [];
web('held', { handler: () => new Promise((resolve) => held.push(() => resolve({ body: 'released' }))) });
web('heldCount', { handler: () => ({ jsonBody: held.length }) });
const release = () => {
  for (const resolve of held.splice(0)) resolve();
};
web('release', { handler: release });
process.on('SIGUSR2', release);
