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

// The host's and Durable's: the extension makes its own tables, so the app may write everything in here.
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

  resource blobs 'blobServices' = {
    name: 'default'

    resource packages 'containers' = {
      name: 'app-package'
      properties: { publicAccess: 'None' }
    }
  }
}
