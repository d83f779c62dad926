using 'networkRights.bicep'

// Every right, for the checks: nobody deploys this.

param installationId = 'contoso'
param principalId = '33333333-3333-3333-3333-333333333333'
param readerGroups = ['rg-machines', 'rg-network']
param gatekeeperGroups = ['rg-machines', 'rg-network']
param firewallGroups = ['rg-hub']
