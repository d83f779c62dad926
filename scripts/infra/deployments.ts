/** What is predicted offline, as if it were deployed by made-up people to made-up places. */
export interface Prediction {
  /** Parameter file in `infra`; its snapshot has the same name. */
  parameters: string;
  /** Besides the subscription, for templates of a resource group. */
  resourceGroup?: string;
}

export const predictions: Prediction[] = [
  { parameters: 'main.bicepparam' },
  { parameters: 'everything.bicepparam' },
  { parameters: 'networkRights.bicepparam' },
  { parameters: 'networkRightsEverything.bicepparam' },
  { parameters: 'watchdog.bicepparam' },
  { parameters: 'watchdogEverything.bicepparam' },
  { parameters: 'networkEvents.bicepparam', resourceGroup: 'rg-sallyport-contoso' },
];

export const place = {
  tenantId: '22222222-2222-2222-2222-222222222222',
  subscriptionId: '11111111-1111-1111-1111-111111111111',
  location: 'westeurope',
};

/** What must be said for each deployment. All that may be left out is left out: the defaults are what is shown. */
export const environment = {
  AZURE_ENV_NAME: 'contoso',
  AZURE_LOCATION: place.location,
  SALLYPORT_SIGN_IN_CLIENT_ID: '44444444-4444-4444-4444-444444444444',
  SALLYPORT_INSTALLATION_ID: 'contoso',
  SALLYPORT_PRINCIPAL_ID: '33333333-3333-3333-3333-333333333333',
  SALLYPORT_FUNCTION_APP: 'func-sallyport-contoso',
};
