/** The hooks of azd: what a template cannot do before and after it is deployed. */
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { AzureCliCredential } from '@azure/identity';
import { createArm } from '../../src/adapters/arm/arm.ts';
import type { Inventory } from '../../src/core/inventory.ts';
import { isInstallationId } from '../../src/core/ownedRule.ts';
import { notCheckedLine } from '../ownedRules.ts';
import { awaitRoles, defaultWaitMinutes } from './awaitRoles.ts';
import { resourceManagerAt, runHere } from './az.ts';
import { deployNetworkEvents, deployNetworkRights, deployWatchdog } from './networkRights.ts';
import { mayGo } from './refuseDown.ts';
import { signIn } from './signIn.ts';
import { mayTakeRights } from './takenGroups.ts';

const help = `Usage: npm run azure -- <command>

What azd calls before and after it deploys (azure.yaml). Takes azd's environment: azd env get-values.

Commands:
  sign-in           Find or make the app registration; says what it will do first
  after-provision   Give the rights on networks, deploy the watchdog, and wait until the roles of the identity hold;
                    refuses to take a right away where rules of this installation stand
  after-deploy      Subscribe to events of networks, where they were asked for
  before-down       Refuse while rules of this installation stand

Exit code: 0 done; 1 refused; 2 it could not be done.`;

const print = (line: string) => {
  console.log(line);
};
const environment = process.env;

function needed(name: string): string {
  const value = environment[name];
  if (!value)
    throw new Error(`${name} is not set: run this through azd, or set it as azd env get-values says.`);
  return value;
}

async function confirm(question: string): Promise<boolean> {
  if (environment['SALLYPORT_YES'] === 'true') return true;
  if (!process.stdin.isTTY) {
    print('Nobody can be asked here: SALLYPORT_YES=true says yes.');
    return false;
  }
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} (y/N) `)).trim());
  } finally {
    lines.close();
  }
}

function installation(): string {
  const installationId = needed('SALLYPORT_INSTALLATION_ID');
  if (!isInstallationId(installationId)) throw new Error('SALLYPORT_INSTALLATION_ID is no installation id.');
  return installationId;
}

/** Azure as whoever is signed in sees it; sovereign clouds have an address of their own. */
async function inventoryHere(subscription: string): Promise<Inventory> {
  const address = environment['SALLYPORT_ARM_ENDPOINT'] ?? (await resourceManagerAt(runHere));
  return createArm({
    endpoint: address,
    // Of azd's subscription, whichever the Azure CLI has as its own: that may be in another tenant.
    credential: new AzureCliCredential({ subscription }),
    networkApiVersion: '2025-05-01',
    clock: {
      now: () => new Date(),
      sleep: async (milliseconds) => {
        await sleep(milliseconds);
      },
    },
    userAgent: 'sallyport-azure',
    onUnlisted: (subscriptionId, cause) => {
      print(notCheckedLine(subscriptionId, cause));
    },
  }).inventory;
}

async function afterProvision(): Promise<boolean> {
  const installationId = installation();
  const subscriptionId = needed('AZURE_SUBSCRIPTION_ID');
  const principalId = needed('SALLYPORT_PRINCIPAL_ID');
  const groups = environment['SALLYPORT_GATEKEEPER_GROUPS'] ?? '';
  if (
    !(await mayTakeRights(
      await inventoryHere(subscriptionId),
      { installationId, subscriptionId, groups },
      print,
    ))
  )
    return false;
  await deployNetworkRights(runHere, print, environment);
  await deployWatchdog(runHere, print, environment);
  const minutes = Number(environment['SALLYPORT_ROLE_WAIT_MINUTES'] ?? defaultWaitMinutes);
  await awaitRoles({ principalId, subscriptionId }, minutes, {
    run: runHere,
    print,
    now: () => new Date(),
    sleep: async (milliseconds) => {
      await sleep(milliseconds);
    },
  });
  return true;
}

async function beforeDown(): Promise<boolean> {
  const installationId = installation();
  const subscriptionId = needed('AZURE_SUBSCRIPTION_ID');
  return mayGo(await inventoryHere(subscriptionId), installationId, subscriptionId, print);
}

const commands: Record<string, () => Promise<boolean>> = {
  'sign-in': () => {
    needed('AZURE_ENV_NAME');
    return signIn({ run: runHere, print, confirm, environment });
  },
  'after-provision': afterProvision,
  'after-deploy': async () => {
    await deployNetworkEvents(runHere, print, environment);
    return true;
  },
  'before-down': beforeDown,
};

const [name = '--help', ...rest] = process.argv.slice(2);
const command = rest.length === 0 ? commands[name] : undefined;
try {
  if (name === '--help') console.log(help);
  else if (command === undefined) throw new Error(`There is no such command.\n\n${help}`);
  else process.exitCode = (await command()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
