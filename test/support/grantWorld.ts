import type { AccessRequest, Person } from '../../src/core/accessRequest.ts';
import type { AuditRecord } from '../../src/core/auditRecord.ts';
import type { Clock, Log } from '../../src/core/clock.ts';
import type { NetworkHint } from '../../src/core/networkHint.ts';
import type { CallOptions, JsonObject, Network } from '../../src/core/network.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import { exampleVirtualMachineId } from '../../src/http/exampleIds.ts';
import { createAccessRequestService } from '../../src/workflow/accessRequestService.ts';
import type {
  AccessRequestService,
  ExtendResult,
  ExtensionCall,
  Orchestrations,
  Submission,
  SubmitResult,
} from '../../src/workflow/contracts.ts';
import type { Dependencies } from '../../src/workflow/dependencies.ts';
import { createFollowHint } from '../../src/workflow/followHint.ts';
import { createHeartbeat } from '../../src/workflow/heartbeat.ts';
import type { Reconcile } from '../../src/workflow/reconcileResult.ts';
import type { PolicyStepResult } from '../../src/workflow/policyOrchestrator.ts';
import { createPolicyStep } from '../../src/workflow/policyStep.ts';
import { createRecommend, type Recommend } from '../../src/workflow/recommend.ts';
import { createReconciler } from '../../src/workflow/reconciler.ts';
import { createPersonQuota } from '../../src/workflow/personQuota.ts';
import { createStep, type Step } from '../../src/workflow/step.ts';
import { createSweep, type SweepReport } from '../../src/workflow/sweep.ts';
import { drive, type Drive } from './driveOrchestrator.ts';
import { foreignRule, nsgOfOthers } from './foreignRule.ts';
import { contoso } from './liveRow.ts';
import { createMemoryAdminRules, type MemoryAdminRules } from './memoryAdminRules.ts';
import { createMemoryAuthorization, type MemoryAuthorization } from './memoryAuthorization.ts';
import {
  createMemoryBudget,
  createMemoryInventory,
  createMemoryRights,
  type MemoryBudget,
  type MemoryInventory,
  type MemoryRights,
} from './memoryInventory.ts';
import { createMemoryNetwork, type MemoryCall, type MemoryNetwork } from './memoryNetwork.ts';
import {
  createBeatingSweepState,
  createMemoryAuditTrail,
  createMemoryLiveRows,
  createMemoryNsgRecords,
  createMemoryPolicies,
  createMemoryRequests,
  createMemorySeals,
  createMemorySweepState,
} from './memoryStores.ts';
import { virtualClock, type VirtualClock } from './virtualClock.ts';
import { policyFor } from './policyFor.ts';
import { noQuotas } from './noQuotas.ts';

const group = '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/Contoso-RG/providers';
export const subnetNsg = `${group}/Microsoft.Network/networkSecurityGroups/nsg-subnet`;
export const nicNsg = `${group}/Microsoft.Network/networkSecurityGroups/nsg-nic`;
export const networkId = `${group}/Microsoft.Network/virtualNetworks/contoso`;
export const vmId = exampleVirtualMachineId;
export const noon = new Date('2026-11-23T12:00:00.000Z');
/** So many seconds after noon. */
export const seconds = (count: number) => new Date(noon.getTime() + count * 1000);
/** So many minutes after noon. */
export const minutes = (count: number) => seconds(count * 60);
/** Id of the request that a world makes as its first, second … */
export const idOf = (number: number) => number.toString(16).padStart(32, '0');
export const alice: Person = {
  objectId: '00000000-0000-4000-8000-00000000a11c',
  tenantId: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
  displayName: 'Alice',
};

/** Counts the effects of one process and can kill it at one of them. */
export interface Lifeline {
  effects: number;
  dead: boolean;
  /** The process dies at this effect, counted from 1: before it is done, or after it without seeing the answer. */
  killAt?: { effect: number; when: 'before' | 'after' };
}

export class ProcessDied extends Error {}

/** What makes one process's life harder than another's. */
export interface Hindrance {
  /** How far its clock is ahead of the true one. */
  clockAheadMilliseconds?: number;
  /** Before each effect, such as `live.insert`: may wait, or throw instead of it. */
  before?: (effect: string, parameters: unknown[]) => void | Promise<void>;
  /** After each effect: may throw, so that the answer to what was done is lost, or say what is answered instead. */
  after?: (effect: string, parameters: unknown[], result: unknown) => { instead: unknown } | undefined;
}

export interface Process {
  lifeline: Lifeline;
  dependencies: Dependencies;
  /** What the HTTP layer would call. */
  service: AccessRequestService;
  submit(submission?: Partial<Submission>): Promise<SubmitResult>;
  revoke(id: string, correlationId?: string): Promise<void>;
  /** Alice asks for half an hour more, unless the changes say otherwise. */
  extend(id: string, changes?: Partial<ExtensionCall>): Promise<ExtendResult>;
  step: Step;
  reconcile: Reconcile;
  sweep(): Promise<SweepReport>;
  policyStep: () => Promise<PolicyStepResult>;
  recommend: Recommend;
  followHint(hint: NetworkHint): Promise<void>;
}

export interface GrantWorld {
  clock: VirtualClock;
  network: MemoryNetwork;
  inventory: MemoryInventory;
  rights: MemoryRights;
  adminRules: MemoryAdminRules;
  authorization: MemoryAuthorization;
  budget: MemoryBudget;
  stores: Pick<Dependencies, 'requests' | 'live' | 'audit' | 'seals' | 'nsgs' | 'policies' | 'sweepState'>;
  logged: string[];
  /** Instances that run, by their id. */
  running: Map<string, Drive>;
  startProcess(killAt?: Lifeline['killAt'], hindrance?: Hindrance): Process;
  /** Lets every running orchestration go on, on this process, until nothing is due before the instant. */
  runUntil(instant: Date, process: Process): Promise<void>;
  request(id: string): Promise<AccessRequest>;
  /** Names of owned rules in an NSG, or in both. */
  ownedRules(nsgId?: string): string[];
  audit(id: string): Promise<AuditRecord[]>;
}

export const submission: Submission = {
  requester: alice,
  virtualMachines: [
    { id: vmId, ports: [{ number: 22, protocol: 'Tcp', allowedSourceAddressPrefix: '203.0.113.7/32' }] },
  ],
  duration: 'PT1H',
  durationSeconds: 3600,
  justification: 'Ticket 4711',
  correlationId: '5a11f0a7-0000-4000-8000-000000000001',
  bodyHash: 'body',
};

const extension: Omit<ExtensionCall, 'id'> = {
  person: alice,
  duration: 'PT30M',
  durationSeconds: 1800,
  justification: 'Ticket 4711 takes longer',
  correlationId: '5a11f0a7-0000-4000-8000-000000000002',
  bodyHash: 'more',
};

/** One virtual machine behind two NSGs, everything in memory, time driven by the test, the orchestrator real. */
export async function grantWorld(
  before?: (call: MemoryCall) => void | Promise<void>,
  onDeath: 'task-failed' | 'instance-lost' = 'task-failed',
  sweepState: 'beating' | 'new' = 'beating',
  warnSeconds = 0,
  quotas = noQuotas,
): Promise<GrantWorld> {
  const clock = virtualClock(noon);
  const network = createMemoryNetwork({
    clock,
    operationMilliseconds: 1000,
    ...(before === undefined ? {} : { before }),
  });
  for (const nsgId of [subnetNsg, nicNsg]) network.addNsg(nsgId, foreignNsg());
  network.addVirtualMachine({
    virtualMachineId: vmId,
    vmId: '0f0e0d0c-0000-4000-8000-0000000000aa',
    subnetId: `${networkId}/subnets/web`,
    networkInterfaceId: `${group}/Microsoft.Network/networkInterfaces/vm-web-nic`,
    addresses: [{ family: 'IPv4', address: '10.1.0.4' }],
    nsgIds: [subnetNsg, nicNsg],
  });
  const inventory = createMemoryInventory(network);
  const rights = createMemoryRights();
  const adminRules = createMemoryAdminRules();
  const authorization = createMemoryAuthorization();
  const budget = createMemoryBudget();
  const stores = {
    requests: createMemoryRequests(),
    live: createMemoryLiveRows(),
    audit: createMemoryAuditTrail(() => clock.now()),
    seals: createMemorySeals(),
    nsgs: createMemoryNsgRecords(),
    sweepState: sweepState === 'new' ? createMemorySweepState() : createBeatingSweepState(clock),
    policies: createMemoryPolicies(),
  };
  await stores.policies.insert(
    policyFor('ssh', vmId, [
      {
        number: 22,
        protocol: 'Tcp',
        allowedSourceAddressPrefixes: ['203.0.113.0/24'],
        maxRequestAccessDuration: 'PT3H',
      },
    ]),
  );
  const logged: string[] = [];
  const running = new Map<string, Drive>();
  const quota = createPersonQuota(quotas);
  let ids = 0;

  function startProcess(killAt?: Lifeline['killAt'], hindrance: Hindrance = {}): Process {
    const { clockAheadMilliseconds = 0 } = hindrance;
    const clockOfProcess: Clock = {
      now: () => new Date(clock.now().getTime() + clockAheadMilliseconds),
      sleep: (milliseconds) => clock.sleep(milliseconds),
    };
    const effects = <T extends object>(name: string, target: T) => mortal(target, lifeline, name, hindrance);
    const lifeline: Lifeline = { effects: 0, dead: false, ...(killAt === undefined ? {} : { killAt }) };
    const note = (message: string) => logged.push(message);
    const orchestrations = effects<Orchestrations>('orchestrations', {
      start: (instance, requestId) => {
        if (!running.has(instance)) running.set(instance, drive(clock.now(), { requestId }));
        return Promise.resolve();
      },
      ring: (instance) => {
        running.get(instance)?.ring(clock.now());
        return Promise.resolve();
      },
      status: (instance) => {
        const found = running.get(instance);
        if (found === undefined) return Promise.resolve('missing');
        return Promise.resolve(found.asked().kind === 'returned' ? 'ended' : 'running');
      },
      purge: () => Promise.resolve(0),
    });
    const sweepState = effects('sweepState', stores.sweepState);
    const log: Log = { info: () => undefined, warn: note, error: note };
    const dependencies: Dependencies = {
      requests: effects('requests', stores.requests),
      live: effects('live', stores.live),
      audit: effects('audit', stores.audit),
      seals: effects('seals', stores.seals),
      nsgs: effects('nsgs', stores.nsgs),
      sweepState,
      heartbeat: createHeartbeat({ sweepState, clock: clockOfProcess, log }, periodSeconds),
      policies: effects('policies', stores.policies),
      // Lists are iterated, the budget is known without asking, admin rules are only looked at: none is one effect.
      inventory,
      rights: effects('rights', rights),
      securityAdminRules: adminRules,
      authorization: effects('authorization', authorization),
      budget,
      network: effects('network', onClockOf(network, clockAheadMilliseconds)),
      clock: clockOfProcess,
      log,
      installation: contoso,
      quotas,
      newId: () => idOf((ids += 1)),
    };
    const reconcileNsg = createReconciler(dependencies);
    const step = createStep(dependencies, reconcileNsg);
    const followHint = createFollowHint(dependencies, reconcileNsg);
    const sweep = createSweep(dependencies, { step, reconcile: reconcileNsg, periodSeconds, warnSeconds });
    const service = createAccessRequestService(dependencies, quota, orchestrations, reconcileNsg);
    return {
      lifeline,
      dependencies,
      service,
      submit: (changes) => service.submit({ ...submission, ...changes }),
      revoke: async (id, correlationId = submission.correlationId) => {
        await service.revoke({ id, person: alice, correlationId });
      },
      extend: (id, changes) => service.extend({ id, ...extension, ...changes }),
      step,
      reconcile: reconcileNsg,
      sweep: () => sweep(orchestrations),
      policyStep: createPolicyStep(dependencies, reconcileNsg),
      recommend: createRecommend(dependencies, [22, 3389]),
      followHint: (hint) => followHint(hint, { orchestrations, correlationId: submission.correlationId }),
    };
  }

  async function runUntil(instant: Date, process: Process): Promise<void> {
    while (await runOnce(instant, process));
    await clock.advanceTo(instant);
  }

  /** Lets the orchestration that is due first go on by one activity or timer. */
  async function runOnce(instant: Date, process: Process): Promise<boolean> {
    for (const [instance, grant] of running) {
      const asked = grant.asked();
      if (asked.kind !== 'activity') continue;
      try {
        grant.complete(
          await clock.run(process.step((asked.input as { requestId: string }).requestId, 'sallyport')),
        );
      } catch (error) {
        // The worker died inside the activity: the engine reports a failed task and goes on.
        if (!process.lifeline.dead) throw error;
        if (onDeath === 'task-failed') grant.fail();
        else running.delete(instance);
        return false;
      }
      return true;
    }
    const due = [...running.values()]
      .flatMap((grant) => {
        const asked = grant.asked();
        return asked.kind === 'wait' ? [{ grant, until: asked.until }] : [];
      })
      .sort((a, b) => a.until.getTime() - b.until.getTime())[0];
    if (due === undefined || due.until > instant) return false;
    await clock.advanceTo(due.until);
    due.grant.fire(clock.now());
    return true;
  }

  return {
    clock,
    ...{ network, inventory, rights, adminRules, authorization, budget },
    stores,
    logged,
    running,
    startProcess,
    runUntil,
    async request(id) {
      const stored = await stores.requests.get(id);
      if (stored === undefined) throw new Error(`There is no request ${id}.`);
      return stored.row;
    },
    ownedRules: (nsgId) =>
      (nsgId === undefined ? [subnetNsg, nicNsg] : [nsgId])
        .flatMap((one) => ruleNames(network.nsg(one)))
        .filter((name) => name.startsWith('sallyport-')),
    audit: (id) => stores.audit.read(id),
  };
}

/** How often the sweep is said to run. */
const periodSeconds = 60;

/** What a PUT cannot touch and what rotates is no matter of ours: the rest of an NSG, as JSON. */
export function contentOf(body: JsonObject | undefined): unknown {
  return JSON.parse(
    JSON.stringify(body, (key: string, value: unknown) =>
      key === 'etag' || key === 'provisioningState' ? undefined : value,
    ),
  );
}

/** The events of a request's records, after checking that their chain holds. */
export async function eventsOf(world: GrantWorld, id: string): Promise<string[]> {
  const records = await world.audit(id);
  const findings = verifyTrail(id, records);
  if (findings.length > 0) throw new Error(JSON.stringify(findings));
  return records.map(({ event }) => event.replace('request.', ''));
}

/** The network as a process sees it: what it may not send after an instant is judged by that process's own clock. */
function onClockOf(network: MemoryNetwork, ahead: number): Network {
  const shift = <Call extends CallOptions>(call: Call): Call =>
    call.notAfter === undefined ? call : { ...call, notAfter: new Date(call.notAfter.getTime() - ahead) };
  return {
    resolveVirtualMachine: (id, call) => network.resolveVirtualMachine(id, shift(call)),
    readNsg: (id, call) => network.readNsg(id, shift(call)),
    writeNsg: (nsg, body, call) => network.writeNsg(nsg, body, shift(call)),
    deleteRule: (nsg, name, call) => network.deleteRule(nsg, name, shift(call)),
    writeRule: (nsg, rule, call) => network.writeRule(nsg, rule, shift(call)),
  };
}

/** Everything that this object does is an effect of a process that may die at it. */
function mortal<T extends object>(target: T, lifeline: Lifeline, table: string, hindrance: Hindrance): T {
  return new Proxy(target, {
    get(from, name, receiver) {
      const member: unknown = Reflect.get(from, name, receiver);
      if (typeof member !== 'function') return member;
      return async (...parameters: unknown[]) => {
        if (lifeline.dead) throw new ProcessDied();
        lifeline.effects += 1;
        const fatal = lifeline.killAt?.effect === lifeline.effects ? lifeline.killAt.when : undefined;
        if (fatal === 'before') {
          lifeline.dead = true;
          throw new ProcessDied();
        }
        await hindrance.before?.(`${table}.${String(name)}`, parameters);
        const result: unknown = await Reflect.apply(member, from, parameters);
        const answer = hindrance.after?.(`${table}.${String(name)}`, parameters, result);
        if (fatal === 'after') lifeline.dead = true;
        // What was under way when the process died is done, and nobody sees the answer.
        if (lifeline.dead) throw new ProcessDied();
        return answer === undefined ? result : answer.instead;
      };
    },
  });
}

function ruleNames(body: JsonObject | undefined): string[] {
  const properties = body?.['properties'] as JsonObject | undefined;
  return ((properties?.['securityRules'] as { name: string }[] | undefined) ?? []).map(({ name }) => name);
}

function foreignNsg(): JsonObject {
  return nsgOfOthers(
    foreignRule('deny-ssh', 1000, { destinationPortRange: '22', sourceAddressPrefix: 'Internet' }),
  );
}
