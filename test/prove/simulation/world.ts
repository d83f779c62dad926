import type { Person } from '../../../src/core/accessRequest.ts';
import type { Clock } from '../../../src/core/clock.ts';
import type { NetworkHint } from '../../../src/core/networkHint.ts';
import type { Installation } from '../../../src/core/installation.ts';
import type { CallOptions, Network, WriteNsgResult } from '../../../src/core/network.ts';
import type { Policy } from '../../../src/core/policy.ts';
import { createAccessRequestService } from '../../../src/workflow/accessRequestService.ts';
import type {
  ChangePolicyResult,
  DecideResult,
  ExtendResult,
  ExtensionCall,
  Orchestrations,
  PolicyContent,
  PolicyRuns,
  ReviewResult,
  Submission,
  SubmitResult,
} from '../../../src/workflow/contracts.ts';
import { limits, secondsAfter, type Dependencies } from '../../../src/workflow/dependencies.ts';
import { createFollowHint } from '../../../src/workflow/followHint.ts';
import { grantOrchestrator } from '../../../src/workflow/grantOrchestrator.ts';
import { defaultLifeSettings } from '../../../src/workflow/lifeSettings.ts';
import {
  grantOrchestratorName,
  policyOrchestratorName,
  policyStepActivityName,
  ringEventName,
  stepActivityName,
} from '../../../src/workflow/names.ts';
import { policyOrchestrator, type PolicyStepResult } from '../../../src/workflow/policyOrchestrator.ts';
import { createPolicyService } from '../../../src/workflow/policyService.ts';
import { createPolicyStep } from '../../../src/workflow/policyStep.ts';
import { createHeartbeat } from '../../../src/workflow/heartbeat.ts';
import { createReconciler } from '../../../src/workflow/reconciler.ts';
import { createPersonQuota } from '../../../src/workflow/personQuota.ts';
import { createStep } from '../../../src/workflow/step.ts';
import type { StepResult } from '../../../src/workflow/stepResult.ts';
import { createSweep } from '../../../src/workflow/sweep.ts';
import { contoso } from '../../support/liveRow.ts';
import { createMemoryAdminRules } from '../../support/memoryAdminRules.ts';
import { createMemoryAuthorization } from '../../support/memoryAuthorization.ts';
import {
  createMemoryBudget,
  createMemoryInventory,
  createMemoryRights,
  type MemoryInventory,
} from '../../support/memoryInventory.ts';
import {
  createMemoryNetwork,
  type Happening,
  type MemoryCall,
  type MemoryNetwork,
} from '../../support/memoryNetwork.ts';
import {
  createBeatingSweepState,
  createMemorySweepState,
  createMemoryAuditTrail,
  createMemoryLiveRows,
  createMemoryNsgRecords,
  createMemoryPolicies,
  createMemoryRequests,
  createMemorySeals,
} from '../../support/memoryStores.ts';
import { virtualClock, type VirtualClock } from '../../support/virtualClock.ts';
import {
  createLifeline,
  effectsOf,
  isRead,
  ProcessDied,
  type LeavingWrite,
  type Lifeline,
  type LifelineOptions,
  type Weather,
  type Witness,
} from './effects.ts';
import type { Orchestrator } from './executor.ts';
import { createHub, type Hub, type MessageKind } from './hub.ts';
import { createTrace, type Trace } from './trace.ts';
import { foreignNsg, machines, nameOf, networkOf, nsgIds, type Machine } from './worldModel.ts';
import { alice, approverGroup, approvers, callerOf, greta } from './people.ts';
import { defaultContent, policyIdOf } from './machinePolicy.ts';
import { policyFor } from '../../support/policyFor.ts';
import { noQuotas } from '../../support/noQuotas.ts';

export const noon = new Date('2026-11-23T12:00:00.000Z');
/** What somebody asks for in the simulation. `number` ties the rows that come of it to this. */
export interface Ask {
  number: number;
  machine: Machine;
  source: string;
  port: number;
  seconds: number;
  /** Alice, if it is left out. */
  person?: Person;
  /** When access is to begin; at once, or once it is approved, if it is left out. */
  start?: Date;
  /** By somebody who may skip approval. */
  breakGlass?: true;
  idempotencyKey?: string;
}

/** More time that somebody asks for. */
export interface More {
  /** Of the request. */
  id: string;
  person: Person;
  seconds: number;
  idempotencyKey?: string;
}

/** One worker: a process with a clock of its own. */
export interface Worker {
  lifeline: Lifeline;
  clock: Clock;
  dependencies: Dependencies;
  orchestrations: Orchestrations;
  submit(ask: Ask): Promise<SubmitResult>;
  /** By Alice, if it is left out by whom. */
  revoke(id: string, by?: Person): Promise<void>;
  /** On a request that waits for people, or on the extension of one that does. */
  /** `end`: what they have seen to wait ends then. */
  decide(id: string, by: Person, decision: 'approve' | 'deny', end?: string): Promise<DecideResult>;
  extend(more: More): Promise<ExtendResult>;
  /** Somebody has looked at why approval was skipped. */
  review(id: string, by: Person): Promise<ReviewResult>;
  /** What an administrator does to the policy of a machine. */
  putPolicy(machine: Machine, content: PolicyContent): Promise<ChangePolicyResult>;
  removePolicy(machine: Machine): Promise<ChangePolicyResult>;
  /** The machine has left its policy, and its baseline may go. */
  release(machine: Machine): Promise<ChangePolicyResult>;
  step(requestId: string): Promise<StepResult>;
  policyStep(): Promise<PolicyStepResult>;
  sweep(): Promise<void>;
  followHint(hint: NetworkHint): Promise<void>;
}

export interface WorkerOptions extends LifelineOptions {
  clockAheadMilliseconds?: number;
  weather?: Weather;
}

export interface WorldOptions {
  witness?: Witness;
  /** How many lines of the trace are kept, for a failure. */
  keepTrace?: number;
  /** Told of each change of an NSG, at the moment at which it has it. */
  changed?: (nsgId: string, by: 'write' | 'edit') => void;
  /** Before a call has an effect in Azure: it may be under way for long. */
  inTransit?: (call: MemoryCall) => Happening | Promise<Happening>;
  /** How long a write's operation takes. */
  operationMilliseconds?: number;
  /** When each copy of a message of the hub arrives; at once and once if left out. */
  deliveries?: (kind: MessageKind) => number[];
  /** Which worker runs the next activity; rejects if there is none. */
  workerFor?: () => Worker | Promise<Worker>;
  /** What becomes of an activity whose worker has died; a failed task if it is left out. */
  whenWorkerDies?: (instance: string) => 'failed' | 'no result';
  orchestrators?: Record<string, Orchestrator>;
  activities?: Record<string, (input: unknown) => Promise<unknown>>;
  installation?: Installation;
  /** What stands in the policy of a machine at first; two ports and nothing more demanded if it is left out. */
  policyOf?: (machine: Machine) => Pick<Policy, 'entries'> & Partial<Policy>;
  /** How long a request waits for people, in seconds; as the product has it if it is left out. */
  approvalSeconds?: number;
  /** Whether nothing has been swept yet, so that opens wait for it; a heartbeat that is always fresh if left out. */
  isNew?: boolean;
}

export interface World {
  clock: VirtualClock;
  network: MemoryNetwork;
  inventory: MemoryInventory;
  hub: Hub;
  stores: Stores;
  trace: Trace;
  logged: Map<string, number>;
  startWorker(options?: WorkerOptions): Worker;
  /**
   * Counts everything that may have changed anything outside the processes. While it stays, processes have only read and
   * computed.
   */
  changes(): number;
  /** All tables are gone, and empty ones are in their place. */
  loseTables(): void;
  /** Seconds since noon. */
  seconds(): number;
}

/** Everything that is outside a process, in memory, with time that the simulation drives. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const clock = virtualClock(noon);
  const trace = createTrace(() => clock.now().getTime() - noon.getTime(), options.keepTrace);
  let changes = 0;
  const network = createMemoryNetwork({
    clock,
    operationMilliseconds: options.operationMilliseconds ?? 1000,
    ...(options.inTransit === undefined ? {} : { before: options.inTransit }),
    changed: (nsgId, by) => {
      changes += 1;
      trace.note(`${by} ${nsgId.slice(-6)} ${JSON.stringify(network.nsg(nsgId))}`);
      options.changed?.(nsgId, by);
    },
  });
  for (const nsgId of nsgIds) network.addNsg(nsgId, foreignNsg());
  for (const machine of machines) network.addVirtualMachine(networkOf(machine));
  const stores = createStores(clock, options.isNew === true);
  const contentOf = options.policyOf ?? defaultContent;
  for (const machine of machines) {
    await stores.policies.insert(policyFor(policyIdOf(machine), machine.id, [], contentOf(machine)));
  }
  const shared = {
    inventory: createMemoryInventory(network),
    rights: createMemoryRights(),
    securityAdminRules: createMemoryAdminRules(),
    authorization: createMemoryAuthorization(),
    budget: createMemoryBudget(),
  };
  for (const { objectId } of approvers) shared.authorization.join(objectId, approverGroup);
  const logged = new Map<string, number>();
  const quota = createPersonQuota(noQuotas);
  let ids = 0;
  let workers = 0;

  const hub = createHub({
    clock,
    orchestrators: {
      [grantOrchestratorName]: grantOrchestrator,
      [policyOrchestratorName]: policyOrchestrator,
      ...options.orchestrators,
    },
    deliveries: options.deliveries ?? (() => [0]),
    noted(what) {
      changes += 1;
      trace.note(what);
    },
    async runActivity(name, input, instance) {
      const other = options.activities?.[name];
      if (other !== undefined) return other(input);
      const isStep = name === stepActivityName;
      if (!isStep && name !== policyStepActivityName) throw new Error(`There is no activity ${name}.`);
      const worker = await options.workerFor?.();
      if (worker === undefined) throw new Error('No worker is there.');
      const { lifeline } = worker;
      const work = isStep ? worker.step((input as { requestId: string }).requestId) : worker.policyStep();
      try {
        const result = await Promise.race([work, lifeline.died]);
        if (!lifeline.dead) return result;
      } catch (error) {
        if (!lifeline.dead) throw error;
      } finally {
        changes += 1;
      }
      // The host sees that its worker has gone, wherever in its code that was.
      await clock.sleep(hostNoticesMilliseconds);
      if (options.whenWorkerDies?.(instance) !== 'no result') throw new ProcessDied();
      return new Promise(() => undefined);
    },
  });
  const orchestrations: Orchestrations = {
    start(instance, requestId) {
      hub.start(instance, grantOrchestratorName, { requestId });
      return Promise.resolve();
    },
    ring(instance) {
      hub.raise(instance, ringEventName);
      return Promise.resolve();
    },
    status: (instance) => Promise.resolve(hub.status(instance)),
    purge: () => Promise.resolve(0),
  };
  const policyRuns: PolicyRuns = {
    start({ id, version }) {
      hub.start(`policy ${id} ${version}`, policyOrchestratorName, { policyId: id });
      return Promise.resolve();
    },
  };
  const lifeSettings =
    options.approvalSeconds === undefined
      ? defaultLifeSettings
      : { ...defaultLifeSettings, approvalSeconds: options.approvalSeconds };
  const traced: Witness = {
    sent(effect) {
      if (!isRead(effect.name)) changes += 1;
      trace.note(`${effect.process} ${effect.name} ${aboutOf(effect.parameters)}`);
      options.witness?.sent(effect);
    },
    leaves: () => undefined,
    done(effect, result) {
      if (!isRead(effect.name)) changes += 1;
      options.witness?.done(effect, result);
    },
  };

  function startWorker({ clockAheadMilliseconds = 0, weather = {}, ...life }: WorkerOptions = {}): Worker {
    workers += 1;
    const lifeline = createLifeline(`w${workers}`, life);
    const own: Clock = {
      now: () => new Date(clock.now().getTime() + clockAheadMilliseconds),
      sleep: (milliseconds) => clock.sleep(milliseconds),
    };
    const outside = <T extends object>(name: string, target: T) =>
      effectsOf(target, name, lifeline, weather, traced);
    const note = (message: string) => {
      if (lifeline.dead) return;
      logged.set(message, (logged.get(message) ?? 0) + 1);
      trace.note(`${lifeline.process} says ${message}`);
    };
    const table = <Name extends keyof Stores>(name: Name): Stores[Name] =>
      outside(name, asLongAsThere(stores, name));
    const sweepState = table('sweepState');
    const log = { info: () => undefined, warn: note, error: note };
    const dependencies: Dependencies = {
      requests: table('requests'),
      live: table('live'),
      nsgs: table('nsgs'),
      audit: table('audit'),
      seals: table('seals'),
      sweepState,
      heartbeat: createHeartbeat({ sweepState, clock: own, log }, sweepPeriodSeconds),
      policies: table('policies'),
      network: outside(
        'network',
        asSeenFrom(own, network, (write) => options.witness?.leaves(lifeline.process, write)),
      ),
      inventory: outside('inventory', shared.inventory),
      rights: outside('rights', shared.rights),
      securityAdminRules: shared.securityAdminRules,
      authorization: outside('authorization', shared.authorization),
      budget: shared.budget,
      clock: own,
      log,
      installation: options.installation ?? contoso,
      quotas: noQuotas,
      newId() {
        if (lifeline.dead) throw new ProcessDied();
        ids += 1;
        changes += 1;
        return ids.toString(16).padStart(32, '0');
      },
    };
    const reconcile = createReconciler(dependencies);
    const step = createStep(dependencies, reconcile);
    const sweep = createSweep(dependencies, {
      step,
      reconcile,
      periodSeconds: sweepPeriodSeconds,
      warnSeconds: 300,
    });
    const followHint = createFollowHint(dependencies, reconcile);
    const ofWorker = outside('orchestrations', orchestrations);
    const service = createAccessRequestService(dependencies, quota, ofWorker, reconcile, lifeSettings);
    const policies = createPolicyService(dependencies, outside('orchestrations', policyRuns));
    const policyStep = createPolicyStep(dependencies, reconcile);
    const byGreta = { caller: callerOf(greta), correlationId };
    return {
      lifeline,
      clock: own,
      dependencies,
      orchestrations: ofWorker,
      submit: (ask) => service.submit(submissionOf(ask)),
      revoke: async (id, by = alice) => {
        await service.revoke({ id, person: by, correlationId });
      },
      decide: (id, by, decision, end) =>
        service.decide({
          ...{ id, caller: callerOf(by), decision, comment: decision, correlationId },
          ...(end === undefined ? {} : { end }),
        }),
      extend: (more) => service.extend(extensionOf(more)),
      review: (id, by) => service.review({ id, caller: callerOf(by), comment: 'seen', correlationId }),
      putPolicy: (machine, content) => policies.put(policyIdOf(machine), content, byGreta),
      removePolicy: (machine) => policies.remove(policyIdOf(machine), byGreta),
      release: (machine) => policies.release(policyIdOf(machine), [machine.id], byGreta),
      policyStep,
      step: (requestId) => step(requestId, 'sallyport'),
      followHint: (hint) => followHint(hint, { orchestrations: ofWorker, correlationId: 'hint' }),
      sweep: async () => {
        await sweep(ofWorker);
      },
    };
  }

  return {
    clock,
    network,
    inventory: shared.inventory,
    hub,
    stores,
    trace,
    logged,
    startWorker,
    changes: () => changes + clock.woken(),
    loseTables: () => {
      Object.assign(stores, createStores(clock, true));
    },
    seconds: () => (clock.now().getTime() - noon.getTime()) / 1000,
  };
}

const sweepPeriodSeconds = 60;
const hostNoticesMilliseconds = 1;

function createStores(clock: Clock, isNew: boolean) {
  return {
    requests: createMemoryRequests(),
    live: createMemoryLiveRows(),
    nsgs: createMemoryNsgRecords(),
    audit: createMemoryAuditTrail(() => clock.now()),
    seals: createMemorySeals(),
    sweepState: isNew ? createMemorySweepState() : createBeatingSweepState(clock),
    policies: createMemoryPolicies(),
  };
}

type Stores = ReturnType<typeof createStores>;

/** A table as a process holds it: by its name, whichever it is by then. */
function asLongAsThere<Name extends keyof Stores>(stores: Stores, name: Name): Stores[Name] {
  return new Proxy(stores[name], { get: (_then, member) => Reflect.get(stores[name], member) as unknown });
}

const correlationId = '5a11f0a7-0000-4000-8000-000000000001';

export function submissionOf(ask: Ask): Submission {
  const { number, machine, source, port, seconds, person = alice, start, breakGlass, idempotencyKey } = ask;
  return {
    requester: person,
    virtualMachines: [
      {
        id: machine.id,
        ports: [{ number: port, protocol: 'Tcp', allowedSourceAddressPrefix: `${source}/32` }],
      },
    ],
    duration: `PT${seconds}S`,
    durationSeconds: seconds,
    justification: `sim ${number}`,
    correlationId,
    bodyHash: `body ${number}`,
    ...(start === undefined ? {} : { start: start.toISOString() }),
    ...(breakGlass === undefined ? {} : { breakGlass }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

function extensionOf({ id, person, seconds, idempotencyKey }: More): ExtensionCall {
  return {
    ...{ id, person, correlationId, durationSeconds: seconds, duration: `PT${seconds}S` },
    justification: 'not done yet',
    bodyHash: `${seconds} more`,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

/**
 * Azure as one process sees it: whether it is too late to send is judged by its own clock and when it sends, however long
 * the call is then under way; and it does not wait for an answer for ever, whatever becomes of the call.
 */
function asSeenFrom(clock: Clock, network: MemoryNetwork, leaves: (write: LeavingWrite) => void): Network {
  const isLate = ({ notAfter }: CallOptions) => notAfter !== undefined && clock.now() > notAfter;
  const timeOut = async <T>(seconds: number, result: T): Promise<T> => {
    await clock.sleep(seconds * 1000);
    return result;
  };
  const unknown = { kind: 'unknown', message: 'Azure did not answer in time.' } as const;

  function send(
    write: LeavingWrite,
    options: CallOptions,
    call: (options: CallOptions) => Promise<WriteNsgResult>,
  ): Promise<WriteNsgResult> {
    if (isLate(options)) return Promise.resolve({ kind: 'too-late' });
    leaves(write);
    return Promise.race([
      call({ correlationId: options.correlationId }),
      timeOut<WriteNsgResult>(limits.writeTimeout, unknown),
    ]);
  }

  return {
    resolveVirtualMachine: (id, options) => network.resolveVirtualMachine(id, options),
    readNsg: (id, { correlationId }) =>
      Promise.race([network.readNsg(id, { correlationId }), timeOut(10, unknown)]),
    writeNsg: (nsg, body, options) =>
      send({ kind: 'nsg', nsg, body }, options, (sent) => network.writeNsg(nsg, body, sent)),
    deleteRule: (nsg, ruleName, options) =>
      send({ kind: 'rule', nsgId: nsg.id, ruleName }, options, (sent) =>
        network.deleteRule(nsg, ruleName, sent),
      ),
    writeRule: (nsg, rule, options) =>
      send({ kind: 'rule', nsgId: nsg.id, ruleName: nameOf(rule) }, options, (sent) =>
        network.writeRule(nsg, rule, sent),
      ),
  };
}

export const instantAfter = (seconds: number): Date => secondsAfter(noon, seconds);

/** What an effect is about, in a few words. */
function aboutOf([first]: unknown[]): string {
  if (typeof first === 'string') return first.slice(-12);
  const { requestId, id, state, nsgId } = (first ?? {}) as Record<string, unknown>;
  return [requestId, id, nsgId, state]
    .map((word) => (typeof word === 'string' ? word.slice(-10) : ''))
    .join(' ');
}
