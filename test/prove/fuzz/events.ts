import type { NetworkHint } from '../../../src/core/networkHint.ts';
import { createNetworkChangedHandler } from '../../../src/events/networkChanged.ts';
import type { Orchestrations } from '../../../src/workflow/contracts.ts';
import type { Random } from '../random.ts';
import { mutate, mutateJson } from './mutate.ts';

const topic = '/subscriptions/11111111-2222-3333-4444-555555555555';
const group = `${topic}/resourceGroups/Contoso-RG/providers`;
const resources = [
  `${group}/Microsoft.Network/networkSecurityGroups/nsg-web`,
  `${group}/Microsoft.Network/networkSecurityGroups/nsg-web/securityRules/AllowHttps`,
  `${group}/Microsoft.Network/networkInterfaces/vm-web-nic`,
  `${group}/Microsoft.Compute/virtualMachines/vm-web`,
];
const rung = () => Promise.reject(new Error('Nobody is to be rung.'));
const nobody: Orchestrations = { start: rung, ring: rung, status: rung, purge: rung };

/** An event as anybody with the webhook's key may send it: no failure, and no hint beyond the expected topic. */
export async function fuzzEvent(random: Random): Promise<string | undefined> {
  const hints: NetworkHint[] = [];
  const failures: string[] = [];
  const handler = createNetworkChangedHandler({
    topics: [topic],
    followHint: (hint) => {
      hints.push(hint);
      return Promise.resolve();
    },
    newId: () => 'c0ffee00-0000-4000-8000-000000000001',
    clock: { now: () => new Date(0) },
    log: { info: () => undefined, warn: () => undefined, error: (message) => failures.push(message) },
  });
  const whole = anEvent(random, random.pick(resources));
  const event: unknown = random.oneIn(10) ? whole : damaged(random, whole);
  const said = JSON.stringify(event);
  try {
    await handler(event, () => nobody);
  } catch {
    return `the handler rejects, so that the batch comes again: ${said}`;
  }
  if (failures.length > 0) return `an event fails: ${said}`;
  const isHint = hints.length > 0;
  if (event === whole && !isHint) return `an undamaged event is no hint: ${said}`;
  return isHint && !mayBeHint(event) ? `a hint that nobody may give: ${said}` : undefined;
}

function anEvent(random: Random, resourceUri: string): Record<string, unknown> {
  const type = `Microsoft.Resources.Resource${random.pick(['Write', 'Delete'])}Success`;
  const time = '2026-11-23T12:00:00.4150337Z';
  const common = { id: '1', subject: resourceUri, data: { resourceUri, status: 'Succeeded' } };
  return random.oneIn(2)
    ? { ...common, topic, eventType: type, eventTime: time, dataVersion: '2' }
    : { ...common, specversion: '1.0', source: topic, type, time };
}

function damaged(random: Random, event: Record<string, unknown>): unknown {
  if (random.oneIn(3)) return mutateJson(random, event);
  const uri = mutate(random, random.pick(resources));
  if (random.oneIn(2)) return { ...event, data: { resourceUri: uri } };
  const other = mutate(random, topic);
  return 'specversion' in event ? { ...event, source: other } : { ...event, topic: other };
}

/** By own reading: an expected source, and a resource of a known kind within it, in names that no URL would change. */
function mayBeHint(event: unknown): boolean {
  if (typeof event !== 'object' || event === null) return false;
  const { source, topic: from, specversion, data } = event as Record<string, unknown>;
  const said = specversion === undefined ? from : source;
  const uri = (data as { resourceUri?: unknown } | null)?.resourceUri;
  if (typeof said !== 'string' || typeof uri !== 'string') return false;
  const lower = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (lower(said) !== lower(topic) || !/^[\w/.()-]+$/.test(uri)) return false;
  const [empty, ...path] = lower(uri).split('/');
  const [subscriptions, id, groups, name, providers, namespace, type, resource, ...child] = path;
  const kinds = [
    'microsoft.network/networksecuritygroups',
    'microsoft.network/networkinterfaces',
    'microsoft.compute/virtualmachines',
  ];
  return (
    empty === '' &&
    [subscriptions, id].join('/') === lower(topic).slice(1) &&
    groups === 'resourcegroups' &&
    providers === 'providers' &&
    kinds.includes(`${namespace}/${type}`) &&
    [name, resource, ...child].every((one) => one !== undefined && !/^\.|\.$|^$/.test(one)) &&
    (child.length === 0 ||
      (type === 'networksecuritygroups' && child.length === 2 && child[0] === 'securityrules'))
  );
}
