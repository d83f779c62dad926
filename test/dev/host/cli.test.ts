import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { describe, expect, onTestFinished, test } from 'vitest';

import { raw, runCli, spawnHost } from './spawnHost.ts';
import { temporaryApp } from './temporaryApp.ts';

const orchestration = `require('durable-functions').app.orchestration('o', function* () {});`;
const counter = `require('durable-functions').app.entity('counter', () => undefined);`;
const queue = `require('@azure/functions').app.storageQueue('q', { queueName: 'q', connection: 'c', handler() {} });`;
const stream = `const { app } = require('@azure/functions');
  app.setup({ enableHttpStream: true });
  app.http('hello', { handler: () => ({}) });`;
const durableTask = (settings: object) => ({ version: '2.0', extensions: { durableTask: settings } });
const nowhere =
  'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:9/a;BlobEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a';

describe('The CLI ends with one clear line for', () => {
  test.each<[string, Record<string, string | object>, string[], RegExp]>([
    ['an unknown flag', {}, ['--nonsense'], /Unknown option '--nonsense'.* \(see --help\)/],
    ['a port that is no number', {}, ['--port', 'x'], /--port is a whole number/],
    ['a missing build', { 'package.json': { main: 'dist/main.cjs' } }, [], /dist\/main\.cjs.*npm run build/],
    ['no main', { 'package.json': {} }, [], /has no "main"/],
    [
      'a pattern it does not know',
      { 'package.json': { main: 'a/{b,c}.js' } },
      [],
      /understands a path or dir\/\*\.js/,
    ],
    ['a host.json that is no JSON', { 'host.json': '{' }, [], /host\.json is not valid JSON/],
    ['another version', { 'host.json': { version: '1.0' } }, [], /host\.json: version: must be "2\.0"/],
    [
      'a short visibility timeout',
      { 'host.json': durableTask({ storageProvider: { workItemQueueVisibilityTimeout: '00:00:30' } }) },
      [],
      /workItemQueueVisibilityTimeout: less than one minute/,
    ],
    [
      'another storage provider',
      { 'host.json': durableTask({ storageProvider: { type: 'mssql' } }) },
      [],
      /only AzureStorage is supported/,
    ],
    [
      'a custom handler',
      { 'host.json': { version: '2.0', customHandler: {} } },
      [],
      /customHandler: not supported/,
    ],
    [
      'encrypted settings',
      { 'local.settings.json': { IsEncrypted: true, Values: {} } },
      [],
      /encrypted settings/,
    ],
    [
      'dead storage',
      { 'functions.js': orchestration },
      ['--storage', nowhere],
      /does not answer \(ECONNREFUSED\)/,
    ],
    [
      'an entity',
      { 'functions.js': counter },
      [],
      /Function counter: the binding entityTrigger is not supported/,
    ],
    [
      'a queue trigger',
      { 'functions.js': queue },
      [],
      /Function q: the binding queueTrigger is not supported/,
    ],
    ['HTTP streams', { 'functions.js': stream }, [], /enableHttpStream.* not supported/],
    ['an app that throws', { 'functions.js': `throw new Error('no way');` }, [], /does not load: .*no way/],
  ])('%s', async (_, files, args, message) => {
    const { code, stdout, stderr } = await runCli('--app', temporaryApp(files), '--port', '0', ...args);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr.split('\n').find((line) => message.test(line))).toMatch(/^error: /);
  });

  test('a folder that is no app', async () => {
    expect((await runCli('--app', '/nonexistent')).stderr).toBe(
      'error: /nonexistent is no Functions app: it has no host.json.\n',
    );
  });

  test('a port that is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await runCli('--app', temporaryApp({}), '--port', String(port));
    expect({ code, stderr }).toEqual({ code: 1, stderr: `error: Port ${port} is in use.\n` });
  });
});

test('An app that names no storage gets the development storage, started for it where none runs', async () => {
  const host = await spawnHost(temporaryApp({ 'functions.js': orchestration }), [], {
    AzureWebJobsStorage: '',
  });
  onTestFinished(() => host.stop());

  const started = await fetch(
    `${host.url}/runtime/webhooks/durabletask/orchestrators/o?code=${await host.systemKey()}`,
    { method: 'POST' },
  );

  expect(started.status).toBe(202);
});

test('--help says what is not enforced', async () => {
  const { code, stdout } = await runCli('--help');
  expect(code).toBe(0);
  expect(stdout).toContain(
    'Function keys (authLevel function and admin) and keys for /admin are not enforced',
  );
});

test.each(['/items/{id}', 'items/{id', 'items/{id:nosuch}', 'a//b', '{*rest}/x'])(
  'The malformed route %s stops the whole app with 503',
  async (route) => {
    const app = temporaryApp({
      'functions.js': `const { app } = require('@azure/functions');
        app.http('bad', { route: ${JSON.stringify(route)}, handler: () => ({}) });
        app.http('good', { handler: () => ({}) });`,
    });
    const host = await spawnHost(app);
    onTestFinished(() => host.stop());
    const body = 'Function host is not running.';
    expect(await raw(host.url, '/api/good')).toMatchObject({ status: 503, body });
    expect((await raw(host.url, '/admin/host/status')).body).toContain('"state":"Error"');
    expect(host.log()).toContain(`Function bad: the route "${route}" is malformed`);
  },
);

test('An ES module app gets its local settings, and what is set already goes before them', async () => {
  const app = temporaryApp({
    'package.json': { main: '*.js', type: 'module' },
    'local.settings.json': { Values: { FROM_FILE: 'file', FROM_BOTH: 'file' } },
    'functions.js': `import { app } from '@azure/functions';
      app.http('env', { handler: () => ({ jsonBody: [process.env.FROM_FILE, process.env.FROM_BOTH] }) });
      app.http('root', { route: '{x:regex(^$)?}', handler: () => ({ body: 'root' }) });`,
    'host.json': { version: '2.0', extensions: { http: { routePrefix: '' } } },
  });
  const host = await spawnHost(app, [], { FROM_BOTH: 'environment' });
  onTestFinished(() => host.stop());
  expect((await raw(host.url, '/env')).body).toBe('["file","environment"]');
  expect((await raw(host.url, '/')).body).toBe('root');
});
