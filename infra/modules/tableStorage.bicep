import { resourceTags, storageSku } from 'types.bicep'

@description('Region of the account.')
param location string
@description('Name of the account.')
param name string
@description('Tags of the account.')
param tags resourceTags
@description('How often the data is stored, and where.')
param sku storageSku
@description('Whether the account is reached by private endpoints alone.')
param isPrivate bool
@description('Days that exported audit records can be neither changed nor deleted; 0: no container for them.')
param auditExportDays int
@description('Whether the policy of that container was locked and is left alone.')
param auditExportLocked bool
@description('Whether nobody may delete the account, or the group that it is in, before the lock is taken away.')
param isLocked bool

// An account of Sallyport's own: in the host's, the app's role would let it rewrite the audit.
resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: { bypass: 'None', defaultAction: isPrivate ? 'Deny' : 'Allow' }
  }

  resource tableService 'tableServices' = {
    name: 'default'

    // Made here, so that the app needs no right to make tables.
    resource table 'tables' = [
      for table in items(loadJsonContent('../roles/tables.json', 'tables')): {
        name: table.key
      }
    ]
  }

  resource blobs 'blobServices' = if (auditExportDays > 0) {
    name: 'default'

    resource auditExport 'containers' = if (auditExportDays > 0) {
      name: 'audit-export'
      properties: { publicAccess: 'None' }

      // Not locked: a locked policy cannot be shortened or removed by anybody, nor can the account then. All that Azure
      // takes for a locked one is more days, by another call than a template's.
      resource retention 'immutabilityPolicies' = if (auditExportDays > 0 && !auditExportLocked) {
        name: 'default'
        properties: {
          immutabilityPeriodSinceCreationInDays: auditExportDays
          allowProtectedAppendWrites: true
        }
      }
    }
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (isLocked) {
  scope: account
  name: 'sallyport-tables'
  properties: {
    level: 'CanNotDelete'
    notes: 'The audit of Sallyport and its policies are here and nowhere else.'
  }
}

@description('Address of the tables.')
output tableEndpoint string = account.properties.primaryEndpoints.table
