import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Azurite } from '../../../dev/azurite.ts';
import { startAzurite } from '../../../dev/azurite.ts';
import type { RawRequest, SpawnedHost } from './spawnHost.ts';
import { eventually, raw, spawnHost } from './spawnHost.ts';

interface TimerInfo {
  isPastDue: boolean;
  schedule: { adjustForDST: boolean };
  scheduleStatus: { last: string; next: string; lastUpdated: string } | null;
}
interface Note {
  name: string;
  at: string;
  phase?: string;
  timer: TimerInfo;
  event: { id: string; data?: Record<string, unknown> };
  triggerMetadata: unknown;
  retryContext: { retryCount: number; maxRetryCount: number; exception?: { message: string } };
}

const folder = mkdtempSync(join(tmpdir(), 'local-host-notes-'));
const file = join(folder, 'notes');
let azurite: Azurite;
let host: SpawnedHost;

const startHost = () =>
  spawnHost('background', ['--storage', azurite.connectionString], {
    ...{ NOTES: file, TICK: '* * * * * *', 'AzureWebJobs.off.Disabled': 'true' },
    AzureFunctionsWebHost__hostid: 'background-test',
  });

beforeAll(async () => {
  azurite = await startAzurite();
  host = await startHost();
});
afterAll(async () => {
  await host.stop();
  await azurite.stop();
  rmSync(folder, { recursive: true });
});

function notes(name: string): Note[] {
  try {
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line) as Note).filter((note) => note.name === name);
  } catch {
    return [];
  }
}
const noted = (name: string, count: number) =>
  eventually(() => (notes(name).length >= count ? notes(name) : undefined));

describe('a timer', () => {
  test('with runOnStartup runs at once, with the status of a first run', async () => {
    const [note] = await noted('atStart', 1);
    expect(note?.timer).toMatchObject({ isPastDue: false, schedule: { adjustForDST: true } });
    const never = '0001-01-01T00:00:00+00:00';
    expect(note?.timer.scheduleStatus).toMatchObject({ last: never, lastUpdated: never });
    expect(note?.timer.scheduleStatus?.next).toMatch(/^\d{4}-01-01T03:00:00\+00:00$/);
  });

  test('whose runs take longer than its period never overlaps, and has no status under a minute', async () => {
    const runs = await noted('everySecond', 4);
    expect(runs.slice(0, 4).map(({ phase }) => phase)).toEqual(['start', 'end', 'start', 'end']);
    expect(runs[0]?.timer.scheduleStatus).toBeNull();
  });

  test('that fails is tried again as its retry policy says', async () => {
    const attempts = await noted('failing', 3);
    expect(attempts.map(({ retryContext }) => retryContext)).toMatchObject([
      { retryCount: 0, maxRetryCount: 2 },
      { retryCount: 1, maxRetryCount: 2, exception: { message: 'as always' } },
      { retryCount: 2, maxRetryCount: 2, exception: { message: 'as always' } },
    ]);
  });

  test('with a schedule that is not valid is off, alone', async () => {
    const errors = async (name: string) => (await raw(host.url, `/admin/functions/${name}/status`)).body;
    expect(await errors('sundayIsSeven')).toContain(
      "'0 0 0 * * 7' was not recognized as a valid cron expression",
    );
    expect(await errors('unresolved')).toContain("'%NOT_SET%' does not resolve to a value");
    expect(await errors('yearly')).toBe('{}');
  });

  test('is run by the management API, a disabled one too', async () => {
    const run = (name: string, headers: Record<string, string>) =>
      raw(host.url, `/admin/functions/${name}`, { method: 'POST', headers, body: '{}' });
    const json = { 'Content-Type': 'application/json' };
    expect((await run('off', {})).status).toBe(415);
    expect((await run('nosuch', json)).status).toBe(404);
    expect((await run('unresolved', json)).status).toBe(202);
    expect(notes('off')).toHaveLength(0);
    expect(await run('off', json)).toMatchObject({ status: 202, body: '' });
    expect((await noted('off', 1))[0]?.timer).toMatchObject({ isPastDue: false, scheduleStatus: null });
  });

  test('that was due while the host was down runs once at the start, past due', async () => {
    await noted('atStart', 1);
    await host.stop();
    const options = { allowInsecureConnection: true };
    const statuses = TableClient.fromConnectionString(azurite.connectionString, 'LocalHostTimers', options);
    const missed = { Last: '2026-01-01T03:00:00+00:00', Next: '2026-01-02T03:00:00+00:00' };
    const key = { partitionKey: 'background-test', rowKey: 'yearly' };
    await statuses.updateEntity({ ...key, ...missed, LastUpdated: missed.Last }, 'Replace');
    host = await startHost();
    const [note] = await noted('yearly', 1);
    expect(note?.timer).toMatchObject({ isPastDue: true, scheduleStatus: { next: missed.Next } });
    await eventually(async () => {
      const stored = await statuses.getEntity<{ Last: string; Next: string }>(key.partitionKey, key.rowKey);
      return stored.Last > missed.Next ? stored : undefined;
    });
    await host.stop();
    host = await startHost();
    await noted('atStart', 3);
    expect(notes('yearly')).toHaveLength(1);
  });
});

describe('the Event Grid webhook', () => {
  const event = (id: string, data: Record<string, unknown>) => ({ id, eventType: 'Contoso.Made', data });
  async function deliver(body: unknown, { headers = {}, ...rest }: RawRequest = {}, name = 'eg') {
    const path = `/runtime/webhooks/EventGrid?functionName=${name}&code=${await host.systemKey()}`;
    const kind = { 'aeg-event-type': 'Notification' };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return raw(host.url, path, { method: 'POST', body: text, headers: { ...kind, ...headers }, ...rest });
  }
  test('runs the function once per event, and answers 202', async () => {
    expect(await deliver([event('a1', {}), event('a2', {})])).toMatchObject({ status: 202, body: '' });
    expect(await deliver(event('a3', {}))).toMatchObject({ status: 202 });
    expect(await deliver([])).toMatchObject({ status: 202 });
    const ids = (await noted('eg', 3)).map((note) => note.event.id);
    expect(ids.sort()).toEqual(['a1', 'a2', 'a3']);
  });

  test('fails the whole batch for one failure', async () => {
    expect(await deliver([event('b1', {}), event('b2', { fail: true })])).toMatchObject({
      status: 500,
      body: 'Exception while executing function: Functions.eg',
    });
    expect(notes('eg').filter((note) => note.event.id === 'b1')).toHaveLength(1);
  });

  test('rewrites dates with an offset to UTC and passes the data alone as metadata', async () => {
    const data = { local: '2026-11-23T03:00:00+05:30', utc: '2026-11-23T03:00:00Z', deep: [{ n: 1 }] };
    await deliver([event('c1', data)]);
    const note = notes('eg').find((candidate) => candidate.event.id === 'c1');
    const seen = { ...data, local: '2026-11-22T21:30:00+00:00' };
    expect(note?.event.data).toEqual(seen);
    expect(note?.triggerMetadata).toEqual({ data: seen });
  });

  test('answers the validation handshake as plain text', async () => {
    const headers = { 'aeg-event-type': 'SubscriptionValidation' };
    const answer = await deliver([{ data: { validationCode: 'abc' } }], { headers });
    expect(answer).toMatchObject({ status: 200, body: '{"validationResponse":"abc"}' });
    expect(answer.headers['content-type']).toBe('text/plain');
    const options = { method: 'OPTIONS', headers: { 'WebHook-Request-Origin': 'eventgrid.example' } };
    expect((await deliver('', options)).headers['webhook-allowed-origin']).toBe('eventgrid.example');
  });

  test.each([
    ['bad JSON', '{"a":', 500],
    ['no body', '', 500],
    ['strings', '["a"]', 500],
  ])('answers %s with %i', async (_, body, status) => {
    expect((await deliver(body)).status).toBe(status);
  });

  test('minds the case of function names and wants to know the kind of event', async () => {
    expect(await deliver([], {}, 'EG')).toMatchObject({ status: 404, body: "cannot find function: 'EG'" });
    expect((await deliver([], { headers: { 'aeg-event-type': 'Other' } })).status).toBe(400);
    expect((await deliver('{}', { headers: { 'aeg-event-type': 'Unsubscribe' } })).status).toBe(202);
  });
});
