import { describe, expect, it } from 'vitest';
import type { AuditCopyState, AuditCopyStates } from '../../src/core/auditCopyState.ts';
import { requestId } from './samples.ts';

/** A state with a partition of every kind. */
export function sampleCopyState(changes: Partial<AuditCopyState> = {}): AuditCopyState {
  const met = '2026-11-23T08:00:00.000Z';
  return {
    indexedFrom: '2026-11-23T08:50:00.000Z',
    indexedUpTo: '2026-11-23T09:00:00.000Z',
    seal: 7,
    day: '2026-11-23',
    failures: 0,
    ranAt: '2026-11-23T09:00:30.000Z',
    partitions: [
      { partition: requestId('open'), sequence: 2, met },
      { partition: `nsg-${requestId('nsg')}`, sequence: 41, met, rests: true },
      { partition: requestId('closed'), sequence: 4, met, rests: true, endedAt: met, sealed: true },
    ],
    ...changes,
  };
}

/** What every implementation of AuditCopyStates does. `make` returns an empty one. */
export function describeAuditCopyStatesContract(name: string, make: () => Promise<AuditCopyStates>): void {
  describe(`AuditCopyStates: ${name}`, () => {
    it('knows nothing of a sink that nothing was copied to', async () => {
      expect(await (await make()).get('log-analytics')).toBeUndefined();
    });

    it('keeps one state for each sink', async () => {
      const states = await make();
      await states.insert('log-analytics', sampleCopyState());
      await states.insert('append-blob', sampleCopyState({ seal: 8 }));

      expect((await states.get('log-analytics'))?.row).toEqual(sampleCopyState());
      expect((await states.get('append-blob'))?.row).toEqual(sampleCopyState({ seal: 8 }));
    });

    it('inserts once: other content is refused, the same content again is ours', async () => {
      const states = await make();
      await states.insert('log-analytics', sampleCopyState());

      expect(await states.insert('log-analytics', sampleCopyState())).toMatchObject({ row: { seal: 7 } });
      expect(await states.insert('log-analytics', sampleCopyState({ seal: 8 }))).toBe('exists');
      expect((await states.get('log-analytics'))?.row.seal).toBe(7);
    });

    it('replaces a state under its newest ETag only, which each change returns', async () => {
      const states = await make();
      const first = await states.insert('log-analytics', sampleCopyState());
      if (first === 'exists') throw new Error('It cannot exist yet.');
      const second = await states.replace('log-analytics', sampleCopyState({ seal: 8 }), first.etag);
      if (second === 'changed') throw new Error('Nobody has changed it.');

      expect(await states.replace('log-analytics', sampleCopyState({ seal: 9 }), first.etag)).toBe('changed');
      expect(await states.replace('log-analytics', sampleCopyState({ seal: 10 }), second.etag)).toMatchObject(
        {
          row: { seal: 10 },
        },
      );
      expect((await states.get('log-analytics'))?.row.seal).toBe(10);
    });

    it('replaces nothing that is not there', async () => {
      expect(await (await make()).replace('log-analytics', sampleCopyState(), 'W/"1"')).toBe('changed');
    });

    it('holds 2,000 partitions', async () => {
      const states = await make();
      const [largest] = sampleCopyState().partitions.slice(-1);
      const partitions = Array.from({ length: 2000 }, (_, index) => ({
        ...(largest ?? { sequence: 0, met: '' }),
        partition: `policy-${requestId(String(index))}`,
        sequence: 1_000_000 + index,
      }));
      await states.insert('log-analytics', sampleCopyState({ partitions }));

      expect((await states.get('log-analytics'))?.row.partitions).toEqual(partitions);
    });
  });
}
