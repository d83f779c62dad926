import { NetworkManagementClient } from '@azure/arm-network';
import { createActivityQueue, engineSettings } from './activityQueue.ts';
import { startAdministrator } from './administrator.ts';
import { createSimulatedArm, origin } from './simulatedArm.ts';
import { addressOf, sourceOf, subscriptionId } from './azureState.ts';
import type { BurstOptions, BurstResult } from './burst.ts';
import { armSettings, callsBetween, firstWith, firstWithout, spread } from './burst.ts';
import { createVirtualTime, takeOverTimers } from './virtualTime.ts';

const ports = [22, 3389];

/**
 * The same burst by what one would write first: for each grant one orchestration, in it one activity for each port that
 * writes its rule with the SDK and waits for the SDK's poller, a timer, and a delete for each port. All as the SDK and
 * Durable have it by default; an activity that fails is tried three times, 5 s apart, as the samples do.
 */
export async function naiveBurst(options: BurstOptions): Promise<BurstResult> {
  const time = createVirtualTime(new Date('2026-11-23T09:00:00.000Z'));
  takeOverTimers(time);
  const { nsgs, durationSeconds } = options;
  const arm = createSimulatedArm(time, {
    nsgs,
    machines: options.grants,
    callMilliseconds: options.callMilliseconds,
    settings: armSettings(options),
  });
  const workers = Array.from({ length: options.workers }, (_, index) => {
    const client = new NetworkManagementClient(arm.credential, subscriptionId, {
      endpoint: origin,
      httpClient: arm.httpClient,
      credentialScopes: `${origin}/.default`,
      userAgentOptions: { userAgentPrefix: `worker-${index}` },
    });
    return client.securityRules;
  });
  const queue = createActivityQueue(time, workers, engineSettings);
  const administrator = startAdministrator(time, arm, options.administrator);
  const states: Record<string, number> = {};
  const knowing: number[] = [];
  const recorded: number[] = [];
  const write = options.writeSeconds * 1000;

  async function activity(work: (rules: (typeof workers)[number]) => Promise<unknown>): Promise<boolean> {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      if (attempt > 0) await time.sleep(5000);
      try {
        await queue.run(work);
        return true;
      } catch {
        continue;
      }
    }
    return false;
  }

  async function grant(number: number): Promise<void> {
    const approved = time.elapsed();
    const nsg = `nsg-${number % nsgs}`;
    let open = true;
    for (const [index, port] of ports.entries()) {
      const name = ruleName(number, port);
      open &&= await activity((rules) =>
        rules
          .beginCreateOrUpdateAndWait('contoso', nsg, name, {
            protocol: 'Tcp',
            sourcePortRange: '*',
            destinationPortRange: String(port),
            sourceAddressPrefix: sourceOf(number),
            destinationAddressPrefix: addressOf(number),
            access: 'Allow',
            priority: 100 + ((number * ports.length + index) % 2900),
            direction: 'Inbound',
          })
          .then(() => {
            const written = arm.writes.find(({ rules: there }) => there.has(name));
            if (written !== undefined) knowing.push((time.elapsed() - written.endsAt) / write);
          }),
      );
    }
    if (open) recorded.push((time.elapsed() - approved) / write);
    await time.sleep(approved + durationSeconds * 1000 - time.elapsed());
    let closed = true;
    for (const port of ports) {
      closed =
        (await activity((rules) => rules.beginDeleteAndWait('contoso', nsg, ruleName(number, port)))) &&
        closed;
    }
    const state = `${open ? 'opened' : 'open failed'}, ${closed ? 'closed' : 'close failed'}`;
    states[state] = (states[state] ?? 0) + 1;
  }

  const requested = Array.from(
    { length: options.grants },
    (_, number) => (options.spreadSeconds * 1000 * number) / options.grants,
  );
  await time.run(Promise.all(requested.map((at, number) => time.sleep(at).then(() => grant(number)))));
  administrator.stop();

  const middle = (durationSeconds * 1000) / 2;
  const opened = requested.flatMap((at, number) => {
    const names = ports.map((port) => ruleName(number, port));
    const visible = firstWith(arm, names);
    return visible === undefined ? [] : [{ at, names, visible }];
  });
  const gone = opened.map(({ at, names, visible }) => ({ at, gone: firstWithout(arm, names, visible) }));
  return {
    open: callsBetween(arm, 0, middle, 'worker'),
    close: callsBetween(arm, middle, time.elapsed(), 'worker'),
    edits: administrator.edits(),
    states,
    opened: opened.length,
    visible: spread(opened.map(({ at, visible }) => (visible - at) / write)),
    recorded: spread(recorded),
    knowing: spread(knowing),
    lateness: spread(
      gone.flatMap((one) => (one.gone === undefined ? [] : [(one.gone - one.at) / 1000 - durationSeconds])),
    ),
    neverClosed: gone.filter((one) => one.gone === undefined).length,
    history: [],
    episodes: spread([2 + 2 * ports.length]),
    complaints: {},
  };
}

function ruleName(number: number, port: number): string {
  return `jit-${number}-${port}`;
}
