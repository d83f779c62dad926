using 'networkRights.bicep'

// Every right, for the checks: nobody deploys this.

param installationId = 'contoso'
param principalId = '33333333-3333-3333-3333-333333333333'
param readerGroups = [
  'rg-machines'
  '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network'
  '/subscriptions/77777777-7777-7777-7777-777777777777/resourceGroups/rg-elsewhere'
]
param gatekeeperGroups = ['rg-machines', 'rg-network']
param firewallGroups = ['rg-hub']
