import * as z from 'zod';
import type { Random } from '../random.ts';
import { encodePrincipal, personOf, principal, problemOfAnswer } from './fuzzedApi.ts';
import type { FuzzedApi, Outcome } from './fuzzedApi.ts';
import { widePolicy } from './jitBodies.ts';
import type { JitBody } from './jitBodies.ts';
import { aCall, collection, names, oddIdentity } from './jitCalls.ts';
import type { Sent } from './jitCalls.ts';
import { problemOfInitiated, readPolicy, worldsPolicy } from './jitOracle.ts';
import type { SaidByPolicy } from './jitOracle.ts';

/** Azure lets this one do nothing. */
const stranger = personOf(3);
const address = '203.0.113.9';

const envelope = z.strictObject({
  error: z.strictObject({
    code: z.string().regex(/^[A-Z][A-Za-z]+$/),
    message: z.string().min(1),
    target: z.string().optional(),
    details: z
      .array(
        z.strictObject({
          code: z.string().regex(/^[a-z-]+$/),
          message: z.string().min(1),
          target: z.string().optional(),
          additionalInfo: z
            .array(z.strictObject({ type: z.literal('Allowed'), info: z.unknown() }))
            .optional(),
        }),
      )
      .max(50)
      .optional(),
  }),
});
const initiated = z.object({
  sallyport: z.object({ accessRequests: z.array(z.object({ id: z.string() })) }),
});

/** What is known of one world: what was put there, by the ids of policies, and its tables after the last call. */
interface Known {
  policies: Map<string, SaidByPolicy>;
  tables: string;
}
const worlds = new WeakMap<FuzzedApi, Known>();

/** A call of Microsoft's API, near to a right one: refused in ARM's words with nothing kept, or within what was put. */
export async function fuzzJitDoor(random: Random, seed: number, api: FuzzedApi): Promise<string | undefined> {
  const known = worlds.get(api) ?? (await begin(api));
  const name = random.pick(names);
  const me = random.oneIn(12) ? stranger : personOf(seed + 4);
  const isKnown = !random.oneIn(25);
  const sent = aCall(random, name);
  const outcome = await api.ask(api.jit, {
    method: sent.method,
    path: `/api/arm/${addressOf(sent.path)}${sent.query}`,
    params: { path: sent.path },
    headers: {
      ...(isKnown ? { 'x-ms-client-principal': encodePrincipal(principal(me)) } : oddIdentity(random)),
      'x-forwarded-for': `198.51.100.1, ${address}:50123, 10.0.0.1:443`,
    },
    ...(sent.body !== undefined && sent.method !== 'GET' && { body: textOf(sent.body) }),
  });
  const before = known.tables;
  known.tables = await api.tables();
  const wrong =
    problemOfCall(sent, outcome, before === known.tables) ??
    (isKnown || outcome.answer.status === 401 ? undefined : 'nobody is answered') ??
    (await problemOfSuccess(sent, outcome, { api, policies: known.policies, me }));
  return wrong === undefined
    ? undefined
    : `${sent.method} ${sent.path}${sent.query} ${shown(sent)}: ${wrong}`;
}

/** Both policies are there, and wide: what is asked for may then be granted. */
async function begin(api: FuzzedApi): Promise<Known> {
  api.deny(stranger);
  const policies = new Map([['', worldsPolicy]]);
  for (const name of names) {
    const { answer } = await api.ask(api.jit, {
      method: 'PUT',
      path: '/api/arm/?api-version=2020-01-01',
      params: { path: `${collection}/${name}` },
      headers: { 'x-ms-client-principal': encodePrincipal(principal(personOf(1))) },
      body: widePolicy,
    });
    if (answer.status !== 200) throw new Error(`The policy could not be put: ${answer.text}`);
    policies.set(idOf(`${collection}/${name}`), readPolicy(widePolicy, undefined));
  }
  const known = { policies, tables: await api.tables() };
  worlds.set(api, known);
  return known;
}

/** What every answer must be like, and what must not be kept of one that refuses. */
function problemOfCall(sent: Sent, outcome: Outcome, isUnchanged: boolean): string | undefined {
  const { answer, writes } = outcome;
  const common = problemOfAnswer(answer, []);
  if (common !== undefined) return common;
  if (answer.text.includes('mallory')) return `the answer repeats what was forged: ${answer.text}`;
  if (answer.headers['x-ms-request-id'] !== answer.headers['x-ms-correlation-request-id'])
    return 'the answer has not the id of the call';
  const field = typeof sent.body === 'object' && sent.isRight ? sent.body.field : undefined;
  if (answer.status < 400) {
    if (field !== undefined) return `${field} is broken, and yet ${answer.status}`;
    return sent.method === 'GET' && !isUnchanged ? 'a GET has changed something' : undefined;
  }
  const read = envelope.safeParse(answer.json);
  if (!read.success) return `${answer.status} is not in the envelope: ${answer.text}`;
  const { code, target, details = [] } = read.data.error;
  if (answer.status === 401 && answer.headers['www-authenticate'] === undefined) return 'it does not say how';
  if (answer.status === 405 && answer.headers['allow'] === undefined)
    return 'it does not say what is allowed';
  const kept = writes.filter((write) => !(isDecided(answer.status, code) && write.startsWith('audit.')));
  if (kept.length > 0) return `${answer.status} ${code}, and yet ${kept.join(', ')}`;
  if (!isUnchanged) return `${answer.status} ${code}, and yet the tables are others`;
  if (field === undefined || answer.status === 401) return undefined;
  const named = [target, ...details.map((one) => one.target)].filter((one) => one !== undefined);
  const isNamed = named.some((one) => one.startsWith(field) || field.startsWith(one));
  return isNamed || field === '' ? undefined : `${field} is broken, and ${JSON.stringify(named)} is named`;
}

/** A decision against somebody is audited; nothing else of it is kept. */
function isDecided(status: number, code: string): boolean {
  return status !== 401 && code !== 'InvalidRequestContent' && code !== 'MethodNotAllowed';
}

async function problemOfSuccess(
  sent: Sent,
  { answer }: Outcome,
  { api, policies, me }: { api: FuzzedApi; policies: Map<string, SaidByPolicy>; me: string },
): Promise<string | undefined> {
  const { method, body } = sent;
  if (answer.status >= 400) return undefined;
  const key = idOf(sent.path);
  if (method === 'GET') return answer.status === 200 ? undefined : `a GET is ${answer.status}`;
  if (me === stranger) return `somebody without a right is answered ${answer.status}`;
  if (method === 'DELETE') {
    policies.delete(key);
    return [200, 204].includes(answer.status) ? undefined : `a DELETE is ${answer.status}`;
  }
  if (method === 'PUT') {
    policies.set(key, readPolicy(parsed(body), policies.get(key)));
    return answer.status === 200 ? undefined : `a PUT is ${answer.status}`;
  }
  if (answer.status !== 202) return `an initiate is ${answer.status}`;
  const { accessRequests } = initiated.parse(answer.json).sallyport;
  const requests = await Promise.all(accessRequests.map(({ id }) => api.request(id)));
  return problemOfInitiated(parsed(body), requests, {
    objectId: me,
    address,
    policies: [...policies.values()],
  });
}

/** The id of a policy, from a path that was answered. */
function idOf(path: string): string {
  return path
    .toLowerCase()
    .replaceAll(/ |%20/g, '')
    .replace(/(?:\/initiate)?\/?$/, '');
}

function shown({ body }: Sent): string {
  return body === undefined ? '' : textOf(body).slice(0, 2_000);
}

function textOf(body: JitBody | string): string {
  return typeof body === 'string' ? body : JSON.stringify(body.json);
}

function parsed(body: JitBody | string | undefined): unknown {
  return body === undefined ? undefined : JSON.parse(textOf(body));
}

/** Percent signs and what no address can hold are escaped, the rest is as it is. */
function addressOf(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
