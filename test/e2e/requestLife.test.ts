import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { virtualMachines } from '../../dev/sample/policies.ts';
import type { AccessRequest } from '../../src/core/accessRequest.ts';
import { createRequests } from '../../src/adapters/tables/requests.ts';
import { openTables } from '../../src/adapters/tables/tables.ts';
import { changeRequest } from '../../src/workflow/changeRequest.ts';
import {
  approvedByGroup,
  ask,
  commandLine,
  decide,
  office,
  putPolicy,
  recordsWith,
  statusOf,
} from './callers.ts';
import { patience, startCloud, type Cloud, type Shown } from './cloud.ts';

const { web, db1, db2 } = virtualMachines;

/** Each of these tests has a port, a machine or a person of its own, for they run at once. */
describe.concurrent('the life of a request, over real sockets', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud({
      hostOptions: {
        settings: {
          SALLYPORT_SWEEP_SCHEDULE: '*/3 * * * * *',
          SALLYPORT_TRUSTED_PROXY_HOPS: '1',
          SALLYPORT_WARN_MINUTES: '1',
          SALLYPORT_REQUESTS_PER_MINUTE: '12',
          SALLYPORT_LIVE_GRANTS_PER_PERSON: '5',
        },
      },
    });
    await putPolicy(cloud, 'web-console', { vm: web, number: 8443, ...approvedByGroup });
    await putPolicy(cloud, 'web-admin', { vm: web, number: 9443, ...approvedByGroup });
  });
  afterAll(() => cloud.close());

  /** Makes a stored request what it would be after a time that no test can wait for. */
  async function rewrite(id: string, change: (row: AccessRequest) => AccessRequest): Promise<void> {
    const { connectionString } = cloud.environment;
    await changeRequest(createRequests(openTables({ connectionString }).requests), id, change);
  }

  it('what nobody approves expires, and nobody can approve it then', async () => {
    const asked = await ask(cloud, 'alice', { vm: web, port: 8443 });
    const { id, state } = asked.body as unknown as Shown;
    expect([asked.status, state]).toEqual([202, 'pending']);

    // A day passes.
    const past = new Date(Date.now() - 1000).toISOString();
    await rewrite(id, ({ approval, ...row }) => {
      if (approval === undefined) throw new Error('It does not wait.');
      return { ...row, approval: { ...approval, expiresAt: past }, nextDue: past };
    });

    const { reason } = await cloud.until(id, 'expired');
    expect(reason?.code).toBe('approval-expired');
    expect(statusOf(await decide(cloud, 'carol', id, 'approve'))).toEqual([404, 'request-not-found']);
    const records = await recordsWith(cloud, web, id, 'request.expired');
    expect(records.map(({ event }) => event)).toEqual(['request.pending', 'request.expired']);
  });

  it('a grant that ends soon is said to, once, and may be ended', async () => {
    const asked = await ask(cloud, 'alice', { vm: web, port: 22, duration: 'PT50S' });
    const { id } = asked.body as unknown as Shown;
    await cloud.until(id, 'active');
    // It has been open for a while: what lasts hardly longer than the warning comes before is not warned of.
    await rewrite(id, (row) => ({
      ...row,
      start: new Date(Date.parse(row.start) - 600_000).toISOString(),
    }));

    const records = await recordsWith(cloud, web, id, 'request.ending-soon');
    expect(records.at(-1)).toMatchObject({ actor: 'sweep', reasons: [{ code: 'ending-soon' }] });
    await cloud.revoke(id);
    await cloud.until(id, 'closed');
    expect(await cloud.events(id)).toEqual(['opening', 'active', 'ending-soon', 'closing', 'closed']);
  });

  it('more time for what people approved waits for them too, and whoever gave it may end it', async () => {
    const alice = commandLine(cloud, 'alice');
    const carol = commandLine(cloud, 'carol');
    const asked = ['request', web, '--port', '9443', '--source', office, '--for', '10m', '--reason', 'x'];
    expect(await alice.jit(...asked, '--no-wait')).toBe(4);
    const { id } = alice.shown();
    expect(await carol.jit('approve', id.slice(0, 8), '--comment', 'Agreed')).toBe(0);
    const { end } = await cloud.until(id, 'active');

    expect(await alice.jit('extend', id, '--for', '20m', '--reason', 'It takes longer')).toBe(4);
    expect(alice.shown()).toMatchObject({ end, extension: { approval: { given: [] } } });
    expect(statusOf(await decide(cloud, 'alice', id, 'approve'))).toEqual([403, 'own-request']);
    expect(await carol.jit('list', '--to-decide')).toBe(0);
    expect(carol.shown().value.map((one) => one.id)).toContain(id);
    expect(await carol.jit('approve', id, '--comment', 'Agreed again')).toBe(0);

    const later = new Date(Date.parse(end) + 20 * 60_000).toISOString();
    expect(carol.shown()).toMatchObject({ state: 'active', end: later });
    const rules = await cloud.owned('nsg-web');
    const ofPort = rules.filter(({ properties }) => properties['destinationPortRange'] === '9443');
    expect(ofPort).toMatchObject([{ properties: { description: expect.stringContaining(later) as string } }]);
    expect(await carol.jit('end', id)).toBe(0);
    expect(carol.shown()).toMatchObject({ state: 'closed', reason: { code: 'revoked' } });
    expect(await cloud.events(id)).toEqual([
      ...[
        'pending',
        'approved',
        'opening',
        'active',
        'extension-requested',
        'extension-approved',
        'extended',
      ],
      ...['closing', 'closed'],
    ]);
    expect((await cloud.owned('nsg-web')).map(({ name }) => name)).not.toContain(ofPort[0]?.name);
  });

  it('a no ends what waits, and whoever waits at the command line is told so by the exit code', async () => {
    const alice = commandLine(cloud, 'alice');
    const asked = ['request', web, '--port', '9443', '--source', office, '--for', '10m', '--reason', 'y'];
    const waiting = alice.jit(...asked, '--timeout', '60');
    const carol = commandLine(cloud, 'carol');
    const id = await vi.waitFor(async () => {
      await carol.jit('list', '--to-decide');
      const found = carol.shown().value.find(({ justification }) => justification === 'y');
      if (found === undefined) throw new Error('It is not there yet.');
      return found.id;
    }, patience);
    expect(await carol.jit('deny', id, '--comment', 'Not in the maintenance window')).toBe(0);
    expect(await waiting).toBe(3);
    expect(alice.shown()).toMatchObject({ id, state: 'denied', reason: { code: 'denied-by-approver' } });
    expect(await alice.jit('extend', id, '--for', '10m', '--reason', 'y')).toBe(1);
    expect(await alice.jit('show', '0'.repeat(32))).toBe(1);
    expect(await alice.jit('end')).toBe(2);
  });

  it('several machines, ports and sources are one request, and each address gets its own ports alone', async () => {
    const other = '203.0.113.8';
    const from = (allowedSourceAddressPrefix: string, number: number) => ({
      ...{ number, allowedSourceAddressPrefix },
    });
    const asked = await cloud.call('alice', 'POST', '/api/access-requests', {
      virtualMachines: [
        { id: db1, ports: [from(office, 22), from(other, 22), from(office, 3389)] },
        { id: db2, ports: [from(office, 5432)] },
      ],
      ...{ duration: 'PT20M', justification: 'Ticket 4716' },
    });
    const { id } = asked.body as unknown as Shown;
    await cloud.until(id, 'active');

    const opened = async (nsg: string) =>
      (await cloud.owned(nsg))
        .filter(({ name }) => name.includes(id))
        .flatMap(({ properties }) =>
          valuesOf(properties, 'destinationAddressPrefix').flatMap((to) =>
            valuesOf(properties, 'sourceAddressPrefix').flatMap((from) =>
              valuesOf(properties, 'destinationPortRange').map((port) => `${from} ${to} ${port}`),
            ),
          ),
        )
        .sort();
    const toDb2 = [`${office}/32 10.20.2.5/32 5432`];
    expect(await opened('nsg-data')).toEqual(
      [
        `${office}/32 10.20.2.4/32 22`,
        `${other}/32 10.20.2.4/32 22`,
        `${office}/32 10.20.2.4/32 3389`,
        ...toDb2,
      ].sort(),
    );
    expect(await opened('nsg-db2')).toEqual(toDb2);
    await cloud.revoke(id);
    await cloud.until(id, 'closed');
    expect([await opened('nsg-data'), await opened('nsg-db2')]).toEqual([[], []]);
  });

  it('a dry run says what would come of a request, from the address that one calls from, and does nothing', async () => {
    const send = (query: string, number: number) =>
      cloud.call(
        'alice',
        'POST',
        `/api/access-requests${query}`,
        {
          virtualMachines: [{ id: db1, ports: [{ number }] }],
          ...{ duration: 'PT1H', justification: 'Ticket 4717' },
        },
        { 'x-forwarded-for': `198.51.100.9, ${office}:50123` },
      );
    const [granted, denied] = [await send('?dryRun=true', 22), await send('?dryRun=true', 23)];

    expect(granted).toMatchObject({
      status: 200,
      body: {
        decision: { outcome: 'granted' },
        callerAddress: { allowedSourceAddressPrefix: `${office}/32` },
        virtualMachines: [{ ports: [{ allowedSourceAddressPrefixes: [`${office}/32`] }] }],
        networkSecurityGroups: [
          { rules: [{ sourceAddressPrefixes: [`${office}/32`], destinationPorts: [22] }] },
        ],
      },
    });
    expect(denied).toMatchObject({
      status: 200,
      body: { decision: { outcome: 'denied', reasons: [{ code: 'port-not-in-policy' }] } },
    });
    const { body } = await cloud.call('dave', 'GET', `/api/audit?vm=${encodeURIComponent(db1)}`);
    expect(JSON.stringify(body['value'])).not.toContain('Ticket 4717');
    const listed = await cloud.call('alice', 'GET', '/api/access-requests');
    expect(JSON.stringify(listed.body['value'])).not.toContain('Ticket 4717');
  });

  it('nobody asks more often, or has more requests, than one person may', async () => {
    const asked: number[] = [];
    for (let call = 0; call < 12; call += 1) {
      asked.push((await ask(cloud, 'carol', { vm: web, port: 22 }, '?dryRun=true')).status);
    }
    expect(new Set(asked)).toEqual(new Set([200]));
    const tooOften = await ask(cloud, 'carol', { vm: web, port: 22 }, '?dryRun=true');
    expect(statusOf(tooOften)).toEqual([429, 'too-many-requests']);
    expect(Number(tooOften.headers.get('retry-after'))).toBeGreaterThan(0);

    const start = new Date(Date.now() + 3_600_000).toISOString();
    const later = () => ask(cloud, 'bob', { vm: web, port: 22, start });
    const first = await later();
    for (let request = 1; request < 5; request += 1) expect((await later()).status).toBe(202);
    expect(statusOf(await later())).toEqual([429, 'too-many-live-requests']);
    const end = await cloud.call('bob', 'POST', `/api/access-requests/${String(first.body['id'])}/revoke`);
    expect(end.status).toBe(200);
    await vi.waitFor(async () => expect((await later()).status).toBe(202), {
      ...{ ...patience, interval: 1000 },
    });
  });
});

/** What a rule has in its singular or plural member; the one that is not used is empty. */
function valuesOf(properties: Record<string, unknown>, name: string): string[] {
  const plural = name.endsWith('x') ? `${name}es` : `${name}s`;
  return [properties[name] ?? [], properties[plural] ?? []].flat().map(String);
}
