targetScope = 'subscription'

import { optionalSettings } from 'modules/types.bicep'

@description('Name of the azd environment; part of the names of what is made.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('Region of everything.')
param location string

@description('Client id of the app registration, which tokens must name as their audience.')
@minLength(36)
@maxLength(36)
param signInClientId string

@description('Part of the name of every rule that Sallyport owns. Never change it while a rule stands.')
@minLength(1)
@maxLength(12)
param installationId string = take(uniqueString(subscription().id, environmentName), 12)

@description('Megabytes of memory of an instance.')
param instanceMemoryMB '512' | '2048' | '4096' = '512'

@description('Instances that each group of functions may have.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances that always run for orchestrations and activities; 0: none.')
@minValue(0)
@maxValue(10)
param alwaysReadyInstances int = 0

@description('Whether Durable keeps its state in a Durable Task Scheduler instead of the host storage.')
param useDurableTaskScheduler bool = false

@description('Whether the storage accounts are reached by private endpoints alone.')
param usePrivateEndpoints bool = false

@description('Addresses of the network for private endpoints, a /26 or larger.')
param networkAddressPrefix string = '10.90.0.0/26'

@description('Whether instances and storage are spread over the zones of the region.')
param zoneRedundant bool = false

@description('Sources of Event Grid system topics whose events are believed.')
param eventTopics string[] = []

@description('Where callers reach the app, such as https://sallyport.contoso.example; empty: at its default host name.')
param publicOrigin string = ''

@description('Resource groups that the app may read, by name in this subscription or by id in others; empty: all of them.')
param readerGroups string[] = []

@description('Days that a copy of the audit is kept in Log Analytics; 0: no copy.')
param auditCopyDays int = 0

@description('Days that exported audit records can be neither changed nor deleted; 0: no container for them.')
@minValue(0)
param auditExportDays int = 0

@description('Whether somebody has locked the policy of the exported records: Azure then refuses to put it again.')
param auditExportLocked bool = false

@description('Gigabytes a day after which no telemetry is stored until the next day, as a number in text.')
param dailyLogQuotaGb string = '0.5'

@description('Whether there are alert rules.')
param hasAlerts bool = true

@description('Address that alerts are sent to; empty: they are seen in the portal alone.')
param alertEmail string = ''

@description('Whether the activity log of the subscription is sent to the workspace.')
param sendActivityLog bool = false

@description('Whether the account of the tables is locked against deletion.')
param lockTables bool = false

@description('What all of it may cost a month before people are told, in the currency of the bill; 0: nobody is told.')
@minValue(0)
param budgetAmount int = 0

@description('First day of the month in which the budget is made, such as 2026-12-01.')
param budgetStart string = ''

@description('Whether user names and passwords for publishing are shut off.')
param denyBasicPublishing bool = true

@description('Settings of the app that differ from their default.')
param settings optionalSettings = {}

var suffix = toLower(uniqueString(subscription().id, environmentName, location))
var names = {
  identity: 'id-sallyport-${suffix}'
  hostStorage: 'st${suffix}host'
  tableStorage: 'st${suffix}tables'
  workspace: 'log-sallyport-${suffix}'
  component: 'appi-sallyport-${suffix}'
  auditCopyRule: 'dcr-sallyport-${suffix}'
  scheduler: 'dts-sallyport-${suffix}'
  network: 'vnet-sallyport-${suffix}'
  plan: 'plan-sallyport-${suffix}'
  functionApp: 'func-sallyport-${suffix}'
}
var tags = { 'azd-env-name': environmentName }
var storageSku = zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-sallyport-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: { location: location, name: names.identity, tags: tags }
}

module hostStorage 'modules/hostStorage.bicep' = {
  scope: group
  params: {
    location: location
    name: names.hostStorage
    tags: tags
    sku: storageSku
    isPrivate: usePrivateEndpoints
  }
}

module tableStorage 'modules/tableStorage.bicep' = {
  scope: group
  params: {
    location: location
    name: names.tableStorage
    tags: tags
    sku: storageSku
    isPrivate: usePrivateEndpoints
    auditExportDays: auditExportDays
    auditExportLocked: auditExportLocked
    isLocked: lockTables
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    location: location
    workspaceName: names.workspace
    componentName: names.component
    tags: tags
    dailyQuotaGb: dailyLogQuotaGb
  }
}

module alerts 'modules/alerts.bicep' = if (hasAlerts) {
  scope: group
  dependsOn: [monitoring]
  params: {
    location: location
    workspaceName: names.workspace
    prefix: 'alert-sallyport-${suffix}'
    tags: tags
    email: alertEmail
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  dependsOn: [monitoring]
  params: {
    location: location
    workspaceName: names.workspace
    tags: tags
    hasAuditCopy: auditCopyDays > 0
  }
}

// Of the subscription, so no resource group takes it along when it is deleted.
resource activityLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (sendActivityLog) {
  name: 'sallyport-${suffix}'
  dependsOn: [monitoring]
  properties: {
    workspaceId: resourceId(
      subscription().subscriptionId,
      group.name,
      'Microsoft.OperationalInsights/workspaces',
      names.workspace
    )
    logs: [{ category: 'Administrative', enabled: true }]
  }
}

module budget 'modules/budget.bicep' = if (budgetAmount > 0) {
  scope: group
  params: {
    name: 'budget-sallyport-${suffix}'
    amount: budgetAmount
    start: empty(budgetStart)
      ? fail('SALLYPORT_BUDGET_START is missing: the first of this month.')
      : budgetStart
    email: alertEmail
  }
}

// Less than 0 is no choice: the module takes it for too few days.
module auditCopy 'modules/auditCopy.bicep' = if (auditCopyDays != 0) {
  scope: group
  dependsOn: [monitoring]
  params: {
    location: location
    workspaceName: names.workspace
    ruleName: names.auditCopyRule
    tags: tags
    retentionDays: auditCopyDays
  }
}

module scheduler 'modules/durableTaskScheduler.bicep' = if (useDurableTaskScheduler) {
  scope: group
  params: {
    location: location
    name: names.scheduler
    tags: tags
    taskHubName: loadJsonContent('../host.json', 'extensions.durableTask.hubName')
  }
}

module privateNetwork 'modules/privateNetwork.bicep' = if (usePrivateEndpoints) {
  scope: group
  dependsOn: [hostStorage, tableStorage]
  params: {
    location: location
    name: names.network
    tags: tags
    addressPrefix: networkAddressPrefix
    accounts: { host: names.hostStorage, tables: names.tableStorage }
    exportsAudit: auditExportDays > 0
  }
}

module roles 'modules/roles.bicep' = {
  scope: group
  dependsOn: [identity, hostStorage, tableStorage, monitoring, auditCopy, scheduler]
  params: {
    installation: installationId
    identityName: names.identity
    hostStorageName: names.hostStorage
    tableStorageName: names.tableStorage
    componentName: names.component
    schedulerName: useDurableTaskScheduler ? names.scheduler : ''
    auditCopyRuleName: auditCopyDays > 0 ? names.auditCopyRule : ''
    exportsAudit: auditExportDays > 0
  }
}

module functionApp 'modules/functionApp.bicep' = {
  scope: group
  // Roles first: the app uses them when it starts.
  dependsOn: [roles, privateNetwork]
  params: {
    location: location
    planName: names.plan
    name: names.functionApp
    tags: tags
    identityName: names.identity
    hostStorageName: names.hostStorage
    tableStorageName: names.tableStorage
    componentName: names.component
    schedulerName: useDurableTaskScheduler ? names.scheduler : ''
    auditCopyRuleName: auditCopyDays > 0 ? names.auditCopyRule : ''
    exportsAudit: auditExportDays > 0
    installationId: installationId
    signInClientId: signInClientId
    eventTopics: eventTopics
    publicOrigin: publicOrigin
    readerGroupIds: map(
      readerGroups,
      name => startsWith(name, '/') ? name : '${subscription().id}/resourceGroups/${name}'
    )
    settings: settings
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: alwaysReadyInstances
    zoneRedundant: zoneRedundant
    networkName: usePrivateEndpoints ? names.network : ''
    denyBasicPublishing: denyBasicPublishing
  }
}

@description('Group of everything that was made.')
output SALLYPORT_RESOURCE_GROUP string = group.name
@description('Part of the name of every rule that this installation owns.')
output SALLYPORT_INSTALLATION_ID string = installationId
@description('What rights on networks are given to.')
output SALLYPORT_PRINCIPAL_ID string = identity.outputs.principalId
@description('Name of the function app.')
output SALLYPORT_FUNCTION_APP string = names.functionApp
@description('Where callers reach the app.')
output SALLYPORT_ORIGIN string = functionApp.outputs.origin
@description('Address of the tables.')
output SALLYPORT_TABLES__tableServiceUri string = tableStorage.outputs.tableEndpoint
