using 'main.bicep'

// azd hands over its environment: `azd env set NAME value`. What each choice costs, buys and breaks is in
// docs/deploy.md; whatever is not set here costs least.

// Set by azd.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')

// Set by the sign-in hook, or by hand where it may not make an app registration. Without it nothing is deployed: an app
// that trusts the tokens of anybody must not exist.
param signInClientId = readEnvironmentVariable('SALLYPORT_SIGN_IN_CLIENT_ID')

// 512 MB is a quarter of a core. Some regions have refused it: then 2048.
param instanceMemoryMB = readEnvironmentVariable('SALLYPORT_INSTANCE_MEMORY_MB', '512')

// Per group of functions. Azure takes less than 40 only in some regions.
param maximumInstanceCount = int(readEnvironmentVariable('SALLYPORT_MAXIMUM_INSTANCES', '40'))

// 1 spares a close the cold start; it runs, and is paid, all month.
param alwaysReadyInstances = int(readEnvironmentVariable('SALLYPORT_ALWAYS_READY', '0'))

// Another service beside the storage. Running orchestrations do not move: choose before the first grant.
param useDurableTaskScheduler = bool(readEnvironmentVariable('SALLYPORT_DURABLE_TASK_SCHEDULER', 'false'))

// The storage accounts are then out of reach from a laptop, `npm run audit:verify` included.
param usePrivateEndpoints = bool(readEnvironmentVariable('SALLYPORT_PRIVATE_ENDPOINTS', 'false'))

// Needs zones in the region, and at least two instances of whatever is always ready.
param zoneRedundant = bool(readEnvironmentVariable('SALLYPORT_ZONE_REDUNDANT', 'false'))

// The sources of topics that the app believes; the topic itself is made by infra/networkEvents.bicep, after the code.
param eventTopics = filter(
  map(split(readEnvironmentVariable('SALLYPORT_EVENT_TOPICS', ''), ','), part => trim(part)),
  topic => !empty(topic)
)

// A name of your own; that it leads to the app, and its certificate, is for you to set up (docs/deploy.md).
param publicOrigin = readEnvironmentVariable('SALLYPORT_PUBLIC_ORIGIN', '')

// The same as in networkRights.bicepparam, which gives the rights.
param readerGroups = filter(
  map(split(readEnvironmentVariable('SALLYPORT_READER_GROUPS', ''), ','), part => trim(part)),
  name => !empty(name)
)

// Days; 0 is off. The truth stays in the tables.
param auditCopyDays = int(readEnvironmentVariable('SALLYPORT_AUDIT_COPY_DAYS', '0'))

// Days; 0 is off. Once somebody has locked the policy, nobody can delete the account so long, `azd down` neither.
param auditExportDays = int(readEnvironmentVariable('SALLYPORT_AUDIT_EXPORT_DAYS', '0'))
param auditExportLocked = bool(readEnvironmentVariable('SALLYPORT_AUDIT_EXPORT_LOCKED', 'false'))

// A cap on the bill. What is above it is not stored, and raises no alert.
param dailyLogQuotaGb = readEnvironmentVariable('SALLYPORT_DAILY_LOG_QUOTA_GB', '0.5')

// Without them nobody hears that a close keeps failing, or that the sweep is silent.
param hasAlerts = bool(readEnvironmentVariable('SALLYPORT_ALERTS', 'true'))
param alertEmail = readEnvironmentVariable('SALLYPORT_ALERT_EMAIL', '')

// Who else wrote rules, and what the app's identity wrote, can be asked then. The setting is the subscription's.
param sendActivityLog = bool(readEnvironmentVariable('SALLYPORT_ACTIVITY_LOG', 'false'))

// `azd down` is refused then until somebody takes the lock away.
param lockTables = bool(readEnvironmentVariable('SALLYPORT_LOCK_TABLES', 'false'))

// An amount a month, and the first of the month in which it is set: Azure lets nobody change that day.
param budgetAmount = int(readEnvironmentVariable('SALLYPORT_BUDGET', '0'))
param budgetStart = readEnvironmentVariable('SALLYPORT_BUDGET_START', '')

// Settings of the app that differ from their default; their meaning is in docs/operations.md.
param settings = {}
