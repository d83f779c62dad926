import { isDeepStrictEqual } from 'node:util';
import type { Random } from '../random.ts';
import { visible } from './bodies.ts';
import { personOf, principalOf, problemOfOutcome } from './fuzzedApi.ts';
import type { FuzzedApi, Outcome } from './fuzzedApi.ts';
import { mutate } from './mutate.ts';
import { vmId } from '../../support/grantWorld.ts';

const names = [
  ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-prefix', 'forwarded'],
  ...['x-azure-clientip', 'x-azure-socketip', 'x-client-ip', 'client-ip', 'x-real-ip', 'true-client-ip'],
  ...[
    'x-original-url',
    'x-rewrite-url',
    'x-original-for',
    'x-original-host',
    'disguised-host',
    'was-default-hostname',
  ],
  ...[
    'x-arr-ssl',
    'x-site-deployment-id',
    'via',
    'host',
    'origin',
    'referer',
    'x-http-method-override',
    'cookie',
  ],
  ...[
    'x-ms-client-principal-id',
    'x-ms-token-aad-id-token',
    'x-functions-key',
    'x-ms-original-url',
    'ocp-apim-subscription-key',
  ],
];
const values = [
  ...[
    '203.0.113.7',
    '203.0.113.7, 198.51.100.9',
    '198.51.100.9:4711',
    '[2001:db8::1]:443',
    'unknown',
    '127.0.0.1',
  ],
  ...['for=203.0.113.7;proto=https', 'https', 'evil.example', '/api/audit', 'GET', 'true', '0.0.0.0/0', '*'],
];

/** Whoever forwards a call, or says so, changes nothing: no header but those of identity and content is read. */
export async function fuzzForwarded(
  random: Random,
  seed: number,
  api: FuzzedApi,
): Promise<string | undefined> {
  const forwarded: Record<string, string> = {};
  for (let count = 1 + random.below(4); count > 0; count -= 1) {
    const value = random.pick(values);
    forwarded[random.pick(names)] = visible(random.oneIn(2) ? value : mutate(random, value));
  }
  const [first, second] = [personOf(2 * seed), personOf(2 * seed + 1)];
  // Without a source, so that whoever took it from a header would be seen.
  const port = { number: 22, ...(random.oneIn(2) ? { allowedSourceAddressPrefix: '203.0.113.7' } : {}) };
  const body = {
    virtualMachines: [{ id: vmId, ports: [port] }],
    duration: 'PT1H',
    justification: 'Ticket 4711',
  };
  const plain = await api.ask(api.trusting.create, { method: 'POST', headers: principalOf(first), body });
  const { 'x-ms-client-principal-id': named, ...others } = forwarded;
  // That one header belongs to the identity: another person's is refused, which is another layer's matter.
  const headers = { ...others, ...principalOf(second) };
  const other = await api.ask(api.trusting.create, { method: 'POST', headers, body });
  const problem = problemOfOutcome(plain, []) ?? problemOfOutcome(other, []);
  if (problem !== undefined) return problem;
  if (!isDeepStrictEqual(await kept(api, plain), await kept(api, other))) {
    return `${JSON.stringify(forwarded)} changes what is granted`;
  }
  const stranger = await api.ask(api.untrusting.list, { headers: forwarded });
  return stranger.answer.status === 401 && stranger.answer.json['code'] === 'token-missing'
    ? undefined
    : `${JSON.stringify({ ...forwarded, named })} lets somebody in`;
}

/** What was answered and stored, without what says who it was and which one. */
async function kept(api: FuzzedApi, { answer, writes }: Outcome): Promise<unknown> {
  const id = answer.json['id'] as string;
  const request = await api.request(id);
  const { virtualMachines, targets, duration, start, end, state } = request;
  return { status: answer.status, writes, virtualMachines, targets, duration, start, end, state };
}
