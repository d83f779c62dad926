import * as z from 'zod';
import { policyName } from '../../src/http/policyBody.ts';
import type { Api, Ask } from '../jit/api.ts';

/** What these commands read of answers; a newer app may say more. */
const said = z.record(z.string(), z.unknown());
const policy = z.looseObject({
  id: z.string(),
  version: z.int(),
  entries: z.array(z.unknown()),
  conditions: said,
  baseline: said,
});
export type StoredPolicy = z.infer<typeof policy>;
const policies = z.looseObject({ value: z.array(policy) });

const change = z.looseObject({
  policy: z.looseObject({ version: z.int() }),
  changes: z.array(z.string()),
  effects: z.array(z.looseObject({ networkSecurityGroup: z.string().optional(), message: z.string() })),
});
export type Change = z.infer<typeof change>;

/** The policies that the caller may read: those with a name, and the ids of all others. */
export async function listPolicies(api: Api): Promise<{ own: StoredPolicy[]; others: string[] }> {
  const { value } = await api({ path: '/api/policies' }, policies);
  // Names become names of files: what the app would not take as a name is not one.
  const isOwn = ({ id }: StoredPolicy) => policyName.safeParse(id).success;
  return { own: value.filter(isOwn), others: value.filter((each) => !isOwn(each)).map(({ id }) => id) };
}

/** A change of one policy: to this body, or away without one. */
export interface Wanted {
  /** The file that wants it, or the name where none does. */
  where: string;
  name: string;
  body?: Record<string, unknown>;
  /** The version that it was judged by; `none` where there was none. */
  ifVersion: number | 'none';
}

/** Changes a policy, or says what that would do. Throws ApiProblem where the app refuses, also if it is of another version. */
export function changePolicy(
  api: Api,
  { name, body, ifVersion }: Wanted,
  { isDryRun }: { isDryRun: boolean },
): Promise<Change> {
  const path = `/api/policies/${encodeURIComponent(name)}${isDryRun ? '?dryRun=true' : ''}`;
  const ask: Ask = body === undefined ? { method: 'DELETE', path } : { method: 'PUT', path, body };
  return api({ ...ask, ifVersion }, change);
}
