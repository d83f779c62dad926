import { resourceTags } from 'types.bicep'

@description('Region of the rules.')
param location string
@description('Name of the Log Analytics workspace.')
param workspaceName string
@description('What the names of the rules begin with.')
param prefix string
@description('Tags of everything here.')
param tags resourceTags
@description('Address that is told; empty: the alerts are seen in the portal alone.')
param email string

// Severity and frequency are those of docs/operations.md; a query looks back over its window.
var alerts = [
  {
    name: 'close-keeps-failing'
    query: loadTextContent('../alerts/close-keeps-failing.kql')
    severity: 0
    every: 'PT5M'
    window: 'PT30M'
  }
  {
    name: 'wake-somebody'
    query: loadTextContent('../alerts/wake-somebody.kql')
    severity: 0
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'sweep-complete'
    query: loadTextContent('../alerts/sweep-complete.kql')
    severity: 0
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'tables-failing'
    query: loadTextContent('../alerts/tables-failing.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'azure-refuses'
    query: loadTextContent('../alerts/azure-refuses.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'tokens-not-verified'
    query: loadTextContent('../alerts/tokens-not-verified.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'opens-refused'
    query: loadTextContent('../alerts/opens-refused.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'daily-cap-reached'
    query: loadTextContent('../alerts/daily-cap-reached.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT30M'
  }
  {
    name: 'break-glass-used'
    query: loadTextContent('../alerts/break-glass-used.kql')
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'drift-repaired'
    query: loadTextContent('../alerts/drift-repaired.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'bypassed'
    query: loadTextContent('../alerts/bypassed.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'audit-copy-failing'
    query: loadTextContent('../alerts/audit-copy-failing.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT30M'
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = { name: workspaceName }

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: '${prefix}-people'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'Sallyport'
    enabled: true
    emailReceivers: [{ name: 'people', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in alerts: {
    name: '${prefix}-${alert.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Sallyport: ${alert.name}'
      severity: alert.severity
      enabled: true
      scopes: [workspace.id]
      evaluationFrequency: alert.every
      windowSize: alert.window
      // A table has no columns before its first row.
      skipQueryValidation: true
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Count'
            // There is always a complete sweep, unless the sweep is silent.
            operator: alert.name == 'sweep-complete' ? 'LessThan' : 'GreaterThan'
            threshold: alert.name == 'sweep-complete' ? 1 : 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: empty(email) ? [] : [people.id] }
    }
  }
]
