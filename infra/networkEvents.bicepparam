using 'networkEvents.bicep'

// Set from the outputs of main.bicep.
param functionAppName = readEnvironmentVariable('SALLYPORT_FUNCTION_APP')
