import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { InvocationContext } from '@azure/functions';
import { afterEach, describe, expect, it } from 'vitest';
import type { Orchestrations, PolicyRuns } from '../../src/workflow/contracts.ts';
import {
  durableClientInput,
  orchestrationsOf,
  policyRunsOf,
  stepForDurable,
} from '../../src/workflow/durable.ts';
import { grantOrchestratorName, policyOrchestratorName, ringEventName } from '../../src/workflow/names.ts';
import { realClock } from '../adapters/arm/simulatedArm.ts';

const instance = 'a'.repeat(32);
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

type Answer = { status: number; body?: unknown } | 'silence';

/** Durable's extension as the SDK's client sees it, answering by method and path. */
async function extension(
  answer: (call: string) => Answer,
  clock = realClock,
): Promise<{
  orchestrations: Orchestrations;
  policyRuns: PolicyRuns;
  calls: string[];
  bodies: string[];
}> {
  const calls: string[] = [];
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const call = `${request.method ?? ''} ${request.url ?? ''}`;
    calls.push(call);
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      bodies.push(body);
      const answered = answer(call);
      if (answered === 'silence') return;
      response.writeHead(answered.status, { 'content-type': 'application/json' });
      response.end(answered.body === undefined ? '' : JSON.stringify(answered.body));
    });
  });
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const rpcBaseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const data = { taskHubName: 'hub', creationUrls: {}, managementUrls: { id: 'INSTANCEID' }, rpcBaseUrl };
  const context = {
    options: { extraInputs: [durableClientInput] },
    extraInputs: { get: () => data },
  } as unknown as InvocationContext;
  return {
    orchestrations: orchestrationsOf(context, clock),
    policyRuns: policyRunsOf(context, clock),
    calls,
    bodies,
  };
}

const statusOf = (runtimeStatus: string): Answer => ({
  status: 200,
  body: {
    name: grantOrchestratorName,
    instanceId: instance,
    createdTime: '2026-11-23T12:00:00Z',
    lastUpdatedTime: '2026-11-23T12:00:00Z',
    input: null,
    output: null,
    runtimeStatus,
  },
});

describe('orchestrations', () => {
  it('are started under the registered name with the id of the row and nothing else', async () => {
    const { orchestrations, calls, bodies } = await extension(() => ({
      status: 202,
      body: { id: instance },
    }));

    await orchestrations.start(instance, 'b'.repeat(32));

    expect(calls).toEqual([`POST /orchestrators/${grantOrchestratorName}/${instance}`]);
    expect(JSON.parse(bodies[0] ?? '')).toEqual({ requestId: 'b'.repeat(32) });
  });

  it('of policies are started once for each version, whatever the case of the id', async () => {
    const { policyRuns, calls, bodies } = await extension(() => ({ status: 202, body: { id: instance } }));

    await policyRuns.start({ id: 'Web', version: 1 });
    await policyRuns.start({ id: 'web', version: 1 });
    await policyRuns.start({ id: 'web', version: 2 });

    expect(calls[0]).toMatch(
      new RegExp(`^POST /orchestrators/${policyOrchestratorName}/policy-[0-9a-f]{32}-1$`),
    );
    expect(calls[1]).toBe(calls[0]);
    expect(calls[2]).toBe(calls[0]?.replace(/1$/, '2'));
    expect(JSON.parse(bodies[0] ?? '')).toEqual({ policyId: 'Web' });
  });

  it('that run already count as started; those that ended do not', async () => {
    const startedWhile = async (state: string) => {
      const { orchestrations } = await extension((call) =>
        call.startsWith('POST') ? { status: 409, body: { Message: 'It exists.' } } : statusOf(state),
      );
      return orchestrations.start(instance, instance);
    };

    await expect(startedWhile('Running')).resolves.toBeUndefined();
    await expect(startedWhile('Failed')).rejects.toThrow('409');
  });

  it.each([404, 410])('that are gone are rung in vain, without an error (%i)', async (status) => {
    const { orchestrations, calls, bodies } = await extension(() => ({ status }));

    await orchestrations.ring(instance);

    expect(calls).toEqual([`POST /instances/${instance}/raiseEvent/${ringEventName}`]);
    expect(bodies).toEqual(['null']);
  });

  it('cannot be rung when the extension fails', async () => {
    const { orchestrations } = await extension(() => ({ status: 500, body: {} }));

    await expect(orchestrations.ring(instance)).rejects.toThrow('500');
  });

  it.each([
    ['Running', 'running'],
    ['Pending', 'running'],
    ['Suspended', 'running'],
    ['Completed', 'ended'],
    ['Failed', 'ended'],
    ['Terminated', 'ended'],
  ])('that are %s count as %s', async (state, expected) => {
    const { orchestrations } = await extension(() => statusOf(state));

    expect(await orchestrations.status(instance)).toBe(expected);
  });

  it('that the extension does not know are missing, and a failure says nothing about them', async () => {
    const unknown = await extension(() => ({ status: 404 }));
    const broken = await extension(() => ({ status: 500, body: {} }));

    expect(await unknown.orchestrations.status(instance)).toBe('missing');
    await expect(broken.orchestrations.status(instance)).rejects.toThrow('500');
  });

  it('are purged by the time at which they were made, finished ones only; none found is none purged', async () => {
    const some = await extension(() => ({ status: 200, body: { instancesDeleted: 3 } }));
    const none = await extension(() => ({ status: 404 }));
    const span = [new Date('2026-11-01T00:00:00Z'), new Date('2026-11-01T01:00:00Z')] as const;

    expect(await some.orchestrations.purge(...span)).toBe(3);
    expect(await none.orchestrations.purge(...span)).toBe(0);
    const [method, url = ''] = (some.calls[0] ?? '').split(' ');
    const query = new URL(url, 'http://127.0.0.1').searchParams;
    expect(method).toBe('DELETE');
    expect(query.get('createdTimeFrom')).toBe('2026-11-01T00:00:00.000Z');
    expect(query.get('createdTimeTo')).toBe('2026-11-01T01:00:00.000Z');
    expect(query.get('runtimeStatus')?.split(',').sort()).toEqual([
      'Canceled',
      'Completed',
      'Failed',
      'Terminated',
    ]);
  });

  it.each([
    ['start', (of: Orchestrations) => of.start(instance, instance)],
    ['ring', (of: Orchestrations) => of.ring(instance)],
    ['status', (of: Orchestrations) => of.status(instance)],
    ['purge', (of: Orchestrations) => of.purge(new Date(0), new Date())],
  ])('do not wait for ever for an extension that is silent (%s)', async (_name, call) => {
    const hurried = { ...realClock, sleep: () => Promise.resolve() };
    const { orchestrations } = await extension(() => 'silence', hurried);

    await expect(call(orchestrations)).rejects.toThrow('did not answer');
  });
});

describe('the activity', () => {
  it('tells Durable nothing of an error’s text, and the log everything', async () => {
    const logged: unknown[] = [];
    const log = {
      info: () => undefined,
      warn: () => undefined,
      error: (message: string, facts?: Record<string, unknown>) => void logged.push([message, facts]),
    };
    const failing = () => Promise.reject(new Error('It says "?sig=abc".'));

    const failure = stepForDurable(failing, log, instance);

    await expect(failure).rejects.toThrow(/^The step failed; its log says why\.$/);
    expect(logged).toEqual([['step-failed', { requestId: instance, cause: 'It says "?sig=abc".' }]]);
  });
});
