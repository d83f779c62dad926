import { ComputeManagementClient } from '@azure/arm-compute';
import { NetworkManagementClient } from '@azure/arm-network';
import { SUBSCRIPTION } from './client.ts';

/**
 * Run as a process with NODE_EXTRA_CA_CERTS: both stock clients over https, nothing changed but the endpoint.
 * Argument: the simulator's URL. Prints one line of JSON.
 */
const endpoint = process.argv[2] ?? '';
const expiresOnTimestamp = Date.now() + 3_600_000;
const credential = { getToken: () => Promise.resolve({ token: 'opaque', expiresOnTimestamp }) };
const network = new NetworkManagementClient(credential, SUBSCRIPTION, { endpoint });
const compute = new ComputeManagementClient(credential, SUBSCRIPTION, { endpoint });

const machines: (string | undefined)[] = [];
for await (const machine of compute.virtualMachines.listAll()) machines.push(machine.name);
const rule = await network.securityRules.beginCreateOrUpdateAndWait('contoso-web-rg', 'nsg-web', 'sp-1', {
  protocol: 'Tcp',
  access: 'Allow',
  direction: 'Inbound',
  priority: 100,
  sourcePortRange: '*',
  destinationPortRange: '22',
  sourceAddressPrefix: '203.0.113.7',
  destinationAddressPrefix: '10.20.1.4',
});
await network.securityRules.beginDeleteAndWait('contoso-web-rg', 'nsg-web', 'sp-1');
process.stdout.write(`${JSON.stringify({ machines, provisioningState: rule.provisioningState })}\n`);
