import * as z from 'zod';
import { toPlainText } from '../../src/core/plainText.ts';
import {
  changesOf,
  storedRegistration,
  uniqueNameOf,
  wantedRegistration,
  type StoredRegistration,
} from './appRegistration.ts';
import { az, rest, type Run } from './az.ts';

export interface SignInSurroundings {
  run: Run;
  print: (line: string) => void;
  /** Asks a person; false where nobody can be asked. */
  confirm: (question: string) => Promise<boolean>;
  environment: Record<string, string | undefined>;
}

const owners = z.object({
  value: z.array(z.looseObject({ id: z.string(), userPrincipalName: z.string().nullish() })),
});
const principals = z.object({ value: z.array(z.looseObject({ id: z.string() })) });

const byHand = 'How to make one by hand: docs/deploy.md, "Sign-in by hand".';

/**
 * Finds or makes the app registration whose tokens are for this installation, and tells azd its client id. Says what it
 * will do, or whose registration it has found, and goes on only after a yes. Changes nothing where a client id is set.
 * Returns false where it may not do it: nothing is deployed then.
 */
export async function signIn({ run, print, confirm, environment }: SignInSurroundings): Promise<boolean> {
  const name = environment['AZURE_ENV_NAME'] ?? '';
  const set = environment['SALLYPORT_SIGN_IN_CLIENT_ID'];
  if (set) {
    print(`Sign-in: the app registration ${set} is used as it is.`);
    return true;
  }
  const graph = await graphAt(run);
  const address = `${graph}/applications(uniqueName='${uniqueNameOf(name)}')`;
  const stored = await find(run, address);
  const lines =
    stored === undefined
      ? [
          `make the app registration "Sallyport ${name}", for people of this tenant alone`,
          'with the scope access_as_user, four app roles, tokens of version 2, and no secret',
          'and a service principal for it, so that roles can be assigned',
        ]
      : [...(await found(run, graph, stored)), ...changesOf(stored, name).lines];
  print('Sign-in: in Microsoft Entra ID this will');
  lines.forEach((line) => {
    print(`  ${line}`);
  });
  if (!(await confirm('Do it?'))) {
    print(`Nothing was done, and without an app registration nothing is deployed. ${byHand}`);
    return false;
  }
  const registration = stored ?? (await make(run, address, name));
  const { lines: left, patch } = changesOf(registration, name);
  if (left.length > 0) await rest(run, 'patch', `${graph}/applications/${registration.id}`, { body: patch });
  await ensurePrincipal(run, graph, registration.appId);
  await run('azd', ['env', 'set', 'SALLYPORT_SIGN_IN_CLIENT_ID', registration.appId]);
  print(`Sign-in: tokens are for ${registration.appId}.`);
  return true;
}

async function find(run: Run, address: string): Promise<StoredRegistration | undefined> {
  try {
    return storedRegistration.parse(await rest(run, 'get', address));
  } catch (error) {
    if (error instanceof Error && error.message.includes('Request_ResourceNotFound')) return undefined;
    throw error;
  }
}

/** Who is behind a registration that somebody made before: its name is no proof that it was one of us. */
async function found(run: Run, graph: string, stored: StoredRegistration): Promise<string[]> {
  const query = `${graph}/applications/${stored.id}/owners?$select=id,userPrincipalName`;
  const { value } = owners.parse(await rest(run, 'get', query));
  const names = value.map(({ id, userPrincipalName }) => toPlainText(userPrincipalName ?? id, 120));
  const secrets = (stored.passwordCredentials?.length ?? 0) + (stored.keyCredentials?.length ?? 0);
  return [
    `use the app registration ${stored.appId}, which is there already, made ${stored.createdDateTime ?? 'at some time'}`,
    names.length === 0
      ? 'which nobody owns'
      : `whose owners can make anybody approver or administrator: ${names.join(', ')}`,
    ...(secrets === 0 ? [] : [`which has secrets or certificates, ${secrets}: Sallyport needs none`]),
  ];
}

/** The unique name cannot be given to what is made by a POST. */
async function make(run: Run, address: string, name: string): Promise<StoredRegistration> {
  const made = await rest(run, 'patch', address, {
    body: wantedRegistration(name),
    prefer: 'create-if-missing',
  });
  return storedRegistration.parse(made);
}

async function ensurePrincipal(run: Run, graph: string, appId: string): Promise<void> {
  const query = `${graph}/servicePrincipals?$filter=appId eq '${appId}'&$select=id`;
  const { value } = principals.parse(await rest(run, 'get', query));
  if (value.length === 0) await rest(run, 'post', `${graph}/servicePrincipals`, { body: { appId } });
}

/** Sovereign clouds have their own. */
async function graphAt(run: Run): Promise<string> {
  const address = await az(run, 'cloud', 'show', '--query', 'endpoints.microsoftGraphResourceId');
  return `${z.url().parse(address).replace(/\/$/, '')}/v1.0`;
}
