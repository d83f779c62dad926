import type { AccessRequest } from '../../src/core/accessRequest.ts';
import { ownedName } from '../../src/core/ownedRule.ts';
import { engineSettings } from './activityQueue.ts';
import { startAdministrator } from './administrator.ts';
import { createSimulatedArm } from './simulatedArm.ts';
import type { BurstOptions, BurstResult } from './burst.ts';
import { armSettings, callsBetween, firstWithout, firstWith, knowingDelays, spread } from './burst.ts';
import { createGrantEngine } from './grantEngine.ts';
import { createStores, installation, startWorker, type Complaint } from './sallyport.ts';
import { approvalOf, policyOf, submissionOf } from './submissions.ts';
import { createVirtualTime, takeOverTimers } from './virtualTime.ts';

const ports = [22, 3389];

/** Many grants at once by Sallyport: asked for, opened, ended, closed. */
export async function grantBurst(options: BurstOptions): Promise<BurstResult> {
  const time = createVirtualTime(new Date('2026-11-23T09:00:00.000Z'));
  takeOverTimers(time);
  const { nsgs, durationSeconds } = options;
  const arm = createSimulatedArm(time, {
    nsgs,
    machines: options.grants,
    callMilliseconds: options.callMilliseconds,
    settings: armSettings(options),
  });
  const stores = createStores(time, engineSettings.storageMilliseconds);
  const complaints: Complaint[] = [];
  const nsgOf = (machine: number) => machine % nsgs;
  const workers = Array.from({ length: options.workers }, (_, index) =>
    startWorker(time, arm, stores, { name: `worker-${index}`, nsgOf, complaints }),
  );
  const engine = createGrantEngine(time, workers, { ...engineSettings, losesTimers: options.losesTimers });
  const [first] = workers;
  if (first === undefined) throw new Error('A burst needs a worker.');
  const service = first.service(engine.orchestrations);

  for (let machine = 0; machine < options.grants; machine += 1) {
    await time.run(stores.policies.insert(policyOf(machine, ports, options.approvers)));
  }
  const began = time.elapsed();
  const administrator = startAdministrator(time, arm, options.administrator);
  let sweeping: (() => void) | undefined;
  const everyMinute = () => {
    sweeping = time.after(60_000, everyMinute);
    void first.sweep(engine.orchestrations);
  };
  if (options.losesTimers) sweeping = time.after(options.sweepPhaseSeconds * 1000, everyMinute);

  const denied = new Map<string, number>();
  const ids: string[] = [];
  await time.run(
    Promise.all(
      Array.from({ length: options.grants }, async (_, machine) => {
        await time.sleep((options.spreadSeconds * 1000 * machine) / options.grants);
        const result = await service.submit(submissionOf(machine, ports, durationSeconds));
        if (result.kind === 'accepted') {
          ids.push(result.request.id);
          for (let approver = 0; approver < options.approvers; approver += 1) {
            await time.sleep(60_000);
            await service.decide(approvalOf(result.request.id, approver));
          }
        } else {
          const why = result.kind === 'denied' ? (result.decision.reasons[0]?.code ?? '') : result.kind;
          denied.set(why, (denied.get(why) ?? 0) + 1);
        }
      }),
    ).then(() => (options.losesTimers ? time.sleep((durationSeconds + 300) * 1000) : engine.ended())),
  );
  administrator.stop();
  sweeping?.();

  const rows = await Promise.all(ids.map(async (id) => time.run(stores.requests.get(id))));
  const requests = rows.flatMap((stored) => (stored === undefined ? [] : [stored.row]));
  const middle = began + (durationSeconds * 1000) / 2;
  const write = options.writeSeconds * 1000;
  const open = requests.flatMap((request) => {
    const at = firstWith(arm, [ruleOf(request)]);
    return at === undefined ? [] : [{ request, at }];
  });
  const since = (instant: string) => Date.parse(instant) - time.now().getTime() + time.elapsed();
  const states: Record<string, number> = Object.fromEntries(denied);
  for (const request of requests) {
    const state = request.state === 'failed' ? `failed: ${request.reason?.code ?? ''}` : request.state;
    states[state] = (states[state] ?? 0) + 1;
  }
  const histories = [...engine.histories.values()];
  return {
    open: callsBetween(arm, began, middle, 'worker'),
    close: callsBetween(arm, middle, time.elapsed(), 'worker'),
    edits: administrator.edits(),
    states,
    opened: open.length,
    visible: spread(open.map(({ request, at }) => (at - since(request.requestedAt)) / write)),
    recorded: spread(
      open.flatMap(({ request }) => {
        const active = request.journal.find(({ event }) => event === 'active');
        return active === undefined ? [] : [(since(active.at) - since(request.requestedAt)) / write];
      }),
    ),
    knowing: spread(knowingDelays(arm, write)),
    lateness: spread(
      open.flatMap(({ request, at }) => {
        const gone = firstWithout(arm, [ruleOf(request)], at);
        return gone === undefined ? [] : [(gone - since(request.end)) / 1000];
      }),
    ),
    neverClosed: open.filter(({ request, at }) => firstWithout(arm, [ruleOf(request)], at) === undefined)
      .length,
    history: histories[0] ?? [],
    episodes: spread(histories.map((history) => history.filter(({ EventType }) => EventType === 12).length)),
    complaints: countOf(complaints.map(({ message }) => message)),
  };
}

function ruleOf({ id }: AccessRequest): string {
  return ownedName(installation.id, id, 1);
}

function countOf(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}
