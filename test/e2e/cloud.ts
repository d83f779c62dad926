import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, vi } from 'vitest';
import { EventType, type HistoryEvent } from '../../dev/host/durable/history.ts';
import { Store } from '../../dev/host/durable/store.ts';
import { startEnvironment, type Environment, type EnvironmentOptions } from '../../dev/environment.ts';
import type { PersonName } from '../../dev/sample/people.ts';
import { createAuditTrail } from '../../src/adapters/tables/auditTrail.ts';
import { openTables } from '../../src/adapters/tables/tables.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';

/** What the API says of a request. */
export interface Shown {
  id: string;
  state: string;
  end: string;
  reason?: { code: string; message: string };
  [field: string]: unknown;
}

export interface Rule {
  name: string;
  properties: Record<string, unknown>;
}

export interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

/** Everything on this machine, the built bundle in the host, and what the tests ask of it. */
export interface Cloud {
  environment: Environment;
  call(
    person: PersonName | undefined,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** Asks for access and expects 202. */
  grant(body: { vm: string; port?: number; source?: string; duration: string }): Promise<Shown>;
  request(id: string): Promise<Shown>;
  /** Ends a request early, as the one who asked for it; expects 200. */
  revoke(id: string): Promise<Shown>;
  /** Waits until the request is in this state. How soon that must be is nothing that a busy machine can tell. */
  until(id: string, state: string): Promise<Shown>;
  /** The NSG without what rotates. */
  nsg(name: string): Promise<{ properties: { securityRules: Rule[] } }>;
  /** The owned rules of an NSG. */
  owned(name: string): Promise<Rule[]>;
  /** Writes an NSG as an administrator does: whatever is there now, changed. */
  edit(name: string, change: (rules: Rule[]) => Rule[]): Promise<void>;
  /** Makes ARM misbehave; see docs/arm-simulator.md. */
  fault(
    match: { method: string; path: string },
    fault: Record<string, unknown>,
    times?: number,
  ): Promise<void>;
  /** The calls that ARM has seen. */
  armCalls(): Promise<
    { method: string; path: string; status: number; ifMatch?: string; correlationRequestId?: string }[]
  >;
  /** The events of an ended request's audit records, their chain verified. */
  events(id: string): Promise<string[]>;
  /** The history of a request's orchestration, once that has ended. */
  history(id: string): Promise<HistoryEvent[]>;
  close(): Promise<void>;
}

/** For how long what must come is waited for: no promise of ours, only longer than a busy machine has ever needed. */
export const patience = { timeout: 90_000, interval: 100 };

const resourceGroups: Record<string, string> = {};

export async function startCloud(options: Omit<EnvironmentOptions, 'folder'> = {}): Promise<Cloud> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-e2e-'));
  const environment = await startEnvironment({ enforceRoles: true, ...options, folder });
  await environment.watched();
  const tables = openTables({ connectionString: environment.connectionString });
  const audit = createAuditTrail({ audit: tables.audit, index: tables.index }, () => new Date());
  const { arm, urls } = environment;
  const tokens = new Map<PersonName, Promise<string>>();

  async function call(
    person: PersonName | undefined,
    method: string,
    path: string,
    body?: unknown,
    extra: Record<string, string> = {},
  ): Promise<Answer> {
    const headers = new Headers(extra);
    if (person !== undefined) {
      const token = tokens.get(person) ?? environment.token(person);
      tokens.set(person, token);
      headers.set('authorization', `Bearer ${await token}`);
    }
    if (body !== undefined) headers.set('content-type', 'application/json');
    const response = await fetch(new URL(path, urls.host), {
      method,
      headers,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    };
  }

  async function nsgId(name: string): Promise<string> {
    const found = resourceGroups[name] ?? (await findNsg(arm, name));
    resourceGroups[name] = found;
    return found;
  }

  async function readNsg(name: string): Promise<Record<string, unknown>> {
    const answer = await arm.ask('GET', `${await nsgId(name)}?api-version=2025-05-01`);
    expect(answer.status).toBe(200);
    return answer.body as Record<string, unknown>;
  }

  async function nsg(name: string) {
    const body = await readNsg(name);
    return JSON.parse(
      JSON.stringify(body, (key, value: unknown) =>
        key === 'etag' || key === 'provisioningState' ? undefined : value,
      ),
    ) as Awaited<ReturnType<Cloud['nsg']>>;
  }

  async function request(id: string): Promise<Shown> {
    const answer = await call('alice', 'GET', `/api/access-requests/${id}`);
    expect(answer.status).toBe(200);
    return answer.body as unknown as Shown;
  }

  return {
    environment,
    call,
    nsg,
    request,
    async grant({ vm, port = 22, source = '203.0.113.7', duration }) {
      const answer = await call('alice', 'POST', '/api/access-requests', {
        virtualMachines: [{ id: vm, ports: [{ number: port, allowedSourceAddressPrefix: source }] }],
        duration,
        justification: 'Ticket 4711',
      });
      expect(answer.status, JSON.stringify(answer.body)).toBe(202);
      return answer.body as unknown as Shown;
    },
    async revoke(id) {
      const answer = await call('alice', 'POST', `/api/access-requests/${id}/revoke`);
      expect(answer.status, JSON.stringify(answer.body)).toBe(200);
      return answer.body as unknown as Shown;
    },
    until: (id, state) =>
      vi.waitFor(async () => {
        const shown = await request(id);
        expect(shown.state).toBe(state);
        return shown;
      }, patience),
    owned: async (name) =>
      (await nsg(name)).properties.securityRules.filter(({ name: rule }) => rule.startsWith('sallyport-')),
    async edit(name, change) {
      const body = (await readNsg(name)) as { properties: { securityRules: Rule[] } };
      const securityRules = change(body.properties.securityRules);
      const answer = await arm.ask('PUT', `${await nsgId(name)}?api-version=2025-05-01`, {
        ...body,
        properties: { ...body.properties, securityRules },
      });
      expect(answer.status).toBeLessThan(300);
      await vi.waitFor(async () => {
        const properties = (await readNsg(name))['properties'] as { provisioningState: string };
        expect(properties.provisioningState).toBe('Succeeded');
      }, patience);
    },
    async fault(match, fault, times = 1) {
      const answer = await arm.ask('POST', '/_sim/faults', { match, times, fault });
      expect(answer.status).toBe(201);
    },
    armCalls: async () =>
      (await arm.ask('GET', '/_sim/requests')).body as Awaited<ReturnType<Cloud['armCalls']>>,
    async events(id) {
      // The row changes first and its record follows: the state that a caller sees may be ahead of the audit.
      const records = await vi.waitFor(async () => {
        const found = await audit.read(id);
        expect(['request.closed', 'request.failed']).toContain(found.at(-1)?.event);
        return found;
      }, patience);
      expect(verifyTrail(id, records)).toEqual([]);
      return records.map(({ event }) => event.replace('request.', ''));
    },
    async history(id) {
      const store = new Store(environment.connectionString, 'SallyportHub');
      return vi.waitFor(async () => {
        const instance = await store.instance(id);
        const history = instance === undefined ? [] : await store.history(instance);
        expect(history.map((event) => event.EventType)).toContain(EventType.ExecutionCompleted);
        return history;
      }, patience);
    },
    async close() {
      await environment.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Fails if two NSGs differ, showing both. */
export function expectSame(after: unknown, before: unknown): void {
  if (!isDeepStrictEqual(after, before)) expect(after).toEqual(before);
}

async function findNsg(arm: Environment['arm'], name: string): Promise<string> {
  const { resources } = (await arm.state()) as { resources: { id: string }[] };
  const found = resources.find(({ id }) =>
    id.toLowerCase().endsWith(`/networksecuritygroups/${name.toLowerCase()}`),
  );
  if (found === undefined) throw new Error(`There is no NSG ${name} in the sample.`);
  return found.id;
}
