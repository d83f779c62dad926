import { resourceTags } from 'types.bicep'

@description('Region of the identity.')
param location string
@description('Name of the identity.')
param name string
@description('Tags of the identity.')
param tags resourceTags

// User-assigned: it is there before the app, so that its roles can be too.
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('What role assignments are given to.')
output principalId string = identity.properties.principalId
