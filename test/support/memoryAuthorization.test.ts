import { describeAuthorizationContract } from '../contracts/authorization.ts';
import { createMemoryAuthorization } from './memoryAuthorization.ts';

const group = '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/contoso';
const machines = `${group}/providers/Microsoft.Compute/virtualMachines`;

describeAuthorizationContract(
  'in memory',
  { group, machines: [`${machines}/one`, `${machines}/two`] },
  () => {
    const authorization = createMemoryAuthorization();
    const nothing = () => undefined;
    const close = () => Promise.resolve();
    return Promise.resolve({ ...authorization, authorization, forget: nothing, close });
  },
);
