import { resourceTags } from 'types.bicep'

@description('Region of the rule; that of the workspace.')
param location string
@description('Name of the Log Analytics workspace.')
param workspaceName string
@description('Name of the data collection rule.')
param ruleName string
@description('Tags of the rule.')
param tags resourceTags
@description('Days that the copy is kept.')
@minValue(30)
@maxValue(730)
param retentionDays int

var columns = [
  { name: 'TimeGenerated', type: 'datetime' }
  { name: 'Event', type: 'string' }
  { name: 'Partition', type: 'string' }
  { name: 'Sequence', type: 'int' }
  { name: 'Actor', type: 'string' }
  { name: 'CorrelationId', type: 'string' }
  { name: 'Hash', type: 'string' }
  { name: 'Record', type: 'dynamic' }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: workspaceName

  resource table 'tables' = {
    name: 'SallyportAudit_CL'
    properties: {
      plan: 'Analytics'
      retentionInDays: retentionDays
      schema: { name: 'SallyportAudit_CL', columns: columns }
    }
  }
}

resource rule 'Microsoft.Insights/dataCollectionRules@2023-03-11' = {
  name: ruleName
  location: location
  tags: tags
  // Takes records at an address of its own; no endpoint resource is needed.
  kind: 'Direct'
  properties: {
    streamDeclarations: { 'Custom-SallyportAudit': { columns: columns } }
    destinations: { logAnalytics: [{ name: 'workspace', workspaceResourceId: workspace.id }] }
    dataFlows: [
      {
        streams: ['Custom-SallyportAudit']
        destinations: ['workspace']
        transformKql: 'source'
        outputStream: 'Custom-SallyportAudit_CL'
      }
    ]
  }
  dependsOn: [workspace::table]
}
