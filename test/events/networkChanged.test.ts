import { describe, expect, it } from 'vitest';
import type { NetworkHint } from '../../src/core/networkHint.ts';
import { createNetworkChangedHandler } from '../../src/events/networkChanged.ts';
import type { FollowHint, Orchestrations } from '../../src/workflow/contracts.ts';

const subscription = '/subscriptions/11111111-2222-3333-4444-555555555555';
const nsgId = `${subscription}/resourceGroups/Contoso-RG/providers/Microsoft.Network/networkSecurityGroups/nsg-web`;

function written(topic = subscription) {
  return {
    ...{ id: '1', topic, subject: nsgId, eventTime: '2026-11-23T12:00:00Z', dataVersion: '2' },
    eventType: 'Microsoft.Resources.ResourceWriteSuccess',
    data: { resourceUri: nsgId },
  };
}

const orchestrations = (): Orchestrations => ({
  start: () => Promise.resolve(),
  ring: () => Promise.resolve(),
  status: () => Promise.resolve('missing'),
  purge: () => Promise.resolve(0),
});

function handlerWith(followed?: FollowHint) {
  const hints: NetworkHint[] = [];
  const logged: [string, unknown][] = [];
  const note = (message: string, facts: unknown) => logged.push([message, facts]);
  let now = Date.parse('2026-11-23T12:00:00Z');
  const handler = createNetworkChangedHandler({
    topics: [subscription],
    followHint:
      followed ??
      ((hint) => {
        hints.push(hint);
        return Promise.resolve();
      }),
    newId: () => 'c0ffee00-0000-4000-8000-000000000001',
    clock: { now: () => new Date(now) },
    log: { info: note, warn: note, error: note },
  });
  return { handler, hints, logged, pass: (seconds: number) => (now += seconds * 1000) };
}

describe('the function that takes events of the network', () => {
  it('follows what an expected topic says', async () => {
    const { handler, hints, logged } = handlerWith();

    await handler(written(), orchestrations);

    expect(hints).toEqual([{ kind: 'nsg', id: nsgId, at: new Date('2026-11-23T12:00:00Z') }]);
    expect(logged).toEqual([]);
  });

  it('tells of refused events once a minute, with their number and nothing of their text', async () => {
    const { handler, hints, logged, pass } = handlerWith();
    const forged = written('/subscriptions/99999999-2222-3333-4444-555555555555');

    for (const event of [forged, 'no event', undefined, forged]) await handler(event, orchestrations);
    pass(61);
    await handler(forged, orchestrations);

    expect(hints).toEqual([]);
    expect(logged).toEqual([
      ['event-refused', { reason: 'unexpected-topic', count: 1 }],
      ['event-refused', { reason: 'unexpected-topic', count: 4 }],
    ]);
  });

  it('says nothing of what is simply of no interest', async () => {
    const { handler, hints, logged } = handlerWith();

    await handler({ ...written(), eventType: 'Microsoft.Resources.ResourceActionSuccess' }, orchestrations);

    expect([hints, logged]).toEqual([[], []]);
  });

  it.each<[string, FollowHint, () => Orchestrations]>([
    ['the hint cannot be followed', () => Promise.reject(new Error('Down.')), orchestrations],
    [
      'there is no durable client',
      () => Promise.resolve(),
      () => {
        throw new Error('No binding.');
      },
    ],
  ])('does not fail when %s: the batch would be sent again', async (_case, followHint, ringing) => {
    const { handler, logged } = handlerWith(followHint);

    await expect(handler(written(), ringing)).resolves.toBeUndefined();
    expect(logged).toEqual([['event-failed', expect.anything()]]);
  });
});
