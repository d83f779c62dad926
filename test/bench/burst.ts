import type { Settings } from '../../dev/arm/exchange.ts';
import type { SimulatedArm } from './simulatedArm.ts';
import type { DurableEvent } from './durableHistory.ts';

/** Many grants, two ports each. */
export interface BurstOptions {
  grants: number;
  /** How many NSGs they are spread over. */
  nsgs: number;
  workers: number;
  /** L: one write, from its acceptance to its end. */
  writeSeconds: number;
  /** How long each grant is asked for, at most three hours. */
  durationSeconds: number;
  /** What the simulator says while a write is under way: Azure's growing patience, or always so many seconds. */
  retryAfter: 'growing' | number;
  /** One call of Azure Resource Manager, there and back. */
  callMilliseconds: number;
  /** Over how long the requests come in; 0: all at once. */
  spreadSeconds: number;
  /** What somebody else does to the NSG once a second. */
  administrator: 'nothing' | 'tags' | 'rules';
  /** Whether every timer message is lost; then a sweep runs every 60 s, the first after so many. */
  losesTimers: boolean;
  sweepPhaseSeconds: number;
  throttling: boolean;
  /** How many people approve each grant, a minute after one another; 0: the policy wants nobody's approval. */
  approvers: number;
}

export const usualBurst: Omit<BurstOptions, 'grants'> = {
  nsgs: 1,
  workers: 1,
  writeSeconds: 1,
  durationSeconds: 3 * 3600,
  retryAfter: 'growing',
  callMilliseconds: 10,
  spreadSeconds: 0,
  administrator: 'nothing',
  losesTimers: false,
  sweepPhaseSeconds: 0,
  throttling: true,
  approvers: 0,
};

/** Calls of Azure Resource Manager in one phase. */
export interface CallCounts {
  /** Writes that were accepted. */
  writes: number;
  /** Writes that were answered with 409, 412 or 429, or superseded after they were accepted. */
  wasted: number;
  nsgReads: number;
  polls: number;
  /** Anything that was answered with 429. */
  throttled: number;
}

/** The least, the median and the largest of something. */
export interface Spread {
  least: number;
  median: number;
  most: number;
}

export interface BurstResult {
  open: CallCounts;
  close: CallCounts;
  /** How many edits of the administrator were accepted. */
  edits: number;
  /** How many requests ended in which state. */
  states: Record<string, number>;
  /** Grants whose rules were all there and settled at one time. */
  opened: number;
  /** From the approved row to the settled rule, in writes. */
  visible: Spread;
  /** From the approved row to the row that says so, in writes. */
  recorded: Spread;
  /** From the end of a write to the moment at which its sender knows, in writes. */
  knowing: Spread;
  /** From the end of a grant to the settled NSG without its rules, in seconds. */
  lateness: Spread;
  neverClosed: number;
  /** Of one orchestration. */
  history: DurableEvent[];
  episodes: Spread;
  /** Warnings and errors that were logged. */
  complaints: Record<string, number>;
}

export function armSettings(options: BurstOptions): Partial<Settings> {
  return {
    operationMs: options.writeSeconds * 1000,
    pollRetryAfter: options.retryAfter,
    throttling: options.throttling,
  };
}

/** Counts the calls of senders whose name begins so, from one instant to another. */
export function callsBetween(arm: SimulatedArm, from: number, to: number, sender: string): CallCounts {
  const calls = arm.calls.filter((call) => call.at >= from && call.at < to && call.sender.startsWith(sender));
  const writes = calls.filter(({ kind }) => kind === 'write');
  const superseded = arm.writes.filter(
    ({ at, operation, sender: by }) =>
      at >= from && at < to && by.startsWith(sender) && operation.status === 'Canceled',
  );
  return {
    writes: writes.filter(({ status }) => status < 300).length,
    wasted: writes.filter(({ status }) => [409, 412, 429].includes(status)).length + superseded.length,
    nsgReads: calls.filter(({ kind }) => kind === 'nsg-read').length,
    polls: calls.filter(({ kind }) => kind === 'poll').length,
    throttled: calls.filter(({ status }) => status === 429).length,
  };
}

/** When an NSG was first settled with all of these rules; undefined if it never was. */
export function firstWith(arm: SimulatedArm, rules: readonly string[]): number | undefined {
  return settledWhen(arm, 0, (there) => rules.every((rule) => there.has(rule)));
}

/** When an NSG that had one of these rules was first settled without any, after this instant. */
export function firstWithout(arm: SimulatedArm, rules: readonly string[], after: number): number | undefined {
  const nsgId = arm.writes.find((write) => rules.some((rule) => write.rules.has(rule)))?.nsgId;
  return settledWhen(
    { writes: arm.writes.filter((write) => write.nsgId === nsgId), simulator: arm.simulator },
    after,
    (there) => !rules.some((rule) => there.has(rule)),
  );
}

function settledWhen(
  { writes, simulator }: Pick<SimulatedArm, 'writes' | 'simulator'>,
  after: number,
  holds: (rules: ReadonlySet<string>) => boolean,
): number | undefined {
  const now = simulator.clock();
  for (const { operation, at, endsAt, rules } of writes) {
    const ended = operation.status !== 'Canceled' && operation.dueAt <= now;
    if (at >= after && ended && holds(rules)) return endsAt;
  }
  return undefined;
}

/** How long after the end of each write its sender knew of it, in writes. */
export function knowingDelays(arm: SimulatedArm, writeMilliseconds: number): number[] {
  return arm.writes.flatMap(({ knownAt, endsAt, operation }) =>
    knownAt === undefined || operation.status === 'Canceled' ? [] : [(knownAt - endsAt) / writeMilliseconds],
  );
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return { least: at(0), median: at(Math.floor(sorted.length / 2)), most: at(sorted.length - 1) };
}
