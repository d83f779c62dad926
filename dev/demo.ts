/** One grant of 15 seconds, from the request to the closed port, on a temporary Azure. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import * as z from 'zod';
import type { Environment } from './environment.ts';
import { StartError } from './processes.ts';
import { people } from './sample/people.ts';
import { virtualMachines } from './sample/policies.ts';
import { nsgDocument, rulesAdded, ruleTable, withoutBookkeeping } from './securityRules.ts';
import type { NsgDocument } from './securityRules.ts';
import { inEnvironment, Interrupted } from './session.ts';

const help = `Usage: npm run demo [-- --json]

Starts everything on free ports with a temporary folder, lets alice have SSH on a virtual machine for 15 seconds and
shows the network security group's rules before, during and after, and the audit trail. Succeeds only if the port
opened, shut by itself, and the group is afterwards what it was before.

  --json    print one JSON object and nothing else (with npm run --silent)
`;

const durationSeconds = 15;
const openWithinMs = 60_000;
/** The duration and the bound of the promise I1: two sweeps, and the writes. */
const closeWithinMs = durationSeconds * 1000 + 150_000;

const accessRequest = z.looseObject({ id: z.string(), state: z.string(), end: z.string() });
type AccessRequest = z.infer<typeof accessRequest>;
const auditRecord = z.looseObject({
  sequence: z.number(),
  event: z.string(),
  at: z.string(),
  actor: z.string(),
  hash: z.string(),
  reasons: z.array(z.looseObject({ code: z.string() })),
});
type AuditRecord = z.infer<typeof auditRecord>;

/** The demo did not show what it promises. */
class DemoError extends Error {
  override readonly name = 'DemoError';
}

const values = readOptions();
const say = (text: string) => {
  if (values?.json === false) console.log(text);
};

if (values === undefined) process.exitCode = 1;
else if (values.help) process.stdout.write(help);
else process.exitCode = await main(values.json);

function readOptions() {
  try {
    return parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return undefined;
  }
}

async function main(json: boolean): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-demo-'));
  try {
    say('Starting storage, identity, Azure Resource Manager and the Functions host …');
    const shown = await inEnvironment({ folder }, show);
    if (json) console.log(JSON.stringify(shown));
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) return 130;
    const expected = error instanceof StartError || error instanceof DemoError;
    console.error(expected ? error.message : error);
    return 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function show(environment: Environment) {
  say('Waiting for the first sweep, without which nothing is opened …');
  await environment.watched();
  const alice = await environment.token('alice');
  const nsgId = await nsgOfSample(environment);
  const before = await readNsg(environment, nsgId);
  say(`\nBefore: ${nsgId.split('/').at(-1) ?? ''}\n${ruleTable(before)}`);

  const asked = Date.now();
  const request = await submit(environment, alice);
  say(`\nAlice asks for port 22/Tcp of vm-web from 203.0.113.7 for ${durationSeconds} seconds.`);
  await reach(environment, alice, request.id, 'active', asked + openWithinMs);
  const opened = Date.now();
  const during = await readNsg(environment, nsgId);
  say(`\nDuring (open after ${seconds(opened - asked)})\n${ruleTable(during, before)}`);
  if (rulesAdded(before, during).length === 0)
    throw new DemoError('The request is active, but no rule was added.');

  say('\nNobody does anything now …');
  const ended = await reach(environment, alice, request.id, 'closed', opened + closeWithinMs);
  const after = await readNsg(environment, nsgId);
  const audit = await readAudit(environment, request.id);
  const closedAt = audit.find(({ event }) => event === 'request.closed')?.at;
  if (closedAt === undefined)
    throw new DemoError('The audit trail does not say that the request was closed.');
  const timings = {
    openedAfterMs: opened - asked,
    closedAfterEndMs: Date.parse(closedAt) - Date.parse(ended.end),
  };
  say(`\nAfter (shut ${seconds(timings.closedAfterEndMs)} after its end)\n${ruleTable(after, during)}`);
  say(`\nAudit trail (each record carries the hash of the one before)\n${audit.map(auditLine).join('\n')}`);

  const restored = isDeepStrictEqual(withoutBookkeeping(before), withoutBookkeeping(after));
  if (!restored) throw new DemoError('The network security group is not what it was before.');
  say('\nThe network security group is what it was before.');
  return { before, during, after, restored, audit, timings };
}

async function nsgOfSample(environment: Environment): Promise<string> {
  const state = z.object({ resources: z.array(z.looseObject({ id: z.string() })) });
  const { resources } = state.parse(await environment.arm.state());
  const nsg = resources.find(({ id }) => id.endsWith('/networkSecurityGroups/nsg-web'));
  if (nsg === undefined) throw new DemoError('The sample has no network security group nsg-web.');
  return nsg.id;
}

async function readNsg(environment: Environment, id: string): Promise<NsgDocument> {
  const { status, body } = await environment.arm.ask('GET', `${id}?api-version=2025-05-01`);
  if (status !== 200) throw new DemoError(`Azure Resource Manager answered ${status} for ${id}.`);
  return nsgDocument.parse(body);
}

async function submit(environment: Environment, token: string): Promise<AccessRequest> {
  const response = await fetch(`${environment.urls.host}/api/access-requests`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      virtualMachines: [
        { id: virtualMachines.web, ports: [{ number: 22, allowedSourceAddressPrefix: '203.0.113.7' }] },
      ],
      duration: `PT${durationSeconds}S`,
      justification: 'Look at the demo',
    }),
  });
  if (response.status !== 202) {
    throw new DemoError(`The request was not accepted: ${response.status} ${await response.text()}`);
  }
  return accessRequest.parse(await response.json());
}

/** Waits until the request is in the state; a final state that is another one ends the wait. */
async function reach(
  environment: Environment,
  token: string,
  id: string,
  state: string,
  deadline: number,
): Promise<AccessRequest> {
  for (;;) {
    const response = await fetch(`${environment.urls.host}/api/access-requests/${id}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const text = await response.text();
    if (response.status !== 200)
      throw new DemoError(`The request cannot be read: ${response.status} ${text}`);
    const request = accessRequest.parse(JSON.parse(text));
    if (request.state === state) return request;
    if (['closed', 'denied', 'expired', 'failed'].includes(request.state)) {
      throw new DemoError(`The request is ${request.state} and was to become ${state}: ${text}`);
    }
    if (Date.now() > deadline) throw new DemoError(`The request is still ${request.state}, not ${state}.`);
    await delay(200);
  }
}

/** The whole trail as an auditor sees it, this request's records in order. */
async function readAudit(environment: Environment, id: string): Promise<AuditRecord[]> {
  const response = await fetch(`${environment.urls.host}/api/audit`, {
    headers: { authorization: `Bearer ${await environment.token('dave')}` },
  });
  if (response.status !== 200) throw new DemoError(`The audit trail cannot be read: ${response.status}.`);
  const { value } = z.object({ value: z.array(auditRecord) }).parse(await response.json());
  return value
    .filter((record) => record['partition'] === undefined || record['partition'] === id)
    .sort((a, b) => a.sequence - b.sequence);
}

function auditLine({ sequence, at, event, actor, reasons, hash }: AuditRecord): string {
  const [name = actor] = Object.entries(people).find(([, { objectId }]) => objectId === actor) ?? [];
  const codes = reasons.map(({ code }) => code).join(' ');
  return `${sequence} ${at} ${event.padEnd(15)} ${name.padEnd(9)} ${codes.padEnd(13)} ${hash.slice(0, 10)}…`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
