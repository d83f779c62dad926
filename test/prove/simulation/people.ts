import type { Person } from '../../../src/core/accessRequest.ts';
import type { Caller } from '../../../src/core/caller.ts';

const tenantId = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';

function person(displayName: string, tail: string): Person {
  return { objectId: `00000000-0000-4000-8000-00000000${tail}`, tenantId, displayName };
}

/** Who asks. Both may decide as well, so that nothing but its being their own keeps them from their own request. */
export const alice = person('Alice', 'a11c');
export const bert = person('Bert', 'be27');
/** Who decides: by their role, or by a group that the policies name. */
const dora = person('Dora', 'd02a');
const emil = person('Emil', 'e311');
/** May change policies, and nothing else. */
export const greta = person('Greta', '92e7');
/** May ask and look, and decides on nothing. */
export const otto = person('Otto', '0770');

export const requesters = [alice, bert];
export const approvers = [alice, bert, dora, emil];

/** The group of approvers that policies name. */
export const approverGroup = '00000000-0000-4000-8000-0000009209a9';

/** Somebody who is proven: Dora approves by her role, the others by their group alone. */
export function callerOf(somebody: Person): Caller {
  return {
    person: somebody,
    roles: [
      ...(somebody === dora ? ['Sallyport.Approver'] : []),
      ...(somebody === greta ? ['Sallyport.Administrator'] : []),
    ],
  };
}
