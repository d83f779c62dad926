// A deployment of its own, after the code: Event Grid asks the function when the subscription is made.

@description('Name of the function app, in this resource group.')
param functionAppName string

resource app 'Microsoft.Web/sites@2025-03-01' existing = { name: functionAppName }

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgt-${functionAppName}'
  location: 'global'
  properties: { source: subscription().id, topicType: 'Microsoft.Resources.Subscriptions' }

  resource networkChanged 'eventSubscriptions' = {
    name: 'network-changed'
    properties: {
      eventDeliverySchema: 'CloudEventSchemaV1_0'
      destination: {
        endpointType: 'AzureFunction'
        properties: {
          resourceId: '${app.id}/functions/networkChanged'
          maxEventsPerBatch: 1
        }
      }
      filter: {
        includedEventTypes: [
          'Microsoft.Resources.ResourceWriteSuccess'
          'Microsoft.Resources.ResourceDeleteSuccess'
        ]
        advancedFilters: [
          {
            operatorType: 'StringIn'
            key: 'data.operationName'
            values: [
              'Microsoft.Network/networkSecurityGroups/write'
              'Microsoft.Network/networkSecurityGroups/delete'
              'Microsoft.Network/networkSecurityGroups/securityRules/write'
              'Microsoft.Network/networkSecurityGroups/securityRules/delete'
              'Microsoft.Network/networkInterfaces/write'
              'Microsoft.Network/networkInterfaces/delete'
              'Microsoft.Compute/virtualMachines/write'
              'Microsoft.Compute/virtualMachines/delete'
            ]
          }
        ]
      }
    }
  }
}
