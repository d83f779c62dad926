/** Roles of the app registration, as they appear in a token's `roles`. */
export type AppRole = 'Sallyport.Auditor' | 'Sallyport.Administrator' | 'Sallyport.BreakGlass';

/** Somebody the development issuer gives tokens for. */
export interface SamplePerson {
  displayName: string;
  userPrincipalName: string;
  /** Obviously made up: no directory hands out such ids. */
  objectId: string;
  roles: readonly AppRole[];
}

/** The made-up tenant of Contoso; azure.json has the same. */
export const sampleTenantId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';

export const people = {
  /** Asks for access, by the role Sallyport Requester. */
  alice: {
    displayName: 'Alice Example',
    userPrincipalName: 'alice@contoso.example',
    objectId: '00000000-0000-4000-8000-0000000a11ce',
    roles: [],
  },
  /** Asks for access too, and may skip approval. */
  bob: {
    displayName: 'Bob Example',
    userPrincipalName: 'bob@contoso.example',
    objectId: '00000000-0000-4000-8000-000000000b0b',
    roles: ['Sallyport.BreakGlass'],
  },
  /** Approves where a policy wants a second person: through a group. */
  carol: {
    displayName: 'Carol Example',
    userPrincipalName: 'carol@contoso.example',
    objectId: '00000000-0000-4000-8000-0000000ca201',
    roles: [],
  },
  /** Reads the audit trail. */
  dave: {
    displayName: 'Dave Example',
    userPrincipalName: 'dave@contoso.example',
    objectId: '00000000-0000-4000-8000-00000000da7e',
    roles: ['Sallyport.Auditor'],
  },
  /** Writes policies, and is administrator of the app. */
  erin: {
    displayName: 'Erin Example',
    userPrincipalName: 'erin@contoso.example',
    objectId: '00000000-0000-4000-8000-00000000e214',
    roles: ['Sallyport.Administrator'],
  },
  /** Owns the subscription: writes rules, roles and locks beside Sallyport, and has no part in it. */
  frank: {
    displayName: 'Frank Example',
    userPrincipalName: 'frank@contoso.example',
    objectId: '00000000-0000-4000-8000-0000000f4a2c',
    roles: [],
  },
} as const satisfies Record<string, SamplePerson>;

export type PersonName = keyof typeof people;

export function isPersonName(name: string): name is PersonName {
  return Object.hasOwn(people, name);
}

/** The group whose members approve, carol among them; azure.json has the same. */
export const approversGroupId = '00000000-0000-4000-8000-0000000a9904';

/** The managed identity of the sample function app; azure.json gives it the roles of infra/roles. */
export const appIdentity = {
  clientId: '00000000-0000-4000-8000-0000005a1170',
  objectId: '00000000-0000-4000-8000-000000a99001',
} as const;
