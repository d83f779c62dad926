import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { startEnvironment } from '../../dev/environment.ts';
import type { Environment } from '../../dev/environment.ts';
import type { PersonName } from '../../dev/sample/people.ts';
import { virtualMachines } from '../../dev/sample/policies.ts';
import { createAuditTrail } from '../../src/adapters/tables/auditTrail.ts';
import { openTables } from '../../src/adapters/tables/tables.ts';
import type { AuditTrail } from '../../src/core/stores.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';

/** Who is killed, when in the lives of the grants, and whether ARM is slow to answer writes meanwhile. */
export interface Kill {
  victim: 'worker' | 'host';
  /** After the first of the grants was asked for. */
  afterMilliseconds: number;
  slowWrites: boolean;
}

/** What came of one kill: how many grants lived through it, and what did not hold. */
export interface Outcome {
  grants: number;
  /** Of them those that were open for a while: the others were asked for too late in their short lives. */
  opened: number;
  problems: string[];
}

const nsgs = ['nsg-web', 'nsg-data', 'nsg-db2'];
const asks = [
  { person: 'alice', vm: virtualMachines.web, port: 22, seconds: 6 },
  { person: 'bob', vm: virtualMachines.db1, port: 22, seconds: 8 },
  { person: 'alice', vm: virtualMachines.db2, port: 5432, seconds: 5 },
] as const;
/** Between one of the grants and the next, so that a kill meets them at different points. */
const stagger = 700;
/** The sweep's period here, in seconds, and I1 by it: two periods, the start of the app, two writes. */
const period = 2;
const boundMilliseconds = 1000 * (2 * period + 2 * 4) + 10_000;
const patience = 120_000;

/** Real processes over real sockets, to be killed again and again. */
export interface KillingGround {
  kill(kill: Kill): Promise<Outcome>;
  close(): Promise<void>;
}

/** Starts Azurite, the simulator, the issuer and the host with the built bundle. */
export async function startKillingGround(): Promise<KillingGround> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-kills-'));
  const environment = await startEnvironment({
    folder,
    hostOptions: {
      arguments: ['--worker-deaths', '1000', '--visibility-timeout', '3'],
      settings: { SALLYPORT_SWEEP_SCHEDULE: `*/${period} * * * * *` },
    },
  });
  const tables = openTables({ connectionString: environment.connectionString });
  const audit = createAuditTrail({ audit: tables.audit, index: tables.index }, () => new Date());
  const ids = await nsgIds(environment);
  const before = await contents(environment, ids);
  return {
    kill: (kill) => killOnce(environment, audit, { ids, before }, kill),
    async close() {
      await environment.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Azure {
  ids: readonly string[];
  before: readonly unknown[];
}

async function killOnce(
  environment: Environment,
  audit: AuditTrail,
  { ids, before }: Azure,
  { victim, afterMilliseconds, slowWrites }: Kill,
): Promise<Outcome> {
  if (slowWrites) {
    const fault = { kind: 'delay', ms: 1500, when: 'after' };
    await environment.arm.ask('POST', '/_sim/faults', {
      match: { method: 'PUT', path: 'nsg-' },
      times: 2,
      fault,
    });
  }
  const began = Date.now();
  const asked = Promise.all(
    asks.map((ask, index) => sleep(index * stagger).then(() => grant(environment, ask))),
  );
  await sleep(Math.max(0, began + afterMilliseconds - Date.now()));
  if (victim === 'worker') await environment.killWorker();
  else {
    await environment.killHost();
    await environment.restartHost();
  }
  const backAt = Date.now();
  const grants = await asked;

  const problems: string[] = [];
  let opened = 0;
  await Promise.all(
    grants.map(async ({ id, end }) => {
      const goneAt = await whenGone(environment, ids, id);
      // From its end, or from when the app was back if that was later.
      const late = goneAt - Math.max(Date.parse(end), backAt);
      if (late > boundMilliseconds) problems.push(`I1: the rule of ${id} was there ${late} ms after its end`);
      const trail = await trailOf(audit, id);
      problems.push(...trail.problems);
      if (trail.events.includes('active')) opened += 1;
    }),
  );
  const after = await contents(environment, ids);
  after.forEach((content, index) => {
    if (!isDeepStrictEqual(content, before[index]))
      problems.push(`I3: ${nsgs[index] ?? ''} is not what it was`);
  });
  await environment.arm.ask('DELETE', '/_sim/faults');
  return { grants: grants.length, opened, problems };
}

/** Asks until it is answered: the one who is to answer may be the one who is killed. */
async function grant(
  environment: Environment,
  { person, vm, port, seconds }: (typeof asks)[number],
): Promise<{ id: string; end: string }> {
  const key = `${Date.now()}-${port}-${person}`;
  const body = {
    virtualMachines: [{ id: vm, ports: [{ number: port, allowedSourceAddressPrefix: '203.0.113.7' }] }],
    duration: `PT${seconds}S`,
    justification: 'Ticket 4711',
  };
  const until = Date.now() + patience;
  while (Date.now() < until) {
    const answer = await call(environment, person, '/api/access-requests', key, body);
    if (answer?.status === 202) return (await answer.json()) as { id: string; end: string };
    if (answer !== undefined && answer.status < 500)
      throw new Error(`Refused with ${answer.status}: ${await answer.text()}`);
    await sleep(200);
  }
  throw new Error('Nobody answered.');
}

async function call(
  environment: Environment,
  person: PersonName,
  path: string,
  key: string,
  body: unknown,
): Promise<Response | undefined> {
  try {
    const authorization = `Bearer ${await environment.token(person)}`;
    return await fetch(new URL(path, environment.urls.host), {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
    });
  } catch {
    // Nobody listens while the host is down.
    return undefined;
  }
}

/**
 * Waits until a request has ended. Returns the last instant at which an NSG had a rule of it. The request may end later
 * than its rule: of a grant that was never seen open a late write is waited for first.
 */
async function whenGone(
  environment: Environment,
  ids: readonly string[],
  requestId: string,
): Promise<number> {
  const until = Date.now() + patience;
  let lastSeen = 0;
  while (Date.now() < until) {
    const isEnded = (await stateOf(environment, requestId)) === 'ended';
    const texts = await Promise.all(ids.map(async (id) => JSON.stringify(await readNsg(environment, id))));
    if (texts.some((text) => text.includes(requestId))) lastSeen = Date.now();
    else if (isEnded) return lastSeen;
    await sleep(250);
  }
  throw new Error(`The rule of ${requestId} is still there, or its request never ended.`);
}

async function stateOf(environment: Environment, requestId: string): Promise<'ended' | 'unended'> {
  try {
    const authorization = `Bearer ${await environment.token('dave')}`;
    const answer = await fetch(new URL(`/api/access-requests/${requestId}`, environment.urls.host), {
      headers: { authorization },
    });
    const { state } = (await answer.json()) as { state?: string };
    return state === 'closed' || state === 'failed' ? 'ended' : 'unended';
  } catch {
    return 'unended';
  }
}

/** Exactly one record per transition, chained, from the intent to the end. The last follows the row: it is waited for. */
async function trailOf(
  audit: AuditTrail,
  requestId: string,
): Promise<{ events: string[]; problems: string[] }> {
  let events: string[] = [];
  const until = Date.now() + patience;
  while (Date.now() < until) {
    const records = await audit.read(requestId);
    events = records.map(({ event }) => event.replace('request.', ''));
    if (['closed', 'failed'].includes(events.at(-1) ?? '')) {
      const transitions = events.filter((event) => event !== 'orchestration-restarted');
      const twice = transitions.filter((event, index) => transitions.indexOf(event) !== index);
      const problems = [
        ...verifyTrail(requestId, records).map(({ message }) => `I6: ${message}`),
        ...twice.map((event) => `I6: ${event} of ${requestId} is recorded twice`),
        ...(events[0] === 'opening'
          ? []
          : [`I4: the first record of ${requestId} is ${events[0] ?? 'none'}`]),
      ];
      return { events, problems };
    }
    await sleep(250);
  }
  return { events, problems: [`I8: the records of ${requestId} end with ${events.at(-1) ?? 'none'}`] };
}

async function nsgIds(environment: Environment): Promise<string[]> {
  const { resources } = (await environment.arm.state()) as { resources: { id: string }[] };
  return nsgs.map((name) => {
    const found = resources.find(({ id }) => id.toLowerCase().endsWith(`/networksecuritygroups/${name}`));
    if (found === undefined) throw new Error(`There is no NSG ${name} in the sample.`);
    return found.id;
  });
}

async function readNsg(environment: Environment, id: string): Promise<unknown> {
  const { status, body } = await environment.arm.ask('GET', `${id}?api-version=2025-05-01`);
  if (status !== 200) throw new Error(`The simulator answered ${status}.`);
  return body;
}

/** The NSGs without what every write changes. */
async function contents(environment: Environment, ids: readonly string[]): Promise<unknown[]> {
  const bodies = await Promise.all(ids.map((id) => readNsg(environment, id)));
  return bodies.map(
    (body) =>
      JSON.parse(
        JSON.stringify(body, (key, value: unknown) =>
          key === 'etag' || key === 'provisioningState' ? undefined : value,
        ),
      ) as unknown,
  );
}
