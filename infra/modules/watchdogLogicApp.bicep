@description('Region of the watchdog.')
param location string
@description('Name of the watchdog.')
param name string
@description('Whose rules are looked at.')
param installationId string
@description('How long past its end a rule may stand.')
param graceMinutes int
@description('Address that is told; empty: nobody.')
param alertEmail string

var resourceManager = environment().resourceManager

resource workflow 'Microsoft.Logic/workflows@2019-05-01' = {
  name: name
  location: location
  identity: { type: 'SystemAssigned' }
  properties: {
    state: 'Enabled'
    definition: loadJsonContent('../watchdog/workflow.json')
    parameters: {
      installation: { value: installationId }
      graceMinutes: { value: graceMinutes }
      subscriptions: { value: [subscription().subscriptionId] }
      // Without the slash at its end.
      resourceManager: { value: take(resourceManager, length(resourceManager) - 1) }
    }
  }
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(alertEmail)) {
  name: '${name}-people'
  location: 'global'
  properties: {
    groupShortName: 'Watchdog'
    enabled: true
    emailReceivers: [{ name: 'people', emailAddress: alertEmail, useCommonAlertSchema: true }]
  }
}

// A run fails when it removed something, and when it could not look: both want a person.
resource alert 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: '${name}-rings'
  location: 'global'
  properties: {
    description: 'The watchdog removed a rule that Sallyport should have closed, or could not look.'
    severity: 0
    enabled: true
    scopes: [workflow.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'failed runs'
          metricNamespace: 'Microsoft.Logic/workflows'
          metricName: 'RunsFailed'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    autoMitigate: false
    actions: empty(alertEmail) ? [] : [{ actionGroupId: people.id }]
  }
}

@description('What role assignments are given to.')
output principalId string = workflow.identity.principalId
