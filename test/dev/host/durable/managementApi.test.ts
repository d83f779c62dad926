import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startAzurite } from '../../../../dev/azurite.ts';
import type { Azurite } from '../../../../dev/azurite.ts';
import { baseUrl, startHub, until } from './hub.ts';
import type { Hub } from './hub.ts';
import { loadLocalWorker } from './localWorker.ts';
import type { LocalWorker } from './localWorker.ts';

let azurite: Azurite;
let worker: LocalWorker;
let hub: Hub;
let server: Server;

beforeAll(async () => {
  process.env['WEBSITE_HOSTNAME'] = 'localhost:7071';
  azurite = await startAzurite();
  worker = await loadLocalWorker();
  server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const url = new URL(request.url ?? '', 'http://127.0.0.1');
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      );
      const answer = await hub.extension.handle({
        ...{ method: request.method ?? '', path: url.pathname.replace('/durabletask/', '') },
        ...{ query: url.searchParams, headers, body: Buffer.concat(chunks), url: url.href },
      });
      response.writeHead(answer.status, answer.headers).end(answer.body);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const rpcBaseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/durabletask/`;
  hub = await startHub(azurite.connectionString, worker, { rpcBaseUrl, hubName: 'ApiHub' });
});

afterAll(async () => {
  await hub.extension.stop(false);
  server.close();
  await azurite.stop();
});

const start = (name: string, id: string, body = '{}', query = '') =>
  hub.call('POST', `orchestrators/${name}/${id}${query}`, body);
const json = (text: string) => JSON.parse(text) as Record<string, unknown>;

describe('The management API', () => {
  it('answers a start with the URLs that carry the system key, and without a rewind URL', async () => {
    const answer = await start('noInput', 'urls');
    const at = `${baseUrl}/instances/urls`;
    const query = 'taskHub=ApiHub&connection=Storage&code=SYSKEY';
    expect(answer.status).toBe(202);
    expect(answer.headers).toMatchObject({ Location: `${at}?${query}`, 'Retry-After': '10' });
    expect(json(answer.body)).toEqual({
      id: 'urls',
      statusQueryGetUri: `${at}?${query}`,
      sendEventPostUri: `${at}/raiseEvent/{eventName}?${query}`,
      terminatePostUri: `${at}/terminate?reason={text}&${query}`,
      purgeHistoryDeleteUri: `${at}?${query}`,
      restartPostUri: `${at}/restart?${query}`,
      suspendPostUri: `${at}/suspend?reason={text}&${query}`,
      resumePostUri: `${at}/resume?reason={text}&${query}`,
    });
  });

  it('makes up an id when none is given', async () => {
    expect(json((await hub.call('POST', 'orchestrators/noInput', '{}')).body)['id']).toMatch(
      /^[0-9a-f]{32}$/,
    );
  });

  it('waits for the output when asked to, and gives the raw output or the URLs', async () => {
    const done = await start('oneActivity', 'waited', '{}', '?timeout=10&pollingInterval=0.05');
    expect([done.status, done.body]).toEqual([200, '"Hello A"']);
    const not = await start('waitForever', 'waited-not', '{}', '?timeout=0.2&pollingInterval=0.1');
    expect([not.status, json(not.body)['id']]).toEqual([202, 'waited-not']);
  });

  it('answers the status of a running instance with the URL asked for as Location', async () => {
    await start('waitForever', 'located');
    const answer = await hub.call('GET', 'instances/located?showInput=false');
    expect(answer.status).toBe(202);
    expect(answer.headers).toMatchObject({
      Location: `${baseUrl}/instances/located?showInput=false`,
      'Retry-After': '5',
    });
    expect(json(answer.body)).toMatchObject({
      input: null,
      createdTime: expect.stringMatching(/T\d\d:\d\d:\d\dZ$/) as string,
    });
  });

  it('turns a failure into 500 only when asked to', async () => {
    await start('throwing', 'failed');
    await hub.ended('failed');
    expect((await hub.call('GET', 'instances/failed')).status).toBe(200);
    const asked = await hub.call('GET', 'instances/failed?returnInternalServerErrorOnFailure=true');
    expect(asked.status).toBe(500);
  });

  it('shows results of the history only when asked to', async () => {
    await start('oneActivity', 'shown');
    await hub.ended('shown');
    const history = async (query: string) =>
      json((await hub.call('GET', `instances/shown?showHistory=true${query}`)).body)['historyEvents'];
    expect(await history('')).toMatchObject([
      { EventType: 'ExecutionStarted', FunctionName: 'oneActivity' },
      {
        EventType: 'TaskCompleted',
        FunctionName: 'hello',
        ScheduledTime: expect.stringMatching(/\+00:00$/) as string,
      },
      { EventType: 'ExecutionCompleted', OrchestrationStatus: 'Completed' },
    ]);
    expect(JSON.stringify(await history(''))).not.toContain('Hello A');
    expect(JSON.stringify(await history('&showHistoryOutput=true'))).toContain('"Result":"Hello A"');
  });

  it('refuses another task hub with 404 and an unknown connection with 500', async () => {
    await start('waitForever', 'elsewhere');
    expect((await hub.call('GET', 'instances/elsewhere?taskHub=Other')).status).toBe(404);
    expect((await hub.call('GET', 'instances/elsewhere?taskHub=apihub')).status).toBe(202);
    expect((await hub.call('GET', 'instances/elsewhere?connection=Other')).status).toBe(500);
  });

  it('lists by pages, by status, by time and by prefix', async () => {
    const from = new Date().toISOString();
    for (const n of [1, 2, 3]) await start(n === 2 ? 'noInput' : 'waitForever', `list-${n}`, `"${n}"`);
    await hub.ended('list-2');
    const list = async (query: string, token = '') => {
      const answer = await hub.call('GET', `instances/?instanceIdPrefix=list-${query}`, '', undefined, token);
      const page = JSON.parse(answer.body) as { instanceId: string; input: unknown }[];
      return {
        ids: page.map(({ instanceId }) => instanceId),
        token: answer.headers['x-ms-continuation-token'],
        page,
      };
    };
    const first = await list('&top=2');
    expect(first.ids).toEqual(['list-1', 'list-2']);
    const second = await list('&top=2', first.token);
    expect([second.ids, second.token]).toEqual([['list-3'], '']);
    expect((await list('&runtimeStatus=Completed,NoSuchStatus')).ids).toEqual(['list-2']);
    expect((await list('&runtimeStatus=NoSuchStatus')).ids).toHaveLength(3);
    expect((await list(`&createdTimeFrom=${from}`)).ids).toHaveLength(3);
    expect((await list(`&createdTimeTo=${from}`)).ids).toEqual([]);
    expect((await list('')).page[0]?.input).toBe('1');
    expect((await list('&showInput=false')).page[0]?.input).toBeNull();
  });

  it('purges finished instances by filter, only with a beginning', async () => {
    const from = new Date().toISOString();
    await start('noInput', 'purged-1');
    await start('waitForever', 'purged-2');
    await hub.ended('purged-1');
    expect((await hub.call('DELETE', 'instances/?instanceIdPrefix=purged-')).status).toBe(400);
    const filter = `createdTimeFrom=${from}&instanceIdPrefix=purged-`;
    expect(json((await hub.call('DELETE', `instances/?${filter}`)).body)).toEqual({ instancesDeleted: 1 });
    expect((await hub.call('GET', 'instances/purged-1')).status).toBe(404);
    expect((await hub.call('GET', 'instances/purged-2')).status).toBe(202);
    expect((await hub.call('DELETE', `instances/?${filter}`)).status).toBe(404);
  });

  it('restarts an instance under a new id with its old input', async () => {
    await start('noInput', 'restarted', '"once"');
    await hub.ended('restarted');
    const { id } = json((await hub.call('POST', 'instances/restarted/restart')).body);
    expect(id).not.toBe('restarted');
    expect(await hub.ended(String(id))).toMatchObject({ input: 'once', output: { v: 'once' } });
  });
});

describe("The SDK's own client", () => {
  async function client(method: string, ...args: unknown[]): Promise<{ ok?: unknown; err?: string }> {
    const definition = worker.functions().find(({ name }) => name === 'useClient');
    const inputs = Object.fromEntries(
      Object.values(definition?.bindings ?? {}).map(({ name, type }) => [
        name,
        type === 'durableClient'
          ? { string: hub.extension.clientBinding() }
          : { json: JSON.stringify({ method, args }) },
      ]),
    );
    const outcome = await worker.invoke({ functionName: 'useClient', inputs });
    if (outcome.kind !== 'success') throw new Error(JSON.stringify(outcome));
    return JSON.parse(outcome.returnValue?.json ?? '{}') as { ok?: unknown; err?: string };
  }
  const done = { ok: '<undefined>' };

  it('understands the answers as it understands the real ones', async () => {
    const startOptions = { instanceId: 'sdk' };
    expect(await client('startNew', 'waitOne', startOptions)).toEqual({ ok: 'sdk' });
    await until(async () => (await hub.status('sdk'))['runtimeStatus'] === 'Running', 'it runs');
    expect((await client('startNew', 'waitOne', startOptions)).err).toMatch(
      /unexpected status code: 409.*status Running already exists/,
    );
    expect((await client('startNew', 'nosuch')).ok).toMatch(/^[0-9a-f]{32}$/);
    expect((await client('startNew', 'waitOne', { instanceId: 'a/b' })).err).toMatch(/404/);
    expect((await client('raiseEvent', 'sdk', 'x', '<undefined>')).err).toMatch(/400.*Invalid JSON content/);
    expect(await client('raiseEvent', 'sdk', 'x', null)).toEqual(done);
    expect((await client('raiseEvent', 'nope', 'x', 1)).err).toBe("No instance with ID 'nope' found.");
    expect((await client('getStatus', 'nope')).err).toMatch(/HTTP 404/);
    expect((await client('getStatus', 'sdk')).ok).toMatchObject({
      runtimeStatus: 'Running',
      input: '',
      output: null,
    });
    expect(await client('suspend', 'sdk', 'why')).toEqual(done);
    await until(async () => (await hub.status('sdk'))['runtimeStatus'] === 'Suspended', 'it is suspended');
    expect((await client('suspend', 'sdk', 'why')).err).toMatch(
      /500.*Cannot suspend the orchestration instance sdk because instance is in the Suspended state/,
    );
    expect(await client('resume', 'sdk', 'why')).toEqual(done);
    await until(async () => (await hub.status('sdk'))['runtimeStatus'] === 'Running', 'it is resumed');
    expect((await client('resume', 'sdk', 'why')).err).toMatch(/Cannot resume .* is in the Running state/);
    // The SDK does not encode the reason.
    expect(await client('terminate', 'sdk', 'a&b=c')).toEqual(done);
    await hub.ended('sdk');
    expect((await client('getStatus', 'sdk')).ok).toMatchObject({ runtimeStatus: 'Terminated', output: 'a' });
    expect(await client('terminate', 'sdk', 'x')).toEqual(done);
    expect((await client('terminate', 'nope', 'x')).err).toBe("No instance with ID 'nope' found.");
    expect(await client('raiseEvent', 'sdk', 'x', 1)).toEqual(done);
    expect((await client('rewind', 'nope', 'x')).err).toBe(
      'No orchestration with instance ID "$nope" found.',
    );
    expect((await client('rewind', 'sdk', 'x')).err).toMatch(
      /status Terminated, but only orchestrations in the "Failed" state/,
    );
    expect(await client('purgeInstanceHistory', 'sdk')).toEqual({ ok: { instancesDeleted: 1 } });
    expect(await client('purgeInstanceHistory', 'sdk')).toEqual({ ok: { instancesDeleted: 0 } });
    expect((await client('readEntityState', { name: 'Counter', key: 'k' })).err).toMatch(/501/);
  });

  it('reads every page of the list', async () => {
    for (let n = 0; n < 101; n += 25) {
      await Promise.all(
        Array.from({ length: 25 }, (_, m) => start('noInput', `page-${String(n + m).padStart(3, '0')}`)),
      );
    }
    const { ok } = await client('getStatusAll');
    const ids = (ok as { instanceId: string }[]).map(({ instanceId }) => instanceId);
    expect(ids.filter((id) => id.startsWith('page-'))).toHaveLength(125);
  });

  it('gets the members that the real binding has', () => {
    expect(Object.keys(json(hub.extension.clientBinding()))).toEqual([
      ...['taskHubName', 'connectionName', 'creationUrls', 'managementUrls', 'baseUrl'],
      ...['requiredQueryStringParameters', 'rpcBaseUrl', 'httpBaseUrl', 'maxGrpcMessageSizeInBytes'],
      'grpcHttpClientTimeout',
    ]);
  });
});
