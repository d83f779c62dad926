import { optionalSettings, requiredSettings, resourceTags } from 'types.bicep'

@description('Region of the app.')
param location string
@description('Name of the plan.')
param planName string
@description('Name of the app.')
param name string
@description('Tags of the app; azd finds it by one of them.')
param tags resourceTags
@description('Name of the identity.')
param identityName string
@description('Name of the host storage account.')
param hostStorageName string
@description('Name of the account with the tables.')
param tableStorageName string
@description('Name of the Application Insights component.')
param componentName string
@description('Name of the scheduler; empty: Durable keeps its state in the host storage.')
param schedulerName string
@description('Name of the data collection rule of the audit copy; empty: there is none.')
param auditCopyRuleName string
@description('Whether there is a container that audit records are exported to.')
param exportsAudit bool
@description('Part of the name of every rule that the app owns.')
param installationId string
@description('Client id of the app registration.')
param signInClientId string
@description('Sources of Event Grid system topics whose events are believed.')
param eventTopics string[]
@description('Where callers reach the app; empty: at the default host name.')
param publicOrigin string
@description('Ids of the resource groups that the app may read; of other subscriptions it may read everything.')
param readerGroupIds string[]
@description('Settings of the app that differ from their default.')
param settings optionalSettings
@description('Memory of an instance.')
param instanceMemoryMB string
@description('Instances that each group of functions may have.')
param maximumInstanceCount int
@description('Instances that always run for orchestrations and activities.')
param alwaysReadyInstances int
@description('Whether instances are spread over zones.')
param zoneRedundant bool
@description('Name of the network that the app calls out from; empty: none.')
param networkName string
@description('Whether user names and passwords for publishing are shut off.')
param denyBasicPublishing bool

// Flex Consumption: one app in a plan.
resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource hostStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = { name: hostStorageName }

resource tableStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = { name: tableStorageName }

resource component 'Microsoft.Insights/components@2020-02-02' existing = { name: componentName }

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' existing = if (!empty(schedulerName)) {
  name: schedulerName
}

resource auditCopyRule 'Microsoft.Insights/dataCollectionRules@2023-03-11' existing = if (!empty(auditCopyRuleName)) {
  name: auditCopyRuleName
}

var hostSettings = {
  AzureWebJobsStorage__blobServiceUri: hostStorage.properties.primaryEndpoints.blob
  AzureWebJobsStorage__queueServiceUri: hostStorage.properties.primaryEndpoints.queue
  AzureWebJobsStorage__tableServiceUri: hostStorage.properties.primaryEndpoints.table
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.properties.clientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: component.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
}
var schedulerSettings = empty(schedulerName)
  ? {}
  : {
      DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${scheduler!.properties.endpoint};Authentication=ManagedIdentity;ClientID=${identity.properties.clientId}'
    }
var auditCopySettings = empty(auditCopyRuleName)
  ? {}
  : {
      SALLYPORT_AUDIT_COPY_ENDPOINT: auditCopyRule!.properties.endpoints.logsIngestion
      SALLYPORT_AUDIT_COPY_RULE: auditCopyRule!.properties.immutableId
    }
var auditExportSettings = exportsAudit
  ? { SALLYPORT_AUDIT_EXPORT_CONTAINER: '${tableStorage.properties.primaryEndpoints.blob}audit-export' }
  : {}
var ownSettings requiredSettings = {
  SALLYPORT_INSTALLATION_ID: installationId
  SALLYPORT_TENANT_ID: tenant().tenantId
  SALLYPORT_TOKEN_ISSUER: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
  SALLYPORT_TOKEN_AUDIENCE: signInClientId
  SALLYPORT_ARM_ENDPOINT: environment().resourceManager
  SALLYPORT_CLIENT_ID: identity.properties.clientId
  SALLYPORT_TABLES__tableServiceUri: tableStorage.properties.primaryEndpoints.table
  SALLYPORT_EVENT_TOPICS: join(eventTopics, ',')
  // Never where a call says that it came to: that is for whoever calls to write.
  SALLYPORT_PUBLIC_ORIGIN: empty(publicOrigin) ? 'https://${site.properties.defaultHostName}' : publicOrigin
  SALLYPORT_READER_GROUPS: join(readerGroupIds, ',')
}

// Neither FTPS nor a runtime version is set: Flex Consumption has no FTP, and refuses the properties and settings of
// other plans.
resource site 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // Here and not in siteConfig, where it alone ends up disabled.
    publicNetworkAccess: 'Enabled'
    clientAffinityEnabled: false
    keyVaultReferenceIdentity: identity.id
    virtualNetworkSubnetId: empty(networkName)
      ? null
      : resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'app')
    siteConfig: { minTlsVersion: '1.2', scmMinTlsVersion: '1.2', http20Enabled: true }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostStorage.properties.primaryEndpoints.blob}app-package'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: { name: 'node', version: '22' }
      scaleAndConcurrency: {
        instanceMemoryMB: int(instanceMemoryMB)
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances == 0
          ? []
          : [{ name: 'durable', instanceCount: alwaysReadyInstances }]
      }
    }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(
      hostSettings,
      schedulerSettings,
      auditCopySettings,
      auditExportSettings,
      settings,
      ownSettings
    )
  }

  // A publishing password is a key.
  resource publishing 'basicPublishingCredentialsPolicies' = [
    for kind in (denyBasicPublishing ? ['scm', 'ftp'] : []): {
      name: kind
      properties: { allow: false }
    }
  ]
}

@description('Where callers reach the app.')
output origin string = empty(publicOrigin) ? 'https://${site.properties.defaultHostName}' : publicOrigin
