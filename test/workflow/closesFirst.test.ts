// Loaded before time stands still: loading is the only thing here that takes real time.
import '@azure/arm-network';
import type { HttpClient } from '@azure/core-rest-pipeline';
import { describe, expect, it } from 'vitest';
import { ArmError } from '../../dev/arm/errors.ts';
import { createArm } from '../../src/adapters/arm/arm.ts';
import type { LiveRow } from '../../src/core/accessRequest.ts';
import { ownedRules, rawRule } from '../../src/core/ownedRule.ts';
import { createHeartbeat } from '../../src/workflow/heartbeat.ts';
import type { ReconcileCall } from '../../src/workflow/reconcileResult.ts';
import { createReconciler } from '../../src/workflow/reconciler.ts';
import { isShut, waitOf } from '../../src/workflow/reconcilePath.ts';
import { azureState, nsgId, subscriptionId } from '../bench/azureState.ts';
import { createSimulatedArm, origin } from '../bench/simulatedArm.ts';
import { createVirtualTime, type VirtualTime } from '../bench/virtualTime.ts';
import { contoso, liveRow } from '../support/liveRow.ts';
import {
  createBeatingSweepState,
  createMemoryAuditTrail,
  createMemoryLiveRows,
  createMemoryNsgRecords,
  createMemoryRequests,
} from '../support/memoryStores.ts';

const noon = new Date('2026-11-23T12:00:00.000Z');
/** Activities at once, as host.json has it. */
const slots = 10;
/** NSGs of either kind, and grants on each of them: 800 in all. */
const each = 100;
const grantsOnEach = 4;

/** One write of an NSG that Azure answered. */
interface Answered {
  purpose: ReconcileCall['purpose'];
  status: number;
  at: number;
  /** What the bucket of writes holds after it. */
  left: number;
}

/** As many NSGs whose grants have ended as such whose grants are to be opened, and these came first. */
const purposeOf = (number: number): ReconcileCall['purpose'] => (number < each ? 'open' : 'close');

function rowsOf(number: number): LiveRow[] {
  return Array.from({ length: grantsOnEach }, (_, index) => {
    const requestId = (number * grantsOnEach + index).toString(16).padStart(32, '0');
    const row = liveRow(nsgId(number), noon, index + 1, { requestId });
    return purposeOf(number) === 'open' ? row : { ...row, state: 'closing', version: 2 };
  });
}

function stateOf(): unknown {
  const state = azureState(2 * each) as { resources: { properties: { securityRules: unknown[] } }[] };
  return {
    ...state,
    resources: state.resources.map((nsg, number) => ({
      ...nsg,
      properties: {
        securityRules: [
          ...nsg.properties.securityRules.slice(-2),
          ...(purposeOf(number) === 'open' ? [] : rowsOf(number))
            .flatMap((row) => ownedRules(row, contoso.id))
            .map((rule, index) => rawRule(rule, 100 + index)),
        ],
      },
    })),
  };
}

/** Does the jobs so many at a time, in the order in which they are due; a job says after how many seconds it is due again. */
async function work(
  time: VirtualTime,
  jobs: number[],
  perform: (job: number) => Promise<number | undefined>,
): Promise<void> {
  const due = jobs.map((job) => ({ job, at: 0 }));
  let undone = jobs.length;
  await Promise.all(
    Array.from({ length: slots }, async () => {
      while (undone > 0) {
        due.sort((one, other) => one.at - other.at);
        const one = (due[0]?.at ?? Infinity) <= time.elapsed() ? due.shift() : undefined;
        if (one === undefined) {
          await time.sleep(100);
          continue;
        }
        const seconds = await perform(one.job);
        if (seconds === undefined) undone -= 1;
        else due.push({ job: one.job, at: time.elapsed() + seconds * 1000 });
      }
    }),
  );
}

describe('400 grants to close and 400 to open at once, with nothing left in the bucket of writes', () => {
  it('are closed first; opens leave a fifth of the bucket alone, and get their turn in the end', async () => {
    const time = createVirtualTime(noon);
    const settings = { operationMs: 1000 };
    const arm = createSimulatedArm(time, { nsgs: 0, state: stateOf(), callMilliseconds: 50, settings });
    drainWrites(arm.simulator.throttle, noon.getTime());
    const answered: Answered[] = [];
    const httpClient: HttpClient = {
      sendRequest: async (request) => {
        const answer = await arm.httpClient.sendRequest(request);
        if (request.method !== 'GET') {
          const number = Number(/nsg-(\d+)/.exec(request.url)?.[1]);
          const left = Number(answer.headers.get('x-ms-ratelimit-remaining-subscription-writes') ?? 0);
          answered.push({ purpose: purposeOf(number), status: answer.status, at: time.elapsed(), left });
        }
        return answer;
      },
    };
    const { network, budget } = createArm({
      ...{ endpoint: origin, credential: arm.credential, networkApiVersion: '2025-05-01' },
      ...{ clock: time, httpClient },
    });
    const live = createMemoryLiveRows();
    const numbers = Array.from({ length: 2 * each }, (_, number) => number);
    for (const row of numbers.flatMap(rowsOf)) await live.insert(row);
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const sweepState = createBeatingSweepState(time);
    const reconcileNsg = createReconciler({
      ...{ network, live, budget, clock: time, log, installation: contoso },
      ...{ sweepState, heartbeat: createHeartbeat({ sweepState, clock: time, log }, 60) },
      nsgs: createMemoryNsgRecords(),
      requests: createMemoryRequests(),
      audit: createMemoryAuditTrail(() => time.now()),
    });
    const doneAt = { open: [] as number[], close: [] as number[] };

    await time.run(
      work(time, numbers, async (number) => {
        const purpose = purposeOf(number);
        const ids = rowsOf(number).map((row) => row.requestId);
        const result = await reconcileNsg(nsgId(number), { correlationId: 'any', purpose });
        const isDone =
          purpose === 'close'
            ? ids.every((id) => isShut(result, id))
            : result.kind === 'converged' && ids.every((id) => result.admitted.has(id));
        if (isDone) doneAt[purpose].push(time.elapsed());
        return isDone ? undefined : (waitOf(result, ids[0] ?? '')?.afterSeconds ?? 1);
      }),
    );

    const of = (purpose: Answered['purpose'], accepted: boolean) =>
      answered.filter((one) => one.purpose === purpose && one.status < 300 === accepted);
    // Each NSG was written once, and what was refused was a quota's 429.
    expect([of('open', true).length, of('close', true).length]).toEqual([each, each]);
    expect(answered.filter(({ status }) => status >= 300 && status !== 429)).toEqual([]);
    // Until the first answer nobody knows: one open for each slot.
    expect(of('open', false).length).toBeLessThanOrEqual(slots);
    const lastClose = Math.max(...of('close', true).map(({ at }) => at));
    expect(of('open', true).filter(({ at }) => at < lastClose).length).toBeLessThanOrEqual(slots);
    expect(Math.min(...of('open', true).map(({ left }) => left))).toBeGreaterThanOrEqual(40 - slots);
    // Ten writes a second come back, so that is what the closes cannot beat; the opens follow.
    expect(Math.max(...doneAt.close)).toBeLessThan(
      Math.min(...doneAt.open.toSorted((a, b) => a - b).slice(slots)),
    );
  });
});

/** Somebody else with our identity has used it up. */
function drainWrites(
  throttle: ReturnType<typeof createSimulatedArm>['simulator']['throttle'],
  now: number,
): void {
  const call = {
    kind: 'write',
    subscriptionId,
    objectId: '00000000-0000-0000-0000-000000000000',
    network: false,
  } as const;
  try {
    for (;;) throttle.take(call, now);
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
  }
}
