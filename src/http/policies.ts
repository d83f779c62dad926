import type { InvocationContext } from '@azure/functions';
import type {
  ChangePolicyResult,
  PolicyChangeCall,
  PolicyRefusal,
  PolicyService,
} from '../workflow/contracts.ts';
import { handleCall } from './handleCall.ts';
import type { Answer, Call, CallDependencies } from './handleCall.ts';
import type { HandlersOf } from './operation.ts';
import { parsePolicyBody, parseReleaseBody, policyName, type Parsed } from './policyBody.ts';
import { changeQuery, ifMatch, ifNoneMatch } from './policyOperations.ts';
import type { policyOperations } from './policyOperations.ts';
import { presentPolicy } from './presentPolicy.ts';
import { problemOfDecision } from './problem.ts';
import type { Problem } from './problem.ts';
import { readBody } from './readBody.ts';
import { readQuery } from './readQuery.ts';

export interface PolicyDependencies extends CallDependencies {
  /** The service as one invocation sees it: Durable's client hangs on the context. */
  policies: (context: InvocationContext) => PolicyService;
}

/** The handlers of policyOperations. */
export function createPolicyHandlers(dependencies: PolicyDependencies): HandlersOf<typeof policyOperations> {
  const { policies } = dependencies;
  return {
    list: handleCall(dependencies, (call) => list(call, policies(call.context))),
    get: handleCall(dependencies, (call) => get(call, policies(call.context))),
    put: handleCall(dependencies, (call) =>
      change(call, parsePolicyBody, (name, body, how) => policies(call.context).put(name, body, how)),
    ),
    remove: handleCall(dependencies, (call) =>
      change(call, undefined, (name, _, how) => policies(call.context).remove(name, how)),
    ),
    release: handleCall(dependencies, (call) =>
      change(call, parseReleaseBody, (name, body, how) =>
        policies(call.context).release(name, body.virtualMachineIds, how),
      ),
    ),
  };
}

async function list(call: Call, service: PolicyService): Promise<Answer> {
  const listed = await service.list(call);
  if (listed.kind !== 'listed') return refuse(problemOf(listed));
  return { ok: true, status: 200, body: { value: listed.policies.map(presentPolicy) } };
}

async function get(call: Call, service: PolicyService): Promise<Answer> {
  const name = nameOf(call);
  if (name === undefined) return refuse(notFound);
  const found = await service.find(name, call);
  if (found.kind !== 'found') return refuse(problemOf(found));
  const { policy } = found;
  return { ok: true, status: 200, body: presentPolicy(policy), etag: `"${policy.version}"` };
}

/** Everything that changes a policy: name, query, headers, body, in this order, and then the service. */
async function change<Body = undefined>(
  call: Call,
  parse: ((json: unknown) => Parsed<Body>) | undefined,
  make: (name: string, body: Body, how: PolicyChangeCall) => Promise<ChangePolicyResult>,
): Promise<Answer> {
  const name = nameOf(call);
  if (name === undefined) return refuse(parse === undefined ? notFound : nameInvalid);
  const query = readQuery(call.request, changeQuery);
  if (!query.ok) return query;
  const demanded = versionOf(call);
  if (!demanded.ok) return demanded;
  const parsed = parse === undefined ? undefined : await bodyOf(call, parse);
  if (parsed !== undefined && !parsed.ok) return parsed;
  const isDryRun = query.query.dryRun === 'true';
  const { caller, correlationId } = call;
  const result = await make(name, parsed?.body as Body, {
    ...{ caller, correlationId, isDryRun },
    ...(demanded.value === undefined ? {} : { ifVersion: demanded.value }),
  });
  if (result.kind !== 'changed') return refuse(problemOf(result));
  const { policy, changes, effects } = result;
  const body = { policy: presentPolicy(policy), isDryRun, changes, effects };
  return { ok: true, status: 200, body, etag: `"${policy.version}"` };
}

async function bodyOf<Body>(call: Call, parse: (json: unknown) => Parsed<Body>) {
  const read = await readBody(call.request);
  if (!read.ok) return read;
  const parsed = parse(read.json);
  if (parsed.ok) return parsed;
  const [first] = parsed.problems;
  const detail = `${first?.field === undefined ? '' : `${first.field}: `}${first?.detail ?? ''}`;
  const problem: Problem = { code: 'body-invalid', detail, errors: parsed.problems };
  return { ok: false, problem } as const;
}

function nameOf({ request }: Call): string | undefined {
  const name = policyName.safeParse(request.params['name']);
  return name.success ? name.data : undefined;
}

/** What If-Match and If-None-Match demand. Both at once demand what cannot be. */
function versionOf({ request }: Call) {
  const match = request.headers.get('if-match') ?? undefined;
  const none = request.headers.get('if-none-match') ?? undefined;
  const fields = [
    ...(match !== undefined && !ifMatch.safeParse(match).success ? ['If-Match'] : []),
    ...(none !== undefined && (match !== undefined || !ifNoneMatch.safeParse(none).success)
      ? ['If-None-Match']
      : []),
  ];
  if (fields.length > 0) {
    const detail = 'Send If-Match with the ETag of a policy or *, or If-None-Match with *, and not both.';
    const errors = fields.map((field) => ({ field, code: 'malformed', detail }) as const);
    return { ok: false, problem: { code: 'header-invalid', detail, errors } satisfies Problem } as const;
  }
  if (none !== undefined) return { ok: true, value: 'none' } as const;
  if (match === undefined) return { ok: true, value: undefined } as const;
  return { ok: true, value: match === '*' ? ('any' as const) : Number(match.slice(1, -1)) } as const;
}

const notFound: Problem = { code: 'policy-not-found', detail: 'There is no policy of this name.' };
const nameDetail = 'The name must be 1 to 63 letters, digits, dots, underscores or hyphens.';
const nameInvalid: Problem = {
  code: 'body-invalid',
  detail: nameDetail,
  errors: [{ field: 'name', code: 'malformed', detail: nameDetail }],
};

function problemOf(result: Exclude<ChangePolicyResult, { kind: 'changed' }> | PolicyRefusal): Problem {
  switch (result.kind) {
    case 'not-found':
      return notFound;
    case 'not-authorized':
      return problemOfDecision({ outcome: 'denied', reasons: result.reasons, policies: [] });
    case 'unavailable':
      return { code: 'unavailable', detail: result.message, retryAfterSeconds: result.retryAfterSeconds };
    case 'version-mismatch': {
      const there = result.version === undefined ? 'there is none' : `it is version ${result.version}`;
      return {
        code: 'policy-changed',
        detail: `The policy is not what was demanded: ${there}. Read it again.`,
      };
    }
    case 'not-releasable':
      return {
        code: 'not-releasable',
        detail: `These virtual machines have not left the policy: ${result.virtualMachineIds.slice(0, 5).join(', ')}.`,
      };
  }
}

function refuse(problem: Problem): Answer {
  return { ok: false, problem };
}
