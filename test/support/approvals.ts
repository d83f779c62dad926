import type { Person } from '../../src/core/accessRequest.ts';
import type { ApprovalRule } from '../../src/core/approval.ts';
import type { Caller } from '../../src/core/caller.ts';
import type { PolicyConditions } from '../../src/core/policy.ts';
import type { DecideResult } from '../../src/workflow/contracts.ts';
import { alice, type GrantWorld, type Process } from './grantWorld.ts';

/** Somebody with these app roles. */
export function caller(name: string, ...roles: string[]): Caller {
  return { person: person(name), roles };
}

export function person(name: string): Person {
  if (name === 'alice') return alice;
  const code = Buffer.from(name).toString('hex').slice(0, 12).padStart(12, '0');
  return { objectId: `00000000-0000-4000-8000-${code}`, tenantId: alice.tenantId, displayName: name };
}

export const approver = (name: string) => caller(name, 'Sallyport.Approver');

/** The policy of the world's machine demands this from now on. */
export async function demand(
  { stores: { policies } }: Pick<GrantWorld, 'stores'>,
  conditions: PolicyConditions,
): Promise<void> {
  const stored = await policies.get('ssh');
  if (stored === undefined) throw new Error('There is no policy.');
  await policies.replace({ ...stored.row, conditions }, stored.etag);
}

export const oneApprover: ApprovalRule = { approvers: 1, groups: [] };

/** Lets somebody decide, with time going on. */
export async function decide(
  world: GrantWorld,
  process: Process,
  id: string,
  by: Caller,
  decision: 'approve' | 'deny' = 'approve',
): Promise<DecideResult> {
  return world.clock.run(
    process.service.decide({
      ...{ id, caller: by, decision, comment: `${by.person.displayName} says ${decision}` },
      correlationId: '5a11f0a7-0000-4000-8000-0000000000dd',
    }),
  );
}
