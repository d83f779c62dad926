import type { Run } from './az.ts';

/** What `infra/networkRights.bicep` is deployed as: one stack for each installation in a subscription. */
export function rightsStackOf(installationId: string): string {
  return `sallyport-network-rights-${installationId}`;
}

/**
 * Gives the identity its rights on networks. A stack and not a plain deployment: a group that is not named any more loses
 * its assignment. And not a part of azd's own deployment: `azd down` deletes every group in which that made something.
 */
export async function deployNetworkRights(
  run: Run,
  print: (line: string) => void,
  environment: Record<string, string | undefined>,
): Promise<void> {
  const installation = environment['SALLYPORT_INSTALLATION_ID'] ?? '';
  const groups = environment['SALLYPORT_GATEKEEPER_GROUPS'] ?? '';
  // As infra/networkRights.bicep takes them: of ids, those of groups in this subscription.
  const here = `/subscriptions/${environment['AZURE_SUBSCRIPTION_ID'] ?? ''}/`.toLowerCase();
  const read = (environment['SALLYPORT_READER_GROUPS'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && (!name.startsWith('/') || name.toLowerCase().startsWith(here)))
    .map((name) => name.slice(name.lastIndexOf('/') + 1))
    .join(',');
  print(`Rights: reading ${read ? `the groups ${read}` : 'the subscription'}.`);
  print(
    groups === ''
      ? 'Rights: no network security group may be written yet: azd env set SALLYPORT_GATEKEEPER_GROUPS group,group'
      : `Rights: writing network security groups of ${groups}.`,
  );
  await run('az', [
    ...['stack', 'sub', 'create', '--name', rightsStackOf(installation)],
    ...['--location', environment['AZURE_LOCATION'] ?? ''],
    ...['--subscription', environment['AZURE_SUBSCRIPTION_ID'] ?? ''],
    ...['--parameters', 'infra/networkRights.bicepparam'],
    ...['--action-on-unmanage', 'deleteResources', '--deny-settings-mode', 'none', '--yes'],
  ]);
}

/** What `infra/watchdog.bicep` is deployed as; it goes last. */
export function watchdogStackOf(installationId: string): string {
  return `sallyport-watchdog-${installationId}`;
}

/**
 * Deploys the watchdog in a resource group of its own, apart from what `azd down` deletes: it is for the time when the app
 * is not there. Not where it was declined, and not before there is a group that the app may write.
 */
export async function deployWatchdog(
  run: Run,
  print: (line: string) => void,
  environment: Record<string, string | undefined>,
): Promise<void> {
  if (environment['SALLYPORT_WATCHDOG'] === 'false') {
    print('Watchdog: declined. If the app is stopped, nobody removes what is open.');
    return;
  }
  if (!environment['SALLYPORT_GATEKEEPER_GROUPS']) {
    print('Watchdog: nothing to watch, no group may be written yet.');
    return;
  }
  print('Watchdog: a Logic App in a resource group of its own.');
  await run('az', [
    ...['stack', 'sub', 'create', '--name', watchdogStackOf(environment['SALLYPORT_INSTALLATION_ID'] ?? '')],
    ...['--location', environment['AZURE_LOCATION'] ?? ''],
    ...['--subscription', environment['AZURE_SUBSCRIPTION_ID'] ?? ''],
    ...['--parameters', 'infra/watchdog.bicepparam'],
    ...['--action-on-unmanage', 'deleteResources', '--deny-settings-mode', 'none', '--yes'],
  ]);
}

/** Subscribes the function to changes of networks, where a source of events was chosen; the code must be there. */
export async function deployNetworkEvents(
  run: Run,
  print: (line: string) => void,
  environment: Record<string, string | undefined>,
): Promise<void> {
  if (!environment['SALLYPORT_EVENT_TOPICS']) {
    print('Events: not asked for (SALLYPORT_EVENT_TOPICS); the sweep finds the same within its period.');
    return;
  }
  print('Events: subscribing to changes of networks.');
  await run('az', [
    ...['deployment', 'group', 'create', '--name', 'sallyport-network-events'],
    ...['--resource-group', environment['SALLYPORT_RESOURCE_GROUP'] ?? ''],
    ...['--subscription', environment['AZURE_SUBSCRIPTION_ID'] ?? ''],
    ...['--parameters', 'infra/networkEvents.bicepparam'],
  ]);
}
