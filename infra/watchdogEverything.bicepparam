using 'watchdog.bicep'

// Everything, for the checks: nobody deploys this.

param installationId = 'contoso'
param location = 'northeurope'
param gatekeeperGroups = ['rg-machines', 'rg-network']
param graceMinutes = 30
param alertEmail = 'security@contoso.example'
