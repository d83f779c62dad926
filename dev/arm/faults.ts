import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { CallKind } from './throttle.ts';
import {
  anotherOperation,
  ArmError,
  authorizationFailed,
  disallowedByPolicy,
  gatewayError,
  gatewayThrottled,
  preconditionFailed,
  providerThrottled,
  scopeLocked,
} from './errors.ts';
import type { OperationFault } from './operations.ts';
import { isNsg, idKey, NSG_TYPE } from './resource.ts';
import type { World } from './world.ts';
import type { Target } from './target.ts';
import { topLevelId } from './target.ts';

const faultSchema = z.discriminatedUnion('kind', [
  /** Any answer, instead of handling the request. A body of text goes out as it is, like a proxy's error page. */
  z.strictObject({
    kind: z.literal('status'),
    status: z.number().int().min(200).max(599),
    code: z.string().default('InternalServerError'),
    message: z.string().default('An error occurred.'),
    details: z.array(z.object({ code: z.string(), message: z.string() })).optional(),
    headers: z.record(z.string(), z.string()).default({}),
    body: z.unknown().optional(),
  }),
  /** 200 with a body that ends in the middle of its JSON. */
  z.strictObject({ kind: z.literal('malformed') }),
  z.strictObject({ kind: z.literal('reset-before') }),
  z.strictObject({ kind: z.literal('reset-after-commit') }),
  z.strictObject({
    kind: z.literal('delay'),
    ms: z.number().min(0),
    when: z.enum(['before', 'after']).default('before'),
  }),
  z.strictObject({ kind: z.literal('hang'), when: z.enum(['before', 'after']).default('before') }),
  z.strictObject({ kind: z.enum(['lro-failed', 'lro-canceled', 'supersede']) }),
  z.strictObject({ kind: z.literal('412') }),
  z.strictObject({ kind: z.literal('retryable-429'), retryAfter: z.number().int().default(14) }),
  z.strictObject({ kind: z.literal('throttle'), retryAfter: z.number().int().default(10) }),
  z.strictObject({ kind: z.literal('network-throttle'), retryAfter: z.number().int().default(39) }),
  z.strictObject({ kind: z.enum(['unauthorized', 'claims', 'forbidden', 'policy', 'locked']) }),
]);

const specSchema = z.strictObject({
  match: z
    .strictObject({
      method: z.string().optional(),
      /** A regular expression over the path, whatever the case. */
      path: z.string().refine(isRegExp, 'must be a regular expression').optional(),
    })
    .default({}),
  /** How many requests it hits; without it, all until it is removed. */
  times: z.number().int().min(1).optional(),
  /** How many matching requests pass before the first hit. */
  skip: z.number().int().min(0).default(0),
  fault: faultSchema,
});

export type Fault = z.infer<typeof faultSchema>;
export type FaultSpec = z.input<typeof specSchema>;
export type ActiveFault = z.infer<typeof specSchema> & { id: string; hits: number };

export interface Faults {
  /** Switches a fault on and returns its id. Throws a ZodError for a specification that is not one. */
  add(spec: unknown): string;
  remove(id: string): boolean;
  clear(): void;
  list(): ActiveFault[];
  /** The first fault that hits this request; counts it. */
  hit(method: string, path: string): Fault | undefined;
}

export function makeFaults(initial: readonly FaultSpec[] = []): Faults {
  let active: ActiveFault[] = [];
  const faults: Faults = {
    add(spec) {
      const fault = { ...specSchema.parse(spec), id: randomUUID(), hits: 0 };
      active.push(fault);
      return fault.id;
    },
    remove(id) {
      const before = active.length;
      active = active.filter((fault) => fault.id !== id);
      return active.length < before;
    },
    clear() {
      active = [];
    },
    list: () => structuredClone(active),
    hit(method, path) {
      const found = active.filter(({ match }) => matches(match, method, path)).find(isDue);
      if (found?.times !== undefined && found.hits >= found.times) {
        active = active.filter((fault) => fault !== found);
      }
      return found?.fault;
    },
  };
  initial.forEach((spec) => faults.add(spec));
  return faults;
}

function isDue(fault: ActiveFault): boolean {
  if (fault.skip > 0) {
    fault.skip -= 1;
    return false;
  }
  fault.hits += 1;
  return true;
}

function matches(match: ActiveFault['match'], method: string, path: string): boolean {
  return (
    (match.method === undefined || match.method.toUpperCase() === method) &&
    (match.path === undefined || new RegExp(match.path, 'i').test(path))
  );
}

function isRegExp(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
}

const OPERATION_FAULTS: readonly string[] = ['lro-failed', 'lro-canceled', 'supersede'];

export function operationFault(fault: Fault | undefined): OperationFault | undefined {
  return fault && OPERATION_FAULTS.includes(fault.kind) ? (fault.kind as OperationFault) : undefined;
}

/** What a fault answers in place of the resource provider, in Azure's words; undefined for faults of another nature. */
export function refusal(
  fault: Fault,
  request: {
    world: World;
    target: Target;
    kind: CallKind;
    objectId: string;
    action: string;
    ifMatch: string;
  },
): ArmError | undefined {
  const { world, target, kind, objectId } = request;
  const subscriptionId = target.subscriptionId ?? '';
  const nsg = world.resources.get(idKey(topLevelId(target)));
  switch (fault.kind) {
    case 'status':
      return new ArmError({
        status: fault.status,
        code: fault.code,
        message: fault.message,
        headers: fault.headers,
        ...(fault.details && { details: fault.details }),
      });
    case '412':
      return preconditionFailed(
        request.ifMatch,
        isNsg(nsg) ? randomUUID() : '',
        isNsg(nsg) ? nsg.id : target.path,
      );
    case 'retryable-429':
      return anotherOperation(
        `PutSecurityRuleOperation (${randomUUID()})`,
        topLevelId(target),
        fault.retryAfter,
      );
    case 'throttle':
      return gatewayThrottled(kind, subscriptionId, objectId, fault.retryAfter);
    case 'network-throttle':
      return providerThrottled(subscriptionId, fault.retryAfter);
    case 'unauthorized':
      return unauthorized(world, 'error="invalid_token"');
    case 'claims': {
      // Continuous access evaluation: the client must fetch a new token with these claims.
      const claims = { access_token: { nbf: { essential: true, value: '1767225600' } } };
      const encoded = Buffer.from(JSON.stringify(claims)).toString('base64');
      return unauthorized(world, `error="insufficient_claims", claims="${encoded}"`);
    }
    case 'forbidden':
      return authorizationFailed(objectId, request.action, target.path);
    case 'policy':
      return disallowedByPolicy(target.names.at(-1) ?? NSG_TYPE);
    case 'locked':
      return scopeLocked(target.path, kind === 'delete' ? 'delete' : 'write', [target.scope]);
    case 'malformed':
    case 'reset-before':
    case 'reset-after-commit':
    case 'delay':
    case 'hang':
    case 'lro-failed':
    case 'lro-canceled':
    case 'supersede':
      return undefined;
  }
}

function unauthorized(world: World, challenge: string): ArmError {
  const authority = `https://login.microsoftonline.com/${world.tenantId}`;
  return gatewayError(401, 'InvalidAuthenticationToken', 'The access token is invalid.', {
    'WWW-Authenticate': `Bearer authorization_uri="${authority}", ${challenge}`,
  });
}
