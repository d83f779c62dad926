import { InvocationContext } from '@azure/functions';
import { describe, expect, it } from 'vitest';
import type { NetworkHint } from '../../src/core/networkHint.ts';
import { createNetworkChangedHandler } from '../../src/events/networkChanged.ts';
import type { FollowHint } from '../../src/workflow/contracts.ts';

const subscription = '/subscriptions/11111111-2222-3333-4444-555555555555';
const nsgId = `${subscription}/resourceGroups/Contoso-RG/providers/Microsoft.Network/networkSecurityGroups/nsg-web`;
const context = new InvocationContext();

function written(topic = subscription) {
  return {
    ...{ id: '1', topic, subject: nsgId, eventTime: '2026-11-23T12:00:00Z', dataVersion: '2' },
    eventType: 'Microsoft.Resources.ResourceWriteSuccess',
    data: { resourceUri: nsgId },
  };
}

function handlerWith(options: { followHint?: FollowHint; orchestrations?: () => never } = {}) {
  const hints: NetworkHint[] = [];
  const logged: [string, unknown][] = [];
  const note = (message: string, facts: unknown) => logged.push([message, facts]);
  let now = Date.parse('2026-11-23T12:00:00Z');
  const handler = createNetworkChangedHandler({
    topics: [subscription],
    followHint:
      options.followHint ??
      ((hint) => {
        hints.push(hint);
        return Promise.resolve();
      }),
    orchestrations:
      options.orchestrations ??
      (() => ({
        start: () => Promise.resolve(),
        ring: () => Promise.resolve(),
        status: () => Promise.resolve('missing'),
        purge: () => Promise.resolve(0),
      })),
    newId: () => 'c0ffee00-0000-4000-8000-000000000001',
    clock: { now: () => new Date(now) },
    log: { info: note, warn: note, error: note },
  });
  return { handler, hints, logged, pass: (seconds: number) => (now += seconds * 1000) };
}

describe('the function that takes events of the network', () => {
  it('follows what an expected topic says', async () => {
    const { handler, hints, logged } = handlerWith();

    await handler(written(), context);

    expect(hints).toEqual([{ kind: 'nsg', id: nsgId, at: new Date('2026-11-23T12:00:00Z') }]);
    expect(logged).toEqual([]);
  });

  it('tells of refused events once a minute, with their number and nothing of their text', async () => {
    const { handler, hints, logged, pass } = handlerWith();
    const forged = written('/subscriptions/99999999-2222-3333-4444-555555555555');

    for (const event of [forged, 'no event', undefined, forged]) await handler(event, context);
    pass(61);
    await handler(forged, context);

    expect(hints).toEqual([]);
    expect(logged).toEqual([
      ['event-refused', { reason: 'unexpected-topic', count: 1 }],
      ['event-refused', { reason: 'unexpected-topic', count: 4 }],
    ]);
  });

  it('says nothing of what is simply of no interest', async () => {
    const { handler, hints, logged } = handlerWith();

    await handler({ ...written(), eventType: 'Microsoft.Resources.ResourceActionSuccess' }, context);

    expect([hints, logged]).toEqual([[], []]);
  });

  it.each([
    ['the hint cannot be followed', { followHint: () => Promise.reject(new Error('Down.')) }],
    [
      'there is no durable client',
      {
        orchestrations: () => {
          throw new Error('No binding.');
        },
      },
    ],
  ])('does not fail when %s: the batch would be sent again', async (_case, options) => {
    const { handler, logged } = handlerWith(options);

    await expect(handler(written(), context)).resolves.toBeUndefined();
    expect(logged).toEqual([['event-failed', expect.anything()]]);
  });
});
