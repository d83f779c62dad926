import { resourceTags } from 'types.bicep'

@description('Region of the scheduler.')
param location string
@description('Name of the scheduler.')
param name string
@description('Tags of the scheduler.')
param tags resourceTags
@description('Name of the task hub; that in host.json.')
param taskHubName string

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: { name: 'Consumption' }
    // Every address: the instances of the app have none of their own. An empty list would shut everybody out.
    ipAllowlist: ['0.0.0.0/0']
  }

  resource taskHub 'taskHubs' = {
    name: taskHubName
  }
}
