import type { PolicyRefusal } from '../../workflow/contracts.ts';
import { armDetailOf, armErrorOf } from './armError.ts';
import type { ArmError } from './armError.ts';
import type { FieldProblem } from '../problem.ts';

/** In Microsoft's words. */
export function policyNotFound(id: string): ArmError {
  const message = `Just-In-Time Network Access Policy '${id}' does not exist.`;
  return { status: 404, code: 'PolicyNotFound', message };
}

/** Why a policy, or what lies in a scope, cannot be shown or changed. */
export function errorOfRefusal(refusal: PolicyRefusal, id: string): ArmError {
  switch (refusal.kind) {
    case 'not-found':
      return policyNotFound(id);
    case 'not-authorized': {
      const [first] = refusal.reasons;
      return {
        status: 403,
        code: 'AuthorizationFailed',
        message: first?.message ?? `You are not authorized to do this to '${id}'.`,
        details: refusal.reasons.map(({ message, ...reason }) => armDetailOf({ ...reason, detail: message })),
      };
    }
    case 'unavailable': {
      const { message, retryAfterSeconds } = refusal;
      return armErrorOf({ code: 'unavailable', detail: message, retryAfterSeconds });
    }
  }
}

/** A body that is not what it must be; each problem with its field. */
export function errorOfBody(errors: FieldProblem[]): ArmError {
  const [first] = errors;
  const detail = `${first?.field === undefined ? '' : `${first.field}: `}${first?.detail ?? ''}`;
  return armErrorOf({ code: 'body-invalid', detail, errors });
}
