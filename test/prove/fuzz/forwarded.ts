import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net';
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

/** Whoever forwards a call, or says so, changes nothing: of where a call comes from one header is read, counted from its end. */
export async function fuzzForwarded(
  random: Random,
  seed: number,
  api: FuzzedApi,
): Promise<string | undefined> {
  if (random.oneIn(2)) return fuzzCallerAddress(random, seed, api);
  const forwarded: Record<string, string> = {};
  for (let count = 1 + random.below(4); count > 0; count -= 1) {
    const value = random.pick(values);
    forwarded[random.pick(names)] = visible(random.oneIn(2) ? value : mutate(random, value));
  }
  const { 'x-forwarded-for': written = 'unknown', ...rest } = forwarded;
  const [first, second] = [personOf(2 * seed), personOf(2 * seed + 1)];
  // Without a source, so that whoever took it from a header of the caller's would be seen.
  const port = { number: 22, ...(random.oneIn(2) ? { allowedSourceAddressPrefix: '203.0.113.7' } : {}) };
  const plain = await api.ask(api.trusting.create, asking(first, port, { 'x-forwarded-for': proxies }));
  const { 'x-ms-client-principal-id': named, ...others } = rest;
  // That one header belongs to the identity: another person's is refused, which is another layer's matter.
  const told = { ...others, 'x-forwarded-for': `${written}, ${proxies}` };
  const other = await api.ask(api.trusting.create, asking(second, port, told));
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

/** What two trusted proxies append: who called the first, then the first. */
const proxies = '203.0.113.8:51000, 10.1.2.3:443';

/** Addresses as proxies write them, and as nobody should. */
const entries = [
  ...['203.0.113.7', '203.0.113.7:4711', '::ffff:203.0.113.7', '[::ffff:203.0.113.7]:443', ' 203.0.113.9 '],
  ...['2001:db8::7', '[2001:db8::7]', '[2001:DB8:0::7]:443', '198.51.100.9:1', '8.8.8.8'],
  ...['10.1.2.3', '172.31.0.1:9', '192.168.0.1', '100.64.0.1', '127.0.0.1', '169.254.169.254', '224.0.0.1'],
  ...[
    '::1',
    '::',
    '[fe80::1]:9',
    'fe80::1%eth0',
    'fd00::1',
    'ff02::1',
    '::ffff:10.0.0.1',
    '0.0.0.0',
    '255.255.255.255',
  ],
  ...[
    'unknown',
    '',
    '_hidden',
    '203.0.113.0/24',
    '203.0.113',
    '0203.0.113.7',
    '[203.0.113.7]',
    '"203.0.113.7"',
    '203.0.113.7:',
    '*',
  ],
];

/** The address that a grant without a source is for, judged by Node's own reading of addresses. */
async function fuzzCallerAddress(random: Random, seed: number, api: FuzzedApi): Promise<string | undefined> {
  const chain = Array.from({ length: random.below(5) }, () => random.pick(entries));
  const right = chain.join(random.pick([',', ', ', ' ,']));
  const written = visible(random.oneIn(2) ? right : mutate(random, right));
  const outcome = await api.ask(
    api.trusting.create,
    asking(personOf(2 * seed), { number: 22 }, { 'x-forwarded-for': written }),
  );
  const problem = problemOfOutcome(outcome, []);
  if (problem !== undefined) return problem;
  const expected = meant(written.split(',').at(-2)?.trim() ?? '');
  const { status, text } = outcome.answer;
  const shown = JSON.stringify(written);
  if (status === 400) return expected === undefined ? undefined : `${shown} is refused: ${text}`;
  if (expected === undefined) return `${shown} is taken for an address: ${text}`;
  // Only the first of the two ranges is in the policy.
  if (status === 403) return isIn('203.0.113.0', 24, expected) ? `${shown} is denied: ${text}` : undefined;
  const request = await api.request(outcome.answer.json['id'] as string);
  const sources = request.targets.flatMap(({ boxes }) => boxes.flatMap((box) => box.sourceAddressPrefixes));
  return sources.every((source) =>
    isIn(expected, expected.includes(':') ? 128 : 32, source.replace(/\/(32|128)$/, '')),
  )
    ? undefined
    : `${shown} opens to ${sources.join()}`;
}

const nobody = new BlockList();
for (const range of [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
])
  addTo(range);
for (const range of ['192.0.0.0/24', '192.168.0.0/16', '198.18.0.0/15', '168.63.129.16/32', '224.0.0.0/3'])
  addTo(range);

function addTo(range: string): void {
  const [address = '', length] = range.split('/');
  nobody.addSubnet(address, Number(length), 'ipv4');
}

/** The public address that an entry names; undefined if it names none. */
function meant(entry: string): string | undefined {
  const inBrackets = /^\[(.*:.*)\](?::\d{1,5})?$/.exec(entry)?.[1];
  const beforePort = /^([^:]*):\d{1,5}$/.exec(entry)?.[1];
  const host = inBrackets ?? beforePort ?? entry;
  if (isIPv4(host)) return inBrackets === undefined && !nobody.check(host) ? host : undefined;
  if (!isIPv6(host) || host.includes('%')) return undefined;
  const { address } = new SocketAddress({ address: host, family: 'ipv6' });
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (mapped !== undefined) return nobody.check(mapped) ? undefined : mapped;
  return isIn('2000::', 3, address) ? address : undefined;
}

function isIn(network: string, length: number, address: string): boolean {
  const type = network.includes(':') ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(network, length, type);
  return address.includes(':') === (type === 'ipv6') && list.check(address, type);
}

function asking(objectId: string, port: object, headers: Record<string, string>) {
  const body = {
    virtualMachines: [{ id: vmId, ports: [port] }],
    duration: 'PT1H',
    justification: 'Ticket 4711',
  };
  return { method: 'POST', headers: { ...headers, ...principalOf(objectId) }, body };
}

/** What was answered and stored, without what says who it was and which one. */
async function kept(api: FuzzedApi, { answer, writes }: Outcome): Promise<unknown> {
  const id = answer.json['id'] as string;
  const request = await api.request(id);
  const { virtualMachines, targets, duration, start, end, state } = request;
  return { status: answer.status, writes, virtualMachines, targets, duration, start, end, state };
}
