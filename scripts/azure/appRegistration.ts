import * as z from 'zod';

/** Fixed, so that a registration that exists is changed in place and nobody's assignment is lost. */
const ids = {
  scope: '6f1d5a52-3c0b-4e0f-9a53-0d9b3a8e7c01',
  'Sallyport.Administrator': '6f1d5a52-3c0b-4e0f-9a53-0d9b3a8e7c02',
  'Sallyport.Auditor': '6f1d5a52-3c0b-4e0f-9a53-0d9b3a8e7c03',
  'Sallyport.Approver': '6f1d5a52-3c0b-4e0f-9a53-0d9b3a8e7c04',
  'Sallyport.BreakGlass': '6f1d5a52-3c0b-4e0f-9a53-0d9b3a8e7c05',
};

const roles = [
  ['Sallyport.Administrator', 'Sees everything and may end every request'],
  ['Sallyport.Auditor', 'Sees everything and changes nothing'],
  ['Sallyport.Approver', 'Decides on requests of others'],
  ['Sallyport.BreakGlass', 'May skip approval, which is loud and has to be reviewed'],
] as const;

/** Microsoft's own clients, which people sign in with: the Azure CLI and Azure PowerShell. */
const clients = ['04b07795-8ddb-461a-bbee-02f9e1bf7b46', '1950a258-227b-4e31-a9cf-717495945fc2'];

/** What Sallyport needs of an app registration. */
export interface AppRegistration {
  displayName: string;
  signInAudience: string;
  api: {
    requestedAccessTokenVersion: number;
    oauth2PermissionScopes: { id: string; value: string; [property: string]: unknown }[];
    preAuthorizedApplications: { appId: string; delegatedPermissionIds: string[] }[];
  };
  appRoles: { id: string; value: string; [property: string]: unknown }[];
}

/** No secret, no redirect: the app verifies tokens and asks for none. */
export function wantedRegistration(environmentName: string): AppRegistration {
  return {
    displayName: `Sallyport ${environmentName}`,
    signInAudience: 'AzureADMyOrg',
    api: {
      // Tokens of version 1 name another issuer, and the audience in another way.
      requestedAccessTokenVersion: 2,
      oauth2PermissionScopes: [
        {
          id: ids.scope,
          value: 'access_as_user',
          type: 'User',
          isEnabled: true,
          adminConsentDisplayName: 'Ask for access to virtual machines',
          adminConsentDescription: 'Lets a client call Sallyport as the person who signed in.',
          userConsentDisplayName: 'Ask for access to virtual machines',
          userConsentDescription: 'Lets a client call Sallyport as you.',
        },
      ],
      preAuthorizedApplications: clients.map((appId) => ({
        appId,
        delegatedPermissionIds: [ids.scope],
      })),
    },
    appRoles: roles.map(([value, description]) => ({
      id: ids[value],
      value,
      displayName: value,
      description,
      allowedMemberTypes: ['User'],
      isEnabled: true,
    })),
  };
}

/** By which a registration is found again. */
export function uniqueNameOf(environmentName: string): string {
  return `sallyport-${environmentName}`;
}

export const storedRegistration = z.looseObject({
  id: z.string(),
  appId: z.guid(),
  displayName: z.string(),
  createdDateTime: z.iso.datetime({ offset: true }).nullish(),
  passwordCredentials: z.array(z.unknown()).nullish(),
  keyCredentials: z.array(z.unknown()).nullish(),
  signInAudience: z.string(),
  identifierUris: z.array(z.string()),
  api: z.looseObject({
    requestedAccessTokenVersion: z.number().nullish(),
    oauth2PermissionScopes: z.array(z.looseObject({ id: z.string() })),
    preAuthorizedApplications: z.array(z.looseObject({ appId: z.string() })),
  }),
  appRoles: z.array(z.looseObject({ id: z.string() })),
});

export type StoredRegistration = z.infer<typeof storedRegistration>;

export interface RegistrationChange {
  /** For people, a line each; empty: there is nothing to do. */
  lines: string[];
  patch: object;
}

/** What is missing from a registration that exists. Scopes, roles and clients of others are kept. */
export function changesOf(stored: StoredRegistration, environmentName: string): RegistrationChange {
  const wanted = wantedRegistration(environmentName);
  const uri = `api://${stored.appId}`;
  const scopes = missing(stored.api.oauth2PermissionScopes, wanted.api.oauth2PermissionScopes, 'id');
  const added = missing(stored.api.preAuthorizedApplications, wanted.api.preAuthorizedApplications, 'appId');
  const appRoles = missing(stored.appRoles, wanted.appRoles, 'id');
  const lines = [
    ...(stored.signInAudience === wanted.signInAudience ? [] : ['let nobody of other tenants sign in']),
    ...(stored.api.requestedAccessTokenVersion === 2 ? [] : ['ask for tokens of version 2']),
    ...scopes.map(() => 'add the scope access_as_user'),
    ...added.map(({ appId }) => `let ${appId} (a client of Microsoft) ask for tokens`),
    ...appRoles.map(({ value }) => `add the app role ${value}`),
    ...(stored.identifierUris.includes(uri) ? [] : [`add the name ${uri}`]),
  ];
  return {
    lines,
    patch: {
      signInAudience: wanted.signInAudience,
      identifierUris: [...new Set([...stored.identifierUris, uri])],
      api: {
        ...stored.api,
        requestedAccessTokenVersion: 2,
        oauth2PermissionScopes: [...stored.api.oauth2PermissionScopes, ...scopes],
        preAuthorizedApplications: [...stored.api.preAuthorizedApplications, ...added],
      },
      appRoles: [...stored.appRoles, ...appRoles],
    },
  };
}

function missing<Key extends string, Wanted extends Record<Key, string>>(
  stored: readonly Record<Key, string>[],
  wanted: readonly Wanted[],
  key: Key,
): Wanted[] {
  const there = new Set(stored.map((one) => one[key]));
  return wanted.filter((one) => !there.has(one[key]));
}
