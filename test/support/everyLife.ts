import type { AuditRecord } from '../../src/core/auditRecord.ts';
import type { BaselineRow } from '../../src/core/baseline.ts';
import { shortKey } from '../../src/core/baselineRule.ts';
import type { JsonObject } from '../../src/core/network.ts';
import { createPolicyService } from '../../src/workflow/policyService.ts';
import { approver, caller, decide, demand, oneApprover } from './approvals.ts';
import { foreignRule, withRule } from './foreignRule.ts';
import { grantWorld, idOf, minutes, nicNsg, submission, subnetNsg, vmId } from './grantWorld.ts';
import type { GrantWorld, Process } from './grantWorld.ts';
import { always } from './hindrances.ts';

interface Here {
  world: GrantWorld;
  process: Process;
}

/** The audit records of one life each that queries tell apart, as the app itself writes them. */
export async function recordsOfEveryLife(): Promise<AuditRecord[]> {
  const worlds: GrantWorld[] = [];
  const lives = [approved, scheduled, decidedAgainst, breakGlass, notOpened, closedLate, drift, policy];
  for (const live of lives) {
    const world = await grantWorld();
    worlds.push(world);
    await live({ world, process: world.startProcess() });
  }
  return (await Promise.all(worlds.map(recordsIn))).flat();
}

async function recordsIn({ stores: { audit } }: GrantWorld): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for await (const partition of audit.partitions()) records.push(...(await audit.read(partition)));
  return records;
}

async function approved({ world, process }: Here): Promise<void> {
  await demand(world, { approval: oneApprover });
  await world.clock.run(process.submit());
  await decide(world, process, idOf(1), approver('carol'));
  await world.runUntil(minutes(5), process);
  await world.clock.run(process.extend(idOf(1)));
  await decide(world, process, idOf(1), approver('carol'));
  await world.clock.run(process.extend(idOf(1), { durationSeconds: 36_000, duration: 'PT10H' }));
  await world.runUntil(minutes(120), process);
}

async function scheduled({ world, process }: Here): Promise<void> {
  await world.clock.run(process.submit({ start: minutes(30).toISOString() }));
}

/** Denied by a person, by nobody in time, and by the policy at once. */
async function decidedAgainst({ world, process }: Here): Promise<void> {
  await demand(world, { approval: oneApprover });
  await world.clock.run(process.submit());
  await decide(world, process, idOf(1), caller('dave'));
  await decide(world, process, idOf(1), approver('carol'), 'deny');
  const virtualMachines = [
    { id: vmId, ports: [{ number: 25, allowedSourceAddressPrefix: '203.0.113.7/32' }] },
  ];
  await world.clock.run(process.submit({ virtualMachines }));
  await world.clock.run(process.submit({ bodyHash: 'another' }));
  await world.runUntil(minutes(25 * 60), process);
}

async function breakGlass({ world, process }: Here): Promise<void> {
  await demand(world, { approval: oneApprover });
  await world.clock.run(process.submit({ breakGlass: true }));
  const { correlationId } = submission;
  const comment = 'The database had stopped';
  await process.service.review({ id: idOf(1), caller: approver('carol'), comment, correlationId });
}

async function notOpened({ world, process }: Here): Promise<void> {
  await world.clock.run(process.submit());
  world.network.edit(nicNsg, (body) => withRule(body, foreignRule('deny-everything', 150)));
  await world.runUntil(minutes(2), process);
}

/** Its rules are gone when a worker that can read the rows first looks again, half an hour after its end. */
async function closedLate({ world, process }: Here): Promise<void> {
  await world.clock.run(process.submit());
  await world.runUntil(minutes(59), process);
  for (const nsgId of [subnetNsg, nicNsg]) {
    editRules(world, nsgId, (rules) => rules.filter(({ name }) => !name.startsWith('sallyport-')));
  }
  await world.clock.advanceTo(minutes(61));
  await world.clock.run(world.startProcess(undefined, always('requests')).sweep());
  await world.clock.advanceTo(minutes(90));
  await world.clock.run(process.sweep());
}

/** Of a rule of a grant, and of one of a baseline. */
async function drift({ world, process }: Here): Promise<void> {
  await world.clock.run(process.submit());
  await world.runUntil(minutes(2), process);
  const look = () =>
    world.clock.run(
      process.reconcile(nicNsg, { correlationId: submission.correlationId, purpose: 'open', revisit: true }),
    );
  editRules(world, nicNsg, (rules) =>
    rules.map((rule) =>
      rule.name.startsWith('sallyport-')
        ? { ...rule, properties: { ...rule.properties, sourceAddressPrefix: '*' } }
        : rule,
    ),
  );
  await look();
  const baseline: BaselineRow = {
    nsgId: nicNsg,
    virtualMachineId: vmId,
    version: 1,
    state: 'standing',
    boxes: [
      {
        protocol: 'Tcp',
        sourceAddressPrefixes: ['Internet'],
        destinationAddressPrefixes: ['10.1.0.4/32'],
        destinationPorts: [22],
      },
    ],
    causes: [],
  };
  await world.stores.live.insertBaseline(baseline);
  await look();
  editRules(world, nicNsg, (rules) => rules.filter(({ name }) => !name.includes(shortKey(vmId))));
  await look();
}

async function policy({ world, process }: Here): Promise<void> {
  const service = createPolicyService(process.dependencies, { start: () => Promise.resolve() });
  const stored = (await world.stores.policies.get('ssh'))?.row;
  const call = { caller: caller('erin', 'Sallyport.Administrator'), correlationId: submission.correlationId };
  await service.put('ssh', { entries: stored?.entries ?? [], conditions: { approval: oneApprover } }, call);
  await service.remove('ssh', call);
}

type Rule = JsonObject & { name: string; properties: JsonObject };

function editRules(world: GrantWorld, nsgId: string, change: (rules: Rule[]) => JsonObject[]): void {
  world.network.edit(nsgId, (body) => {
    const properties = body['properties'] as { securityRules: Rule[] };
    return { ...body, properties: { ...properties, securityRules: change(properties.securityRules) } };
  });
}
