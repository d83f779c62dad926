@export()
@description('Kinds of storage that the template knows: three copies in one building, or in three zones.')
type storageSku = 'Standard_LRS' | 'Standard_ZRS'

@export()
@description('Settings of the app that have a default of their own. Their meaning is in docs/operations.md.')
type optionalSettings = {
  SALLYPORT_TOKEN_JWKS_URI: string?
  SALLYPORT_TRUST_APP_SERVICE_AUTHENTICATION: 'true' | 'false' | null
  SALLYPORT_TRUSTED_PROXY_HOPS: string?
  SALLYPORT_NETWORK_API_VERSION: string?
  SALLYPORT_ADMIN_RULES: 'check' | 'off' | null
  SALLYPORT_CREDENTIAL: 'managed-identity' | null
  SALLYPORT_SWEEP_SCHEDULE: string?
  SALLYPORT_APPROVAL_HOURS: string?
  SALLYPORT_WARN_MINUTES: string?
  SALLYPORT_MANAGEMENT_PORTS: string?
  SALLYPORT_REQUESTS_PER_MINUTE: string?
  SALLYPORT_LIVE_GRANTS_PER_PERSON: string?
  SALLYPORT_LIVE_GRANTS_PER_NSG: string?
  SALLYPORT_ALLOW_BAND: string?
  SALLYPORT_BASELINE_BAND: string?
}

@export()
@description('Settings of the app that follow from the deployment.')
type requiredSettings = {
  SALLYPORT_INSTALLATION_ID: string
  SALLYPORT_TENANT_ID: string
  SALLYPORT_TOKEN_ISSUER: string
  SALLYPORT_TOKEN_AUDIENCE: string
  SALLYPORT_ARM_ENDPOINT: string
  SALLYPORT_CLIENT_ID: string
  SALLYPORT_TABLES__tableServiceUri: string
  SALLYPORT_EVENT_TOPICS: string
  SALLYPORT_PUBLIC_ORIGIN: string
  SALLYPORT_READER_GROUPS: string
}

@export()
@description('Tags of a resource.')
type resourceTags = { *: string }
