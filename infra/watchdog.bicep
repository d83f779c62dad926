targetScope = 'subscription'

// A deployment of its own in a resource group of its own: it must be there when the app is not, and goes last.

@description('Whose rules are looked at.')
@minLength(1)
@maxLength(12)
param installationId string

@description('Region of the watchdog; another one than that of the app is a good choice.')
param location string

@description('Resource groups of this subscription whose network security groups the app may write.')
param gatekeeperGroups string[] = []

@description('How long past its end a rule may stand before the watchdog removes it.')
@minValue(5)
param graceMinutes int = 15

@description('Address that is told of every removal; empty: it is seen in the portal alone.')
param alertEmail string = ''

var role = loadJsonContent('roles/watchdog.json')
var logicAppName = 'logic-sallyport-watchdog-${installationId}'
var roleName = guid(subscription().id, installationId, role.title)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-sallyport-watchdog-${installationId}'
  location: location
}

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: roleName
  properties: {
    roleName: 'Sallyport ${installationId} ${role.title} ${subscription().subscriptionId}'
    description: role.description
    type: 'CustomRole'
    permissions: [{ actions: role.actions, notActions: [], dataActions: [], notDataActions: [] }]
    assignableScopes: [subscription().id]
  }
}

module logicApp 'modules/watchdogLogicApp.bicep' = {
  scope: group
  params: {
    location: location
    name: logicAppName
    installationId: installationId
    graceMinutes: graceMinutes
    alertEmail: alertEmail
  }
}

module assignments 'modules/networkRightsOfGroup.bicep' = [
  for name in gatekeeperGroups: {
    scope: resourceGroup(name)
    dependsOn: [definition]
    params: { seed: logicAppName, principalId: logicApp.outputs.principalId, roleNames: [roleName] }
  }
]
