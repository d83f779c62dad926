using 'main.bicep'

// Everything that the template can make, for the checks: nobody deploys this.

param environmentName = 'everything'
param location = 'westeurope'
param signInClientId = '44444444-4444-4444-4444-444444444444'
param installationId = 'contoso'
param instanceMemoryMB = '2048'
param maximumInstanceCount = 100
param alwaysReadyInstances = 2
param useDurableTaskScheduler = true
param usePrivateEndpoints = true
param networkAddressPrefix = '10.91.0.0/26'
param zoneRedundant = true
param eventTopics = ['/subscriptions/11111111-1111-1111-1111-111111111111']
param publicOrigin = 'https://sallyport.contoso.example'
param readerGroups = [
  'rg-machines'
  '/subscriptions/77777777-7777-7777-7777-777777777777/resourceGroups/rg-network'
]
param auditCopyDays = 365
param auditExportDays = 2555
param auditExportLocked = false
param dailyLogQuotaGb = '2'
param hasAlerts = true
param alertEmail = 'security@contoso.example'
param sendActivityLog = true
param lockTables = true
param budgetAmount = 25
param budgetStart = '2026-12-01'
param denyBasicPublishing = true
param settings = {
  SALLYPORT_TOKEN_JWKS_URI: 'https://login.contoso.example/keys'
  SALLYPORT_TRUST_APP_SERVICE_AUTHENTICATION: 'false'
  SALLYPORT_TRUSTED_PROXY_HOPS: '1'
  SALLYPORT_NETWORK_API_VERSION: '2025-05-01'
  SALLYPORT_ADMIN_RULES: 'check'
  SALLYPORT_CREDENTIAL: 'managed-identity'
  SALLYPORT_SWEEP_SCHEDULE: '0 * * * * *'
  SALLYPORT_APPROVAL_HOURS: '24'
  SALLYPORT_WARN_MINUTES: '5'
  SALLYPORT_MANAGEMENT_PORTS: '22,3389,5985,5986'
  SALLYPORT_REQUESTS_PER_MINUTE: '30'
  SALLYPORT_LIVE_GRANTS_PER_PERSON: '20'
  SALLYPORT_LIVE_GRANTS_PER_NSG: '200'
  SALLYPORT_ALLOW_BAND: '100-249'
  SALLYPORT_BASELINE_BAND: '250-299'
}
