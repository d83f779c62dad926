using 'watchdog.bicep'

param installationId = readEnvironmentVariable('SALLYPORT_INSTALLATION_ID')

// Another region outlives a failure of the app's.
param location = readEnvironmentVariable(
  'SALLYPORT_WATCHDOG_LOCATION',
  readEnvironmentVariable('AZURE_LOCATION')
)

// The same groups that the app may write.
param gatekeeperGroups = filter(
  map(split(readEnvironmentVariable('SALLYPORT_GATEKEEPER_GROUPS', ''), ','), part => trim(part)),
  name => !empty(name)
)

// Longer than Sallyport needs at the worst, so that the two do not meet.
param graceMinutes = int(readEnvironmentVariable('SALLYPORT_WATCHDOG_GRACE_MINUTES', '15'))

param alertEmail = readEnvironmentVariable('SALLYPORT_ALERT_EMAIL', '')
