/** What the examples of the description name: made up, and the same as in the sample of `npm start`. */
export const exampleVirtualMachineId =
  '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/Contoso-Web-RG/providers/Microsoft.Compute/virtualMachines/vm-web';
export const exampleRequestId = '5feceb66ffc86f38d952786c6d696c79';
export const examplePersonId = '00000000-0000-4000-8000-0000000a11ce';
