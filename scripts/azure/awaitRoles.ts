import * as z from 'zod';
import { az, type Run } from './az.ts';

/** Azure says up to ten minutes; a first deployment that waits for less fails now and then with a 403. */
export const defaultWaitMinutes = 5;
const secondsBetweenLooks = 15;

const assignment = z.looseObject({ scope: z.string(), createdOn: z.iso.datetime({ offset: true }) });
export type RoleAssignment = z.infer<typeof assignment>;

/**
 * Milliseconds until role assignments can be taken to hold everywhere: so long after the youngest was made. That they are
 * listed says nothing: the services that enforce them hear of them later, and tell nobody.
 */
export function remainingWait(assignments: readonly RoleAssignment[], now: Date, minutes: number): number {
  const youngest = Math.max(0, ...assignments.map(({ createdOn }) => Date.parse(createdOn)));
  return Math.max(0, youngest + minutes * 60_000 - now.getTime());
}

/** Waits until the roles of the identity hold, with a line of progress every 15 s. Throws an Error if it has none. */
export async function awaitRoles(
  { principalId, subscriptionId }: { principalId: string; subscriptionId: string },
  minutes: number,
  surroundings: {
    run: Run;
    print: (line: string) => void;
    now: () => Date;
    sleep: (milliseconds: number) => Promise<void>;
  },
): Promise<void> {
  const { run, print, now, sleep } = surroundings;
  if (!(minutes >= 0 && minutes <= 60)) {
    throw new Error('SALLYPORT_ROLE_WAIT_MINUTES must be a number of minutes from 0 to 60.');
  }
  // Named, for the Azure CLI has a default subscription of its own.
  const query = ['role', 'assignment', 'list', '--all', '--subscription', subscriptionId];
  query.push('--assignee-object-id', principalId);
  const assignments = z.array(assignment).parse(await az(run, ...query));
  if (assignments.length === 0) {
    throw new Error(`The identity ${principalId} has no role: was everything provisioned?`);
  }
  for (;;) {
    const left = remainingWait(assignments, now(), minutes);
    if (left === 0) break;
    print(
      `Roles: ${assignments.length} were assigned; Azure may take minutes to apply them. ${Math.ceil(left / 1000)} s left.`,
    );
    await sleep(Math.min(left, secondsBetweenLooks * 1000));
  }
  print(`Roles: the youngest of ${assignments.length} was assigned more than ${minutes} minutes ago.`);
}
