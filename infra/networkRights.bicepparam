using 'networkRights.bicep'

// Given by the hook after the template of azd; for another subscription, by whoever deploys there.
param installationId = readEnvironmentVariable('SALLYPORT_INSTALLATION_ID')
param principalId = readEnvironmentVariable('SALLYPORT_PRINCIPAL_ID')

// Empty: the whole subscription. Otherwise all that there is to Sallyport: what was moved elsewhere is not seen any more.
// Of ids, those of groups in other subscriptions are passed over: there their owners give the rights.
param readerGroups = filter(
  map(split(readEnvironmentVariable('SALLYPORT_READER_GROUPS', ''), ','), part => trim(part)),
  name => !empty(name)
)

// None until you name them: the groups of the network security groups that Sallyport may write.
param gatekeeperGroups = filter(
  map(split(readEnvironmentVariable('SALLYPORT_GATEKEEPER_GROUPS', ''), ','), part => trim(part)),
  name => !empty(name)
)

// Off until asked for. The app makes no call to a firewall yet.
param firewallGroups = filter(
  map(split(readEnvironmentVariable('SALLYPORT_FIREWALL_GROUPS', ''), ','), part => trim(part)),
  name => !empty(name)
)
