@description('What the names of the assignments are made from, together with group and role.')
param seed string
@description('Principal id of the identity.')
param principalId string
@description('Names of the role definitions that it gets here.')
param roleNames string[]

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for roleName in roleNames: {
    name: guid(resourceGroup().id, seed, roleName)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleName)
    }
  }
]
