import type { OrchestrationContext, Task } from 'durable-functions';
import type { JsonObject, NsgDocument } from '../../../src/core/network.ts';
import type { MemoryNetwork } from '../../support/memoryNetwork.ts';
import type { Orchestrator } from './executor.ts';
import type { Ask } from './world.ts';
import { nameOf, rulesOf } from './worldModel.ts';

/**
 * What one would write first: one orchestration that opens, waits and closes, and trusts what it is told. `rules` puts one
 * rule and deletes it at the end; `snapshot` keeps the NSG as it was and writes it back.
 */
export const naiveKinds = ['rules', 'snapshot'] as const;
export type NaiveKind = (typeof naiveKinds)[number];

export interface NaiveInput {
  kind: NaiveKind;
  id: string;
  ask: Ask;
  /** ISO 8601. */
  end: string;
}

export const naiveName = 'naive';

export const naiveOrchestrator: Orchestrator = function* (
  context: OrchestrationContext,
): Generator<Task, unknown> {
  const input = context.df.getInput<NaiveInput>();
  const snapshots: unknown = yield context.df.callActivity('naive-open', input);
  yield context.df.createTimer(new Date(input.end));
  yield context.df.callActivity('naive-close', { ...input, snapshots });
  return 'done';
};

export interface NaiveHands {
  network: MemoryNetwork;
  /** What somebody has been told of their port. */
  told: (id: string, state: 'active' | 'closed') => void;
}

export function naiveActivities({ network, told }: NaiveHands) {
  const options = { correlationId: 'naive' };

  async function open(input: unknown): Promise<JsonObject[]> {
    const { kind, id, ask } = input as NaiveInput;
    const snapshots: JsonObject[] = [];
    for (const nsgId of ask.machine.nsgIds) {
      const nsg = await read(nsgId);
      snapshots.push(nsg.body);
      const rule = ruleOf(ask, nsg.body);
      if (kind === 'rules') check(await network.writeRule(nsg, rule, options));
      else check(await network.writeNsg(nsg, withRule(nsg.body, rule), options));
    }
    told(id, 'active');
    return snapshots;
  }

  async function close(input: unknown): Promise<string> {
    const { kind, id, ask, snapshots } = input as NaiveInput & { snapshots: JsonObject[] };
    for (const [index, nsgId] of ask.machine.nsgIds.entries()) {
      const nsg = await read(nsgId);
      if (kind === 'rules') check(await network.deleteRule(nsg, naiveNameOf(ask), options));
      else check(await network.writeNsg(nsg, snapshots[index] ?? {}, options));
    }
    told(id, 'closed');
    return 'closed';
  }

  async function read(nsgId: string): Promise<NsgDocument> {
    const result = await network.readNsg(nsgId, options);
    if (result.kind !== 'read') throw new Error(result.message);
    return result.nsg;
  }

  return { 'naive-open': open, 'naive-close': close };
}

/** An SDK's poller throws where the operation did not end well. */
function check(result: { kind: string }): void {
  if (result.kind !== 'settled') throw new Error(result.kind);
}

export const isNaive = (rule: JsonObject): boolean => nameOf(rule).startsWith('jit-');

/** Named for what it opens, as scripts do. */
function naiveNameOf({ machine, port, source }: Ask): string {
  return `jit-${machine.id.split('/').at(-1) ?? ''}-${port}-${source}`;
}

function ruleOf(ask: Ask, body: JsonObject): JsonObject {
  const name = naiveNameOf(ask);
  const there = rulesOf(body).find((rule) => rule['name'] === name);
  const taken = new Set(rulesOf(body).map((rule) => (rule['properties'] as JsonObject)['priority']));
  const free = Array.from({ length: 150 }, (_, index) => 100 + index).find(
    (priority) => !taken.has(priority),
  );
  return {
    name,
    properties: {
      ...{ protocol: 'Tcp', sourcePortRange: '*', destinationPortRange: String(ask.port) },
      ...{ sourceAddressPrefix: `${ask.source}/32`, destinationAddressPrefix: `${ask.machine.address}/32` },
      ...{ access: 'Allow', direction: 'Inbound' },
      priority: (there?.['properties'] as JsonObject | undefined)?.['priority'] ?? free ?? 100,
    },
  };
}

function withRule(body: JsonObject, rule: JsonObject): JsonObject {
  const others = rulesOf(body).filter((other) => other['name'] !== rule['name']);
  return { ...body, properties: { ...(body['properties'] as JsonObject), securityRules: [...others, rule] } };
}
