/** npm start: Azure and Sallyport on this machine, until Ctrl-C. */
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Environment } from './environment.ts';
import { defaultPorts, portFlags } from './ports.ts';
import type { Ports } from './ports.ts';
import { StartError } from './processes.ts';
import { virtualMachines } from './sample/policies.ts';
import { inEnvironment, Interrupted } from './session.ts';

const defaultFolder = fileURLToPath(new URL('../.sallyport', import.meta.url));

const help = `Usage: npm start [-- options]

Sallyport with all that it needs on this machine: a Functions host, Azure Resource Manager, an identity issuer and
storage. Nothing leaves the machine. Ctrl-C ends all of it; the next start goes on where this one ended.

  --port N            Functions host (default ${defaultPorts.host})
  --arm-port N        Azure Resource Manager (default ${defaultPorts.arm})
  --identity-port N   identity issuer (default ${defaultPorts.identity})
  --storage-port N    blobs; queues and tables take the next two (default ${defaultPorts.storage})
  --folder DIR        where everything is kept (default .sallyport; delete it to begin anew)
  --enforce-roles     in Azure the app may do what its roles give it and no more (see docs/permissions.md)
`;

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const options = readOptions();
    if (options === undefined) return 0;
    console.log('Starting …');
    await inEnvironment(options, async (environment) => {
      console.log('Waiting for the first sweep, without which nothing is opened …');
      await environment.watched();
      console.log(introduction(environment, options.folder));
      // Until a signal comes or a part fails.
      await new Promise(() => undefined);
    });
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) {
      console.log('\nEverything has ended.');
      return 0;
    }
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

function readOptions(): { folder: string; ports: Ports; enforceRoles: boolean } | undefined {
  const flag = (name: keyof Ports) => portFlags[name].slice(2);
  const port = { type: 'string' } as const;
  const { values } = parse({
    [flag('host')]: port,
    [flag('arm')]: port,
    [flag('identity')]: port,
    [flag('storage')]: port,
    folder: { type: 'string' },
    'enforce-roles': { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values['help'] === true) {
    process.stdout.write(help);
    return undefined;
  }
  const portOf = (name: keyof Ports) => {
    const text = values[flag(name)];
    if (typeof text !== 'string') return defaultPorts[name];
    if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65_533) return Number(text);
    throw new StartError(`${portFlags[name]} must be a number from 1 to 65533.`);
  };
  return {
    folder: typeof values['folder'] === 'string' ? resolve(values['folder']) : defaultFolder,
    enforceRoles: values['enforce-roles'] === true,
    ports: {
      host: portOf('host'),
      arm: portOf('arm'),
      identity: portOf('identity'),
      storage: portOf('storage'),
    },
  };
}

function parse(options: NonNullable<Parameters<typeof parseArgs>[0]>['options']) {
  try {
    return parseArgs({ options: options ?? {} });
  } catch (error) {
    throw new StartError(
      `${(error instanceof Error ? error.message : String(error)).replace(/\.$/, '')}. See npm start -- --help.`,
    );
  }
}

function introduction({ urls, certificate, connectionString }: Environment, folder: string): string {
  const tables = /TableEndpoint=([^;]+)/.exec(connectionString)?.[1] ?? '';
  const here = (path: string) => {
    const fromHere = relative(process.cwd(), path);
    return fromHere.startsWith('..') ? path : fromHere || '.';
  };
  return `
Sallyport runs.

  Sallyport   ${urls.host}/api/access-requests
  identity    ${urls.identity}
              tokens for alice, bob, carol (approver), dave (auditor), erin (administrator), frank (owner of the subscription)
  Azure       ${urls.arm}
              its certificate is ${here(certificate)}
  tables      ${tables}
  all data    ${here(folder)}, logs in ${here(folder)}/logs

Ask for SSH on vm-web for two minutes, as alice:

  TOKEN=$(curl -s '${urls.identity}/token?person=alice&format=text')
  VM=${virtualMachines.web}
  curl -s ${urls.host}/api/access-requests \\
    -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{
    "virtualMachines": [{ "id": "'$VM'",
      "ports": [{ "number": 22, "allowedSourceAddressPrefix": "203.0.113.7" }] }],
    "duration": "PT2M", "justification": "Look around" }'

What is open, our rules in Azure, and who did what:

  curl -s ${urls.host}/api/access-requests -H "Authorization: Bearer $TOKEN"
  curl -s --cacert ${here(certificate)} \\
    ${urls.arm}/_sim/state | grep -o '"sallyport-[^"]*"'
  curl -s ${urls.host}/api/audit -H "Authorization: Bearer $TOKEN"

Then try:

  POST …/api/access-requests/{id}/revoke
  port 23, or PT4H: refused, with the reason
  Ctrl-C while a port is open, and npm start after its end: it is shut at once

Ctrl-C ends everything.`;
}
