import * as z from 'zod';
import { canonicalId } from './resourceId.ts';

/**
 * Something in Azure's network was written or deleted, or so somebody says: worth a look and no more. It may come twice,
 * late, out of order or never.
 */
export interface NetworkHint {
  kind: 'nsg' | 'network-interface' | 'virtual-machine';
  /** ARM id as the event spells it; of a rule's event, the id of its NSG. */
  id: string;
  /** When it happened, by Azure's clock. */
  at: Date;
}

/** An event that is no hint for us, and why. */
export interface IgnoredEvent {
  ignored: 'malformed' | 'unexpected-topic' | 'other-event' | 'other-resource';
}

const instant = z.iso.datetime({ offset: true });
const data = z.object({ resourceUri: z.string().max(2048) });
const cloudEvent = z
  .object({ specversion: z.literal('1.0'), type: z.string(), source: z.string(), time: instant, data })
  .transform(({ type, source, time, data: { resourceUri } }) => ({ type, topic: source, time, resourceUri }));
const eventGridEvent = z
  .object({ eventType: z.string(), topic: z.string(), eventTime: instant, data })
  .transform(({ eventType, topic, eventTime, data: { resourceUri } }) => ({
    type: eventType,
    topic,
    time: eventTime,
    resourceUri,
  }));

const eventTypes = new Set([
  'Microsoft.Resources.ResourceWriteSuccess',
  'Microsoft.Resources.ResourceDeleteSuccess',
]);

// The names that an ARM id of ours may have; ASCII without the `u` flag, whose case folding makes one name of two.
const guid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const name = '[a-z0-9_(](?:[a-z0-9_.()-]{0,88}[a-z0-9_()-])?';
const group = `/subscriptions/${guid}/resourceGroups/${name}`;
const kinds: [NetworkHint['kind'], RegExp][] = (
  [
    ['nsg', 'Microsoft\\.Network/networkSecurityGroups', `(?:/securityRules/${name})?`],
    ['network-interface', 'Microsoft\\.Network/networkInterfaces', ''],
    ['virtual-machine', 'Microsoft\\.Compute/virtualMachines', ''],
  ] as const
).map(([kind, type, child]) => [kind, new RegExp(`^(${group}/providers/${type}/${name})${child}$`, 'i')]);

const topicPattern = new RegExp(`^/subscriptions/${guid}(?:/resourceGroups/${name})?$`, 'i');

/** Whether a text is the source of a system topic: `/subscriptions/{guid}`, or one resource group of it. */
export function isEventTopic(text: string): boolean {
  return topicPattern.test(text);
}

/**
 * Reads one event of an Azure system topic, in Event Grid's schema or as a CloudEvent. Only what comes from one of the
 * expected topics, and speaks of a resource within that topic, is a hint.
 */
export function readNetworkHint(
  event: unknown,
  expectedTopics: readonly string[],
): NetworkHint | IgnoredEvent {
  const isCloudEvent = typeof event === 'object' && event !== null && 'specversion' in event;
  const parsed = (isCloudEvent ? cloudEvent : eventGridEvent).safeParse(event);
  if (!parsed.success) return { ignored: 'malformed' };
  const { type, topic, time, resourceUri } = parsed.data;
  const resource = canonicalId(resourceUri);
  const isExpected = expectedTopics.some(
    (expected) =>
      canonicalId(expected) === canonicalId(topic) && resource.startsWith(`${canonicalId(expected)}/`),
  );
  if (!isExpected) return { ignored: 'unexpected-topic' };
  if (!eventTypes.has(type)) return { ignored: 'other-event' };
  for (const [kind, pattern] of kinds) {
    const id = pattern.exec(resourceUri)?.[1];
    if (id !== undefined) return { kind, id, at: new Date(time) };
  }
  return { ignored: 'other-resource' };
}
