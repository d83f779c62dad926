/** Azure Resource Manager's error answers: who refuses (the gateway or the provider), with which code and words. */

export interface ErrorDetail {
  code: string;
  message: string;
}

interface ErrorShape {
  status: number;
  code: string;
  message: string;
  /** Microsoft.Network always sends a list, often empty; the gateway sends none. */
  details?: ErrorDetail[];
  headers?: Record<string, string>;
}

/** A refusal; the server turns it into the error envelope and `x-ms-failure-cause`. */
export class ArmError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: ErrorDetail[] | undefined;
  readonly headers: Record<string, string>;

  constructor(shape: ErrorShape) {
    super(shape.message);
    this.name = 'ArmError';
    this.status = shape.status;
    this.code = shape.code;
    this.details = shape.details;
    this.headers = shape.headers ?? {};
  }

  get failureCause(): 'gateway' | 'service' {
    return this.details === undefined ? 'gateway' : 'service';
  }

  body(): unknown {
    return {
      error: { code: this.code, message: this.message, ...(this.details && { details: this.details }) },
    };
  }
}

/** An error of the front door: no `details`. */
export function gatewayError(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
) {
  return new ArmError({ status, code, message, headers });
}

/** An error of the network provider: always with `details`. */
export function providerError(status: number, code: string, message: string, details: ErrorDetail[] = []) {
  return new ArmError({ status, code, message, details });
}

/** The provider could not read the body; the reason stands in the details. */
export function invalidFormat(code: string, message: string) {
  return providerError(400, 'InvalidRequestFormat', 'Cannot parse the request.', [{ code, message }]);
}

/** A top-level resource that is not there, in the gateway's words. `type` is `Microsoft.Network/networkSecurityGroups`. */
export function resourceNotFound(type: string, name: string, resourceGroup: string) {
  return gatewayError(
    404,
    'ResourceNotFound',
    `The Resource '${type}/${name}' under resource group '${resourceGroup}' was not found. ` +
      'For more details please go to https://aka.ms/ARMResourceNotFoundFix',
  );
}

/** A child that is not there although its parent is, in the provider's words. */
export function childNotFound(id: string) {
  return providerError(404, 'NotFound', `Resource ${id} not found.`);
}

export function preconditionFailed(sent: string, current: string, id: string) {
  return providerError(412, 'PreconditionFailed', 'Precondition failed.', [
    {
      code: 'PreconditionFailedEtagMismatch',
      message:
        `Etag provided in if-match header W/"${bareEtag(sent)}" does not match etag ` +
        `W/"${bareEtag(current)}" of resource ${id} in NRP data store.`,
    },
  ]);
}

/** The value inside `W/"…"`, `"…"` or a bare etag. */
export function bareEtag(etag: string): string {
  return etag.replace(/^W\//, '').replace(/^"(.*)"$/, '$1');
}

export function anotherOperation(operation: string, parentId: string, retryAfterSeconds: number) {
  return new ArmError({
    status: 429,
    code: 'RetryableError',
    message: 'A retryable error occurred.',
    headers: { 'Retry-After': String(retryAfterSeconds) },
    details: [
      {
        code: 'RetryableErrorDueToAnotherOperation',
        message:
          `Operation ${operation} is updating resource ${parentId}. ` +
          `The call can be retried in ${retryAfterSeconds} seconds.`,
      },
    ],
  });
}

export function gatewayThrottled(
  kind: 'read' | 'write' | 'delete',
  subscriptionId: string,
  actor: string,
  retryAfterSeconds: number,
) {
  return gatewayError(
    429,
    'SubscriptionRequestsThrottled',
    `Number of '${kind}' requests for subscription '${subscriptionId}' actor '${actor}' exceeded. ` +
      `Please try again after '${retryAfterSeconds}' seconds.`,
    { 'Retry-After': String(retryAfterSeconds) },
  );
}

export function providerThrottled(subscriptionId: string, retryAfterSeconds: number) {
  return new ArmError({
    status: 429,
    code: 'RetryableError',
    message: 'A retryable error occurred.',
    headers: { 'Retry-After': String(retryAfterSeconds) },
    details: [
      {
        code: 'RetryableErrorDueToTooManyCalls',
        message:
          `Subscription ${subscriptionId} was used to perform too many calls within last 5 minutes. ` +
          'The number of calls exceeds Microsoft.Network throttling limit. ' +
          `The call can be retried in ${retryAfterSeconds} seconds.`,
      },
    ],
  });
}

export function authorizationFailed(actor: string, action: string, scope: string) {
  return gatewayError(
    403,
    'AuthorizationFailed',
    `The client '${actor}' with object id '${actor}' does not have authorization to perform action '${action}' ` +
      `over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    { Connection: 'close' },
  );
}

/** The caller may do what was asked, but not what it does to other resources that the body names. */
export function linkedAuthorizationFailed(
  actor: string,
  asked: { action: string; scope: string },
  linked: { action: string; scopes: string[] },
) {
  return gatewayError(
    403,
    'LinkedAuthorizationFailed',
    `The client '${actor}' with object id '${actor}' has permission to perform action '${asked.action}' on scope ` +
      `'${asked.scope}'; however, it does not have permission to perform action '${linked.action}' on the linked ` +
      `scope(s) '${linked.scopes.join(',')}' or the linked scope(s) are invalid.`,
    { Connection: 'close' },
  );
}

export function scopeLocked(scope: string, operation: 'delete' | 'write', lockedScopes: string[]) {
  return gatewayError(
    409,
    'ScopeLocked',
    `The scope '${scope}' cannot perform ${operation} operation because following scope(s) are locked: ` +
      `'${lockedScopes.join(',')}'. Please remove the lock and try again.`,
  );
}

export function disallowedByPolicy(name: string) {
  return gatewayError(
    403,
    'RequestDisallowedByPolicy',
    `Resource '${name}' was disallowed by policy. Policy identifiers: ` +
      `'[{"policyAssignment":{"name":"Contoso network rules"},"policyDefinition":{"name":"Contoso network rules"}}]'.`,
  );
}
