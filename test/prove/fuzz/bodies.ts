import type { AccessRequest } from '../../../src/core/accessRequest.ts';
import { vmId } from '../../support/grantWorld.ts';
import { span } from '../../support/packetOracle.ts';
import type { Random } from '../random.ts';
import { personOf, principalOf, problemOfOutcome } from './fuzzedApi.ts';
import type { FuzzedApi } from './fuzzedApi.ts';
import { mutate, mutateJson, nonsense } from './mutate.ts';

const sources = [
  '203.0.113.7',
  '203.0.113.0/24',
  '203.0.113.128/25',
  '203.0.112.0/23',
  '0.0.0.0/0',
  '2001:db8::7',
];
const durations = ['PT1H', 'PT3H', 'PT180M', 'PT10800S', 'PT3H1S', 'P1D', 'PT0.5H', 'P0.1D', 'PT1S', 'PT0S'];
const contentTypes = [
  ...[
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json; charset=latin1',
  ],
  ...['text/plain', 'application/json, text/plain', 'APPLICATION/JSON', 'application/problem+json', ''],
];

/** A body near to a right one, as somebody might send it, and now and then anything at all. */
export async function fuzzBody(random: Random, seed: number, api: FuzzedApi): Promise<string | undefined> {
  const body = aBody(random);
  const headers = {
    ...principalOf(personOf(seed)),
    // Whoever names no source means this one: the last but one.
    'x-forwarded-for': '198.51.100.1, 203.0.113.9:50123, 10.0.0.1:443',
    ...(random.oneIn(30) ? { 'content-type': random.pick(contentTypes) } : {}),
    ...(random.oneIn(20) ? { 'idempotency-key': visible(mutate(random, 'ticket-4711')) } : {}),
  };
  const outcome = await api.ask(api.trusting.create, { method: 'POST', headers, body });
  const problem = problemOfOutcome(outcome, []);
  if (problem !== undefined || outcome.answer.status !== 202) return problem;
  const request = await api.request(outcome.answer.json['id'] as string);
  return problemOfGrant(request, personOf(seed));
}

function aBody(random: Random): string | Uint8Array {
  const right = {
    virtualMachines: [
      {
        id: random.oneIn(8) ? vmId.toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions') : vmId,
        ports: Array.from({ length: 1 + (random.oneIn(8) ? random.below(60) : random.below(2)) }, () => ({
          number: random.oneIn(6) ? random.below(65_537) : 22,
          ...(random.oneIn(2) ? { protocol: random.pick(['Tcp', 'tcp', 'TCP', 'Udp', '*']) } : {}),
          ...(random.oneIn(3) ? {} : { allowedSourceAddressPrefix: random.pick(sources) }),
        })),
      },
    ],
    duration: random.pick(durations),
    justification: random.oneIn(6) ? nonsense(random) : 'Restart the web server',
  };
  if (random.oneIn(3)) return JSON.stringify(right);
  if (!random.oneIn(4)) return JSON.stringify(mutateJson(random, right));
  const text = mutate(random, JSON.stringify(right));
  if (random.oneIn(40)) return '['.repeat(20_000) + text;
  if (random.oneIn(40)) return text + ' '.repeat(70_000);
  const bytes = Buffer.from(text, random.oneIn(8) ? 'utf16le' : 'utf8');
  if (random.oneIn(4) && bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}

/** What may be in a header at all: the host refuses the rest before the app sees it. */
export function visible(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '~').trim();
}

/** Holds the row that was made against the policy, with arithmetic of its own. */
function problemOfGrant(request: AccessRequest, objectId: string): string | undefined {
  const allowed = span('203.0.113.0/24');
  const seconds = (Date.parse(request.end) - Date.parse(request.start)) / 1000;
  if (request.requester.objectId !== objectId) return `it was granted to ${request.requester.objectId}`;
  if (!(seconds >= 1 && seconds <= 3 * 3600)) return `${seconds} seconds were granted`;
  for (const box of request.targets.flatMap(({ boxes }) => boxes)) {
    const wide = box.sourceAddressPrefixes.find((text) => {
      const { family, first, last } = span(text);
      return family !== allowed.family || first < allowed.first || last > allowed.last;
    });
    if (wide !== undefined) return `the source ${wide} was granted`;
    if (box.destinationPorts.join() !== '22') return `the ports ${box.destinationPorts.join()} were granted`;
    if (box.protocol !== 'Tcp') return `the protocol ${box.protocol} was granted`;
    if (box.destinationAddressPrefixes.join() !== '10.1.0.4/32') return 'another destination was granted';
  }
  return request.targets.length === 2 ? undefined : 'not both NSGs are in the request';
}
