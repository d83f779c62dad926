import { resourceTags } from 'types.bicep'

@description('Region of the network.')
param location string
@description('Name of the network.')
param name string
@description('Tags of everything here.')
param tags resourceTags
@description('Addresses of the network, a /26 or larger.')
param addressPrefix string
@description('Storage accounts that are reached through it.')
param accounts { host: string, tables: string }
@description('Whether audit records are exported to blobs of the second account.')
param exportsAudit bool

var services = ['blob', 'queue', 'table']
var reached = concat(
  map(services, service => { account: accounts.host, service: service }),
  [{ account: accounts.tables, service: 'table' }],
  exportsAudit ? [{ account: accounts.tables, service: 'blob' }] : []
)

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: name
  location: location
  tags: tags
  properties: { addressSpace: { addressPrefixes: [addressPrefix] } }

  resource app 'subnets' = {
    name: 'app'
    properties: {
      addressPrefix: cidrSubnet(addressPrefix, 27, 0)
      delegations: [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }]
    }
  }

  resource endpoints 'subnets' = {
    name: 'endpoints'
    properties: { addressPrefix: cidrSubnet(addressPrefix, 27, 1) }
    // Azure changes one subnet of a network at a time.
    dependsOn: [app]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for service in services: {
    name: 'privatelink.${service}.${environment().suffixes.storage}'
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (service, index) in services: {
    parent: zones[index]
    name: network.name
    location: 'global'
    properties: { registrationEnabled: false, virtualNetwork: { id: network.id } }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [
  for one in reached: {
    name: 'pe-${one.account}-${one.service}'
    location: location
    tags: tags
    properties: {
      subnet: { id: network::endpoints.id }
      privateLinkServiceConnections: [
        {
          name: one.service
          properties: {
            privateLinkServiceId: resourceId('Microsoft.Storage/storageAccounts', one.account)
            groupIds: [one.service]
          }
        }
      ]
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [
  for (one, index) in reached: {
    parent: endpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        { name: one.service, properties: { privateDnsZoneId: zones[indexOf(services, one.service)].id } }
      ]
    }
  }
]
