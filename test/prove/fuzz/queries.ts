import type { HttpHandler } from '@azure/functions';
import type { Random } from '../random.ts';
import { encodePrincipal, personOf, principal, principalOf, problemOfOutcome } from './fuzzedApi.ts';
import type { FuzzedApi } from './fuzzedApi.ts';
import { mutate, mutateJson, nonsense } from './mutate.ts';
import { vmId } from '../../support/grantWorld.ts';

const others = personOf(1);
const names = [
  'vm',
  'requester',
  'from',
  'to',
  'continuation',
  'state',
  'user',
  '$filter',
  'constructor',
  '__proto__',
];
const values = [
  ...[
    vmId,
    others,
    '2026-11-23T08:00:00Z',
    '2026-11-23T08:00:00+14:00',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999Z',
  ],
  ...[
    '-000001-01-01T00:00:00Z',
    '+275760-09-13T00:00:00Z',
    '2026-02-30T00:00:00Z',
    'active',
    'pending',
    'closed',
    '',
  ],
];
const positions = [
  { after: '2026-11-23T08:00:00.000Z', to: '2026-11-24T08:00:00.000Z' },
  { after: '2026-11-23T08:00:00.000Z_0-1', to: '9999-12-31T23:59:59.999Z' },
  { after: '', to: '' },
];

/** Queries, paths and continuations of all kinds: refused with a sentence, or answered, and never with others' matters. */
export async function fuzzQuery(random: Random, seed: number, api: FuzzedApi): Promise<string | undefined> {
  const me = personOf(seed + 2);
  const isAuditor = random.oneIn(3);
  const headers = isAuditor
    ? { 'x-ms-client-principal': encodePrincipal(principal(me, ['Sallyport.Auditor'])) }
    : principalOf(me);
  const { handler, path, params } = anAddress(random, api);
  const outcome = await api.ask(handler, { headers, path, ...(params === undefined ? {} : { params }) });
  const problem = problemOfOutcome(outcome, isAuditor ? [] : [others]);
  if (problem !== undefined) return `${path}: ${problem}`;
  return outcome.writes.length > 0 ? `${path} writes ${outcome.writes.join(', ')}` : undefined;
}

function anAddress(
  random: Random,
  api: FuzzedApi,
): { handler: HttpHandler; path: string; params?: Record<string, string> } {
  if (random.oneIn(5)) {
    const id = random.oneIn(3)
      ? nonsense(random)
      : mutate(random, '0'.repeat(31) + random.pick(['1', '2', 'f']));
    const handler = random.pick([api.trusting.get, api.trusting.revoke]);
    return { handler, path: `/api/access-requests/${encodeURIComponent(wellFormed(id))}`, params: { id } };
  }
  const path = random.oneIn(2) ? '/api/audit' : '/api/access-requests';
  const handler = path === '/api/audit' ? api.audit : api.trusting.list;
  const query = Array.from({ length: random.below(4) }, () => {
    const name = random.oneIn(10) ? nonsense(random) : random.pick(names);
    const value = name === 'continuation' ? aContinuation(random) : aValue(random);
    return `${encodeURIComponent(wellFormed(name))}=${random.oneIn(10) ? value.replaceAll('#', '') : encodeURIComponent(wellFormed(value))}`;
  });
  return { handler, path: `${path}?${query.join('&')}` };
}

function aValue(random: Random): string {
  const value = random.pick(values);
  return random.oneIn(2) ? value : mutate(random, value);
}

function aContinuation(random: Random): string {
  const position = random.pick(positions);
  const json = random.oneIn(2)
    ? JSON.stringify(mutateJson(random, position))
    : mutate(random, JSON.stringify(position));
  const text = Buffer.from(json).toString('base64url');
  return random.oneIn(3) ? mutate(random, text) : text;
}

/** Without half surrogates, of which no address can be made. */
function wellFormed(text: string): string {
  return text.replaceAll(/[\ud800-\udfff]/g, '~');
}
