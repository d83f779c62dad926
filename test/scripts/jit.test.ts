import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runJit } from '../../scripts/jit/runJit.ts';
import { exampleVirtualMachineId as vm } from '../../src/http/exampleIds.ts';

const id = '5feceb66ffc86f38d952786c6d696c79';
const secret = 'a-token-that-nobody-may-see';

interface Seen {
  line: string;
  headers: IncomingMessage['headers'];
  body: string;
}

let server: Server;
let seen: Seen[];
/** What the app answers, in order; the last one again and again. */
let answers: { status: number; headers?: Record<string, string>; body: unknown }[];
let printed: string[];
let progress: string[];

beforeEach(async () => {
  [seen, answers, printed, progress] = [[], [], [], []];
  server = createServer((request, response) => {
    void text(request).then((body) => {
      seen.push({ line: `${request.method ?? ''} ${request.url ?? ''}`, headers: request.headers, body });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      response.writeHead(answer?.status ?? 500, answer?.headers);
      response.end(typeof answer?.body === 'string' ? answer.body : JSON.stringify(answer?.body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => server.close());

function jit(
  words: string[],
  more: { columns?: number; env?: Record<string, string> } = {},
): Promise<number> {
  return runJit(words, {
    env: {
      SALLYPORT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      SALLYPORT_TOKEN: secret,
      ...more.env,
    },
    print: (line) => printed.push(line),
    progress: (line) => progress.push(line),
    timeZone: 'Europe/Berlin',
    ...(more.columns !== undefined && { columns: more.columns }),
  });
}

function aRequest(state: string, changes: Record<string, unknown> = {}) {
  return {
    id,
    state,
    requester: { objectId: '00000000-0000-4000-8000-0000000a11ce', displayName: 'Alice Example' },
    virtualMachines: [
      { id: vm, ports: [{ number: 22, protocol: 'Tcp', allowedSourceAddressPrefixes: ['203.0.113.7/32'] }] },
    ],
    duration: 'PT1H',
    start: '2026-11-23T08:00:00.000Z',
    end: '2026-11-23T09:00:00.000Z',
    justification: 'Ticket 4711',
    requestedAt: '2026-11-23T08:00:00.000Z',
    correlationId: 'c0ffee00-0000-4000-8000-000000000001',
    ...changes,
  };
}

const problem = (status: number, code: string, more: Record<string, unknown> = {}) => ({
  status,
  body: { status, code, title: 'The request was denied', detail: 'It was denied.', errors: [], ...more },
});
const asking = ['request', vm, '--port', '22', '--source', '203.0.113.7', '--reason', 'Ticket 4711'];

describe('request', () => {
  it('asks, waits until it is open, and shows it on standard output with the zone of its times', async () => {
    answers = [
      { status: 202, body: aRequest('opening') },
      { status: 200, body: aRequest('opening') },
      { status: 200, body: aRequest('active') },
    ];

    expect(await jit([...asking, '--for', '1h30m'])).toBe(0);
    expect(seen.map(({ line }) => line)).toEqual([
      'POST /api/access-requests',
      `GET /api/access-requests/${id}`,
      `GET /api/access-requests/${id}`,
    ]);
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
      virtualMachines: [{ id: vm, ports: [{ number: 22, allowedSourceAddressPrefix: '203.0.113.7' }] }],
      duration: 'PT1H30M',
      justification: 'Ticket 4711',
    });
    expect(seen[0]?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/);
    expect(progress[0]).toBe('Opening …');
    expect(printed.join('\n')).toContain('2026-11-23 10:00:00 CET');
  });

  it('asks for every port from every source', async () => {
    answers = [{ status: 202, body: aRequest('active') }];

    await jit([
      'request',
      vm,
      '--port',
      '22',
      '--port',
      '53/udp',
      '--source',
      '::1',
      '--source',
      '203.0.113.7',
      '--reason',
      'x',
    ]);

    expect(
      (JSON.parse(seen[0]?.body ?? '') as { virtualMachines: { ports: unknown }[] }).virtualMachines[0]
        ?.ports,
    ).toEqual([
      { number: 22, allowedSourceAddressPrefix: '::1' },
      { number: 22, allowedSourceAddressPrefix: '203.0.113.7' },
      { number: 53, protocol: 'udp', allowedSourceAddressPrefix: '::1' },
      { number: 53, protocol: 'udp', allowedSourceAddressPrefix: '203.0.113.7' },
    ]);
  });

  it.each([
    ['opening', 4],
    ['pending', 4],
    ['active', 0],
  ])('with --no-wait comes back at once; %s is exit code %i', async (state, code) => {
    answers = [{ status: 202, body: aRequest(state) }];

    expect(await jit([...asking, '--no-wait'])).toBe(code);
    expect(seen.length).toBe(1);
  });

  it('gives up waiting after --timeout, and says that it is not there yet', async () => {
    answers = [{ status: 202, body: aRequest('pending') }];

    expect(await jit([...asking, '--timeout', '0'])).toBe(4);
  });

  it.each([
    ['failed', 5],
    ['expired', 5],
    ['denied', 3],
  ])('that ends as %s is exit code %i', async (state, code) => {
    answers = [
      { status: 202, body: aRequest('opening') },
      {
        status: 200,
        body: aRequest(state, { reason: { code: 'throttled', message: 'Azure limits our calls.' } }),
      },
    ];

    expect(await jit(asking)).toBe(code);
    expect(progress.at(-1)).toContain('Azure limits our calls.');
  });

  it('that is denied shows each field and what would be allowed there, and is exit code 3', async () => {
    const errors = [
      {
        field: 'virtualMachines[0].ports[0].number',
        code: 'port-not-in-policy',
        detail: 'Port 23 is not.',
        allowed: [22, 3389],
      },
      { field: 'duration', code: 'duration-exceeds-policy', detail: 'It is too long.', allowed: 'PT3H' },
      { code: 'vm-not-found', detail: 'Name another machine.' },
    ];
    answers = [problem(403, 'port-not-in-policy', { errors })];

    expect(await jit(asking)).toBe(3);
    expect(progress.join('\n')).toContain(
      'virtualMachines[0].ports[0].number  Port 23 is not. Allowed: 22, 3389.',
    );
    expect(progress.join('\n')).toMatch(/duration +It is too long\. Allowed: PT3H\./);
    expect(progress.join('\n')).toContain('Name another machine.');
    expect(printed).toEqual([]);
  });

  it('says once what a problem says of its only field', async () => {
    const detail = 'Name the source.';
    const errors = [{ field: 'duration', code: 'malformed', detail }];
    answers = [problem(400, 'body-invalid', { detail: `duration: ${detail}`, errors })];

    expect(await jit(asking)).toBe(1);
    expect(progress.join('\n').split(detail).length).toBe(2);
  });

  it('sends the same again, under the same key, where the app says after how long', async () => {
    answers = [
      { ...problem(503, 'unavailable'), headers: { 'retry-after': '0' } },
      { status: 202, body: aRequest('active') },
    ];

    expect(await jit(asking)).toBe(0);
    expect(new Set(seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(seen.length).toBe(2);
  });
});

describe('list, show, end and audit', () => {
  it('list fits the terminal', async () => {
    answers = [
      {
        status: 200,
        body: { value: [aRequest('active', { requester: { objectId: 'x', displayName: 'A'.repeat(90) } })] },
      },
    ];

    expect(await jit(['list'], { columns: 80 })).toBe(0);
    const lines = printed[0]?.split('\n') ?? [];
    expect(lines[0]).toMatch(/^ID +STATE +WHO +VIRTUAL MACHINE +PORTS +ENDS$/);
    expect(lines[1]).toContain('5feceb66');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('--json prints the answer and nothing else', async () => {
    const body = { value: [aRequest('active')] };
    answers = [{ status: 200, body }];

    await jit(['list', '--state', 'active', '--json']);

    expect(seen[0]?.line).toBe('GET /api/access-requests?state=active');
    expect(JSON.parse(printed.join('\n'))).toEqual(body);
  });

  it('what others wrote does not speak to the terminal', async () => {
    answers = [
      {
        status: 200,
        body: {
          value: [aRequest('active', { requester: { objectId: 'x', displayName: '\u001b[2JEve\u202e' } })],
        },
      },
    ];

    await jit(['list']);

    expect(printed[0]).not.toMatch(/[\u001b\u202e]/);
    expect(printed[0]).toContain('Eve');
  });

  it('show finds a request that has not ended by the beginning of its id', async () => {
    answers = [{ status: 200, body: { value: [aRequest('active')] } }];

    expect(await jit(['show', '5fece'])).toBe(0);
    expect(await jit(['show', '0000'])).toBe(2);
    expect(progress[0]).toContain('No request that has not ended begins with 0000');
  });

  it('end waits until the ports are shut', async () => {
    answers = [
      { status: 200, body: aRequest('active') },
      { status: 200, body: aRequest('closing') },
      { status: 200, body: aRequest('closed', { reason: { code: 'revoked', message: 'Alice ended it.' } }) },
    ];

    expect(await jit(['end', id])).toBe(0);
    expect(seen[1]?.line).toBe(`POST /api/access-requests/${id}/revoke`);
    expect(progress).toEqual(['Closing …', 'Closed. Alice ended it.']);
  });

  it('audit follows next pages of the app, and nobody else’s', async () => {
    answers = [
      { status: 200, body: { value: [], nextLink: '/api/audit?continuation=abc' } },
      { status: 200, body: { value: [], nextLink: 'https://evil.example/api/audit?' } },
    ];

    expect(await jit(['audit', '--vm', vm])).toBe(1);
    expect(seen.map(({ line }) => line)).toEqual([
      `GET /api/audit?vm=${encodeURIComponent(vm)}`,
      'GET /api/audit?continuation=abc',
    ]);
  });
});

const aPolicy = (id: string, selector: object, conditions: object = {}) => ({
  id,
  entries: [
    {
      selector,
      ports: [
        {
          number: 22,
          protocol: 'Tcp',
          allowedSourceAddressPrefixes: ['203.0.113.0/24'],
          maxRequestAccessDuration: 'PT3H',
        },
      ],
    },
  ],
  conditions,
});

describe('virtual machines', () => {
  it('vms shows what may be asked for where, from where, for how long and with whose approval', async () => {
    const value = [
      aPolicy('web-ssh', { virtualMachineIds: [vm] }, { approval: { approvers: 2, groups: [] } }),
      aPolicy('tagged', { scopes: ['/subscriptions/1'], tags: { jit: 'yes' } }),
    ];
    answers = [{ status: 200, body: { value } }];

    expect(await jit(['vms'])).toBe(0);
    expect(seen[0]?.line).toBe('GET /api/policies');
    expect(printed[0]).toMatch(/vm-web +22\/tcp +203\.0\.113\.0\/24 +PT3H +by 2 +web-ssh/);
    expect(printed[0]).toMatch(/all in \/subscriptions\/1, jit=yes +22\/tcp/);
  });

  it('may be named as a policy names them, if that is one machine', async () => {
    const other = vm.replace('Contoso-Web-RG', 'Other-RG');
    const policies = (...ids: string[]) => ({
      status: 200,
      body: { value: [aPolicy('web-ssh', { virtualMachineIds: ids })] },
    });
    const accepted = { status: 202, body: aRequest('active') };
    answers = [policies(vm, vm.toUpperCase()), accepted, policies(vm, other), policies(vm)];

    expect(await jit(['request', 'VM-Web', '--source', '::1', '--reason', 'x'])).toBe(0);
    expect(seen[1]?.body.toLowerCase()).toContain(`"id":"${vm.toLowerCase()}"`);
    expect(await jit(['request', 'vm-web', '--source', '::1', '--reason', 'x'])).toBe(2);
    expect(await jit(['request', 'vm-none', '--source', '::1', '--reason', 'x'])).toBe(2);
    expect(seen.filter(({ line }) => line.startsWith('POST')).length).toBe(1);
  });
});

describe('approve, deny and extend', () => {
  it.each(['approve', 'deny'])(
    '%s sends the decision with its comment, found among what one may decide',
    async (decision) => {
      answers = [
        { status: 200, body: { value: [aRequest('pending', { start: undefined, end: undefined })] } },
        { status: 200, body: aRequest('opening') },
      ];

      expect(await jit([decision, '5feceb66', '--comment', 'Agreed'])).toBe(0);
      expect(seen.map(({ line }) => line)).toEqual([
        'GET /api/access-requests?decidable=true',
        `POST /api/access-requests/${id}/decision`,
      ]);
      expect(JSON.parse(seen[1]?.body ?? '')).toEqual({ decision, comment: 'Agreed' });
    },
  );

  it.each([
    ['is there', '2026-11-23T09:30:00.000Z', 0],
    ['waits for approval', '2026-11-23T09:00:00.000Z', 4],
  ])('extend says whether the new end %s', async (_case, end, code) => {
    answers = [
      { status: 200, body: aRequest('active') },
      { status: 200, body: aRequest('active', { end }) },
    ];

    expect(await jit(['extend', id, '--for', '30m', '--reason', 'More'])).toBe(code);
    expect(seen[1]?.line).toBe(`POST /api/access-requests/${id}/extend`);
    expect(seen[1]?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(seen[1]?.body ?? '')).toEqual({ duration: 'PT30M', justification: 'More' });
  });

  it('review sends what was found, of one among the open reviews', async () => {
    answers = [
      { status: 200, body: { value: [aRequest('closed')] } },
      { status: 200, body: aRequest('closed') },
    ];

    expect(await jit(['review', '5feceb66', '--comment', 'It had stopped'])).toBe(0);
    expect(seen.map(({ line }) => line)).toEqual([
      'GET /api/access-requests?review=open',
      `POST /api/access-requests/${id}/review`,
    ]);
    expect(JSON.parse(seen[1]?.body ?? '')).toEqual({ comment: 'It had stopped' });
    expect(await jit(['review', '5feceb66'])).toBe(2);
  });

  it('show tells what waits for more time, and who ended it', async () => {
    const by = { objectId: 'b', displayName: 'Bob Example' };
    const approval = {
      needed: [{ approvers: 2, given: 1 }],
      given: [{ by, at: '2026-11-23T08:40:00.000Z', comment: 'Agreed' }],
      expiresAt: '2026-11-23T09:00:00.000Z',
    };
    const requestedAt = '2026-11-23T08:30:00.000Z';
    const extension = {
      end: '2026-11-23T09:30:00.000Z',
      justification: 'It takes longer',
      requestedAt,
      approval,
    };
    const revoked = { by, at: '2026-11-23T08:50:00.000Z', comment: 'The restart is done' };
    answers = [{ status: 200, body: aRequest('closing', { extension, revoked }) }];

    expect(await jit(['show', id])).toBe(0);
    expect(printed[0]).toMatch(/more time +until 2026-11-23 10:30:00 CET .* waits for approval/);
    expect(printed[0]).toMatch(/why +It takes longer/);
    expect(printed[0]).toMatch(/approved +Bob Example, .*: Agreed/);
    expect(printed[0]).toMatch(/ended by +Bob Example, .*: The restart is done/);
  });

  it.each([
    ['granted', 0, 'It would be granted'],
    ['needs-approval', 4, 'It would wait for approval'],
    ['denied', 3, 'It would be denied'],
  ])('request --dry-run says what would come of it: %s', async (outcome, code, sentence) => {
    const { virtualMachines } = aRequest('active');
    const reasons = [{ code: 'some-reason', message: 'Because.' }];
    const changes = ['203.0.113.7 can now reach 10.1.0.4 on Tcp 22 (new rule 1).'];
    const networkSecurityGroups = [{ id: '/x/networkSecurityGroups/nsg-web', rules: [], changes }];
    const approval = outcome === 'needs-approval' ? [{ approvers: 2, groups: [] }] : [];
    const decision = { outcome, reasons, policies: [] };
    answers = [{ status: 200, body: { decision, approval, virtualMachines, networkSecurityGroups } }];

    expect(await jit([...asking, '--dry-run'])).toBe(code);
    expect(seen.map(({ line }) => line)).toEqual(['POST /api/access-requests?dryRun=true']);
    expect(printed[0]).toContain(`${sentence}. Nothing was done.`);
    expect(printed[0]).toContain('nsg-web: 203.0.113.7 can now reach 10.1.0.4');
    expect(printed[0]?.includes('Because. (some-reason)')).toBe(outcome === 'denied');
    expect(printed[0]?.includes('by 2')).toBe(outcome === 'needs-approval');
  });

  describe('health', () => {
    const healthy = {
      ...{ status: 'ok', checkedAt: '2026-11-23T08:01:30.000Z', installation: 'contoso' },
      checks: [{ name: 'tables', status: 'ok', since: '2026-11-23T07:00:00.000Z' }],
      sweep: {
        lastComplete: '2026-11-23T08:00:00.000Z',
        newest: {
          ...{ began: '2026-11-23T08:01:00.000Z', complete: false, counts: { seen: 3, left: 0 } },
          unlistedSubscriptions: ['11111111-2222-4333-8444-555555555555'],
        },
      },
      overdueCloses: { count: 0 },
      program: { node: 'v22.11.0', version: '0.1.0', bundle: 'c0ffee' },
    };

    it('shows how everything is, and ends with 0 where it is well', async () => {
      answers = [{ status: 200, body: healthy }];

      expect(await jit(['health'])).toBe(0);
      expect(seen.map(({ line }) => line)).toEqual(['GET /api/health/details']);
      const text = printed.join('\n');
      expect(text).toMatch(/^tables +ok +2026-11-23 08:00:00 CET/m);
      expect(text).toContain('2026-11-23 09:00:00 CET, 1 min 30 s ago');
      expect(text).toContain('30 s ago: not complete, seen 3');
      expect(text).toMatch(/^unseen +subscription 11111111-2222-4333-8444-555555555555$/m);
      expect(text).toContain('version 0.1.0 on Node v22.11.0, bundle c0ffee');
    });

    it.each(['failing', 'unknown'])('ends with 5 where it is %s, and says what and why', async (status) => {
      const reason = 'There is no table sallyportSeals.';
      const oldest = {
        ...{ requestId: id, since: '2026-11-23T07:59:00.000Z' },
        networkSecurityGroups: ['/subscriptions/x/providers/Microsoft.Network/networkSecurityGroups/nsg-web'],
      };
      const checks = [{ name: 'tables', status, since: '2026-11-23T07:00:00.000Z', reason }];
      answers = [{ status: 200, body: { ...healthy, status, checks, overdueCloses: { count: 1, oldest } } }];

      expect(await jit(['health'])).toBe(5);
      const text = printed.join('\n');
      expect(text).toContain(reason);
      expect(text).toMatch(new RegExp(`${id}, due .*, 2 min 30 s ago`));
      expect(text).toMatch(/nsg-web$/m);
    });

    it('ends with 3 for whoever may not see it', async () => {
      answers = [problem(403, 'role-missing')];

      expect(await jit(['health'])).toBe(3);
    });
  });

  it('recommendations shows what is open to whom by which rule, and of what too little is known', async () => {
    const subscription = '66666666-7777-4888-8999-aaaaaaaaaaaa';
    const found = {
      virtualMachine: { id: vm },
      exposedPorts: [{ number: 22, address: '10.1.0.4/32', sources: ['*'], rules: [{ rule: 'SshForNow' }] }],
    };
    answers = [
      {
        status: 200,
        body: { value: [found], unchecked: [`${vm}-2`], uncheckedSubscriptions: [subscription] },
      },
    ];

    expect(await jit(['recommendations'])).toBe(0);
    expect(printed[0]).toMatch(/vm-web +22 +10\.1\.0\.4\/32 +\* +SshForNow/);
    expect(progress).toEqual([
      `Not checked: subscription ${subscription}.`,
      expect.stringContaining('vm-web-2'),
    ]);
  });

  it('request passes a later start and break-glass on', async () => {
    answers = [{ status: 202, body: aRequest('scheduled') }];

    const start = '2026-11-24T20:00:00+01:00';
    expect(await jit([...asking, '--start', start, '--break-glass', '--no-wait'])).toBe(4);
    expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({ start, breakGlass: true });
  });
});

describe('the client', () => {
  it('never shows the token, whatever goes wrong', async () => {
    answers = [{ status: 500, body: 'not JSON' }];

    expect(await jit(['list'])).toBe(1);
    expect(await jit(['list'], { env: { SALLYPORT_URL: 'http://127.0.0.1:1' } })).toBe(1);
    expect(seen[0]?.headers.authorization).toBe(`Bearer ${secret}`);
    expect([...printed, ...progress].join('\n')).not.toContain(secret);
  });

  it('sends no token over http to another machine, nor where it is redirected to', async () => {
    expect(await jit(['list'], { env: { SALLYPORT_URL: 'http://sallyport.contoso.example' } })).toBe(2);

    answers = [{ status: 302, headers: { location: '/elsewhere' }, body: '' }];
    expect(await jit(['list'])).toBe(1);
    expect(seen.length).toBe(1);
  });

  it('is a person of the sample on this machine only', async () => {
    const env = { SALLYPORT_URL: 'https://sallyport.contoso.example' };

    expect(await jit(['list', '--as', 'alice'], { env })).toBe(2);
    expect(progress[0]).toContain('on this machine');
  });

  it.each([
    [[], 2],
    [['nonsense'], 2],
    [['list', '--nonsense'], 2],
    [['list', 'word'], 2],
    [['request', '--reason', 'x'], 2],
    [['request', vm], 2],
    [[...asking, '--for', 'soon'], 2],
    [[...asking, '--port', 'ssh'], 2],
    [[...asking, '--timeout', 'long'], 2],
    [['show', 'xyz'], 2],
    [['end'], 2],
    [['approve', id], 2],
    [['extend', id, '--for', '1h'], 2],
    [['extend', id, '--reason', 'x'], 2],
    [['--help'], 0],
    [['request', '--help'], 0],
  ])('answers %j with exit code %i and asks the app nothing', async (words, code) => {
    expect(await jit(words)).toBe(code);
    expect(seen).toEqual([]);
  });
});
