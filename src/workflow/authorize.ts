import type { AccessRequest } from '../core/accessRequest.ts';
import { actions, authorizationHolds, type AuthorizationCall } from '../core/authorization.ts';
import type { Reason } from '../core/reason.ts';
import type { Submission } from './contracts.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { defaultRetry, type Unavailable } from './preflight.ts';

/** What somebody needs who asks for access: what Defender for Cloud asks of them. */
const neededToRequest = [actions.initiate, actions.readVirtualMachine];

/**
 * Whether Azure lets this person ask for access to each of these machines. Returns every reason against it, none if it
 * does, or that it is not known now.
 */
export async function authorizeRequester(
  { authorization, log }: Pick<Dependencies, 'authorization' | 'log'>,
  {
    requester,
    virtualMachines,
  }: Pick<Submission, 'requester'> & { virtualMachines: readonly { id: string }[] },
  call: AuthorizationCall,
): Promise<Reason[] | Unavailable> {
  const permissions = await Promise.all(
    virtualMachines.map(({ id }) => authorization.check(requester, id, neededToRequest, call)),
  );
  const reasons: Reason[] = [];
  for (const [index, permission] of permissions.entries()) {
    if (permission.kind === 'unknown') {
      log.error('authorization-unknown', {
        correlationId: call.correlationId,
        virtualMachineId: virtualMachines[index]?.id,
        cause: permission.message,
      });
      return {
        kind: 'unavailable',
        retryAfterSeconds: permission.retryAfterSeconds ?? defaultRetry,
        message: 'Azure does not say at the moment whether you may ask for this access. Try again later.',
      };
    }
    if (permission.kind === 'denied') {
      const { message } = permission;
      reasons.push({ code: 'not-authorized', message, field: `virtualMachines[${index}].id` });
    }
  }
  return reasons;
}

/**
 * Asks again, before a request is opened, where the answer that it was accepted with holds no longer: it waited. Returns
 * what `authorizeRequester` does; a plain request, opened at once, is asked about only once.
 */
export async function reauthorizeRequester(
  dependencies: Pick<Dependencies, 'authorization' | 'clock' | 'log'>,
  { requester, virtualMachines, authorizedAt, correlationId }: AccessRequest,
): Promise<Reason[] | Unavailable> {
  const holdsUntil =
    authorizedAt === undefined ? undefined : secondsAfter(new Date(authorizedAt), authorizationHolds);
  if (holdsUntil !== undefined && dependencies.clock.now() <= holdsUntil) return [];
  return authorizeRequester(dependencies, { requester, virtualMachines }, { correlationId });
}
