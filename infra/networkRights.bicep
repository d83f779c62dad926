targetScope = 'subscription'

// A deployment of its own and not a part of main.bicep: `azd down` deletes every resource group in which the
// deployment of azd made something, a role assignment included. Here they are those of the machines.

@description('Part of the name of every rule that the installation owns; role names are unique in a tenant.')
@minLength(1)
@maxLength(12)
param installationId string

@description('Principal id of the identity of the app.')
@minLength(36)
@maxLength(36)
param principalId string

@description('Resource groups that the app may read, by name in this subscription or by id; none of it: the whole subscription.')
param readerGroups string[] = []

@description('Resource groups of this subscription whose network security groups the app may write.')
param gatekeeperGroups string[] = []

@description('Resource groups of this subscription whose firewalls the app may write.')
param firewallGroups string[] = []

var reader = loadJsonContent('roles/network-reader.json')
var gatekeeper = loadJsonContent('roles/network-gatekeeper.json')
var firewall = loadJsonContent('roles/firewall-gatekeeper.json')
// An id of this subscription must not give the whole of it: the app is told to read that group alone.
var readHere = map(
  filter(
    readerGroups,
    group => !startsWith(group, '/') || startsWith(toLower(group), '${toLower(subscription().id)}/')
  ),
  group => last(split(group, '/'))
)
var readerName = guid(subscription().id, installationId, reader.title)
var gatekeeperName = guid(subscription().id, installationId, gatekeeper.title)
var firewallName = guid(subscription().id, installationId, firewall.title)
var roles = concat([reader, gatekeeper], empty(firewallGroups) ? [] : [firewall])

resource definitions 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [
  for role in roles: {
    name: guid(subscription().id, installationId, role.title)
    properties: {
      roleName: 'Sallyport ${installationId} ${role.title} ${subscription().subscriptionId}'
      description: role.description
      type: 'CustomRole'
      permissions: [{ actions: role.actions, notActions: [], dataActions: [], notDataActions: [] }]
      assignableScopes: [subscription().id]
    }
  }
]

resource readerAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (empty(readHere)) {
  name: guid(subscription().id, principalId, readerName)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', readerName)
  }
  dependsOn: [definitions]
}

// Groups and never a single NSG: the end of a write is asked for at the group or above.
module groups 'modules/networkRightsOfGroup.bicep' = [
  for name in union(readHere, gatekeeperGroups, firewallGroups): {
    scope: resourceGroup(name)
    dependsOn: [definitions]
    params: {
      seed: principalId
      principalId: principalId
      roleNames: concat(
        contains(readHere, name) ? [readerName] : [],
        contains(gatekeeperGroups, name) ? [gatekeeperName] : [],
        contains(firewallGroups, name) ? [firewallName] : []
      )
    }
  }
]
