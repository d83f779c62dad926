@description('What begins the names of custom roles, which are unique in a tenant.')
param installation string
@description('Name of the identity.')
param identityName string
@description('Name of the host storage account.')
param hostStorageName string
@description('Name of the account with the tables.')
param tableStorageName string
@description('Name of the Application Insights component.')
param componentName string
@description('Name of the scheduler; empty: there is none.')
param schedulerName string
@description('Name of the data collection rule of the audit copy; empty: there is none.')
param auditCopyRuleName string
@description('Whether there is a container that audit records are exported to.')
param exportsAudit bool

var onTables = loadJsonContent('../roles/tables.json')
// Built-in roles; their ids are the same in every tenant.
var onHostStorage = {
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}
var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'
var durableTaskDataContributor = '0ad04412-c4d5-4796-b79c-f76d14c8d402'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource hostStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = { name: hostStorageName }

resource tableStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = { name: tableStorageName }

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-06-01' existing = {
  parent: tableStorage
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-06-01' existing = [
  for table in items(onTables.tables): {
    parent: tableService
    name: table.key
  }
]

resource auditExport 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  name: '${tableStorageName}/default/audit-export'
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = { name: componentName }

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' existing = { name: schedulerName }

resource auditCopyRule 'Microsoft.Insights/dataCollectionRules@2023-03-11' existing = {
  name: auditCopyRuleName
}

resource tableRoles 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [
  for role in items(onTables.roles): {
    name: guid(resourceGroup().id, role.key)
    properties: {
      roleName: 'Sallyport ${installation} ${role.value.title}'
      description: role.value.description
      type: 'CustomRole'
      permissions: [{ actions: [], notActions: [], dataActions: role.value.dataActions, notDataActions: [] }]
      assignableScopes: [resourceGroup().id]
    }
  }
]

resource appendBlobs 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (exportsAudit) {
  name: guid(resourceGroup().id, 'appendBlobs')
  properties: {
    roleName: 'Sallyport ${installation} blobs, read and append'
    description: 'Sallyport reads exported audit records and appends to them. It can neither overwrite nor delete one.'
    type: 'CustomRole'
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action'
        ]
        notDataActions: []
      }
    ]
    assignableScopes: [resourceGroup().id]
  }
}

resource hostAssignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(onHostStorage): {
    scope: hostStorage
    name: guid(hostStorage.id, identity.id, role.value)
    properties: {
      principalId: identity.properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
    }
  }
]

// On each table alone: what may be done to one must not be possible on the others.
resource tableAssignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (table, index) in items(onTables.tables): {
    scope: tables[index]
    name: guid(tables[index].id, identity.id, table.value)
    properties: {
      principalId: identity.properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        guid(resourceGroup().id, table.value)
      )
    }
    dependsOn: [tableRoles]
  }
]

resource telemetryAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: component
  name: guid(component.id, identity.id, metricsPublisher)
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
  }
}

resource schedulerAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(schedulerName)) {
  scope: scheduler
  name: guid(scheduler.id, identity.id, durableTaskDataContributor)
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      durableTaskDataContributor
    )
  }
}

resource auditCopyAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(auditCopyRuleName)) {
  scope: auditCopyRule
  name: guid(auditCopyRule.id, identity.id, metricsPublisher)
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
  }
}

resource auditExportAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (exportsAudit) {
  scope: auditExport
  name: guid(auditExport.id, identity.id, 'appendBlobs')
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', appendBlobs.name)
  }
}
