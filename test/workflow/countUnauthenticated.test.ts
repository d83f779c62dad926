import { describe, expect, it } from 'vitest';
import type { AuditRecord } from '../../src/core/auditRecord.ts';
import type { Log } from '../../src/core/clock.ts';
import type { AuditTrail } from '../../src/core/stores.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import { createUnauthenticatedCounter } from '../../src/workflow/countUnauthenticated.ts';
import { createMemoryAuditTrail } from '../support/memoryStores.ts';

const partition = 'unauthenticated-2026-11-23';

function at(time: string): Date {
  return new Date(`2026-11-23T${time}Z`);
}

function setUp() {
  const audit = createMemoryAuditTrail(() => at('23:59:59.999'));
  const errors: string[] = [];
  const log: Log = { info() {}, warn() {}, error: (message) => errors.push(message) };
  return { audit, errors, log };
}

function details(records: AuditRecord[]) {
  return records.map((record) => record.details);
}

describe('createUnauthenticatedCounter', () => {
  it('records the first refusal at once and the rest of its minute with the next minute', async () => {
    const { audit, log } = setUp();
    const counter = createUnauthenticatedCounter({ audit, log });
    for (const time of ['08:05:00', '08:05:30', '08:05:59', '08:07:01']) {
      await counter.refused(time === '08:05:30' ? 'token-expired' : 'token-missing', at(time));
    }
    const records = await audit.read(partition);
    expect(details(records)).toEqual([
      { minute: '2026-11-23T08:05', count: 1, 'token-missing': 1 },
      { minute: '2026-11-23T08:07', count: 3, 'token-missing': 2, 'token-expired': 1 },
    ]);
    expect(verifyTrail(partition, records)).toEqual([]);
  });

  it('leaves one record a minute when many processes count at the same time, and loses no count', async () => {
    const { audit, log } = setUp();
    const counters = Array.from({ length: 8 }, () => createUnauthenticatedCounter({ audit, log }));
    for (let minute = 10; minute < 20; minute += 1) {
      await Promise.all(counters.map((counter) => counter.refused('token-missing', at(`08:${minute}:00`))));
    }
    const records = await audit.read(partition);
    const minutes = records.map((record) => record.details?.['minute']);
    expect(minutes).toHaveLength(10);
    expect(new Set(minutes).size).toBe(10);
    expect(verifyTrail(partition, records)).toEqual([]);
    // Every process in turn finds a free minute; what is then still carried comes out with it.
    for (const [index, counter] of counters.entries()) {
      await counter.refused('token-missing', at(`09:${10 + index}:00`));
    }
    const counted = (await audit.read(partition)).reduce(
      (sum, { details }) => sum + Number(details?.['count']),
      0,
    );
    expect(counted).toBe(8 * 10 + 8);
  });

  it('counts on while a record is being written', async () => {
    const { audit, log } = setUp();
    const counter = createUnauthenticatedCounter({ audit, log });
    await Promise.all(Array.from({ length: 50 }, () => counter.refused('token-missing', at('08:05:00'))));
    await counter.refused('token-missing', at('08:06:00'));
    expect(details(await audit.read(partition)).map((each) => each?.['count'])).toEqual([1, 50]);
  });

  it('never fails for an audit that does, asks once a minute, and keeps the count', async () => {
    const { audit, errors, log } = setUp();
    let calls = 0;
    let broken = true;
    const failing: AuditTrail = {
      ...audit,
      insert: (record) => {
        calls += 1;
        return broken ? Promise.reject(new Error('connection reset')) : audit.insert(record);
      },
    };
    const counter = createUnauthenticatedCounter({ audit: failing, log });
    for (const time of ['08:05:00', '08:05:01', '08:05:02']) await counter.refused('token-missing', at(time));
    expect(calls).toBe(1);
    expect(errors).toHaveLength(1);
    broken = false;
    await counter.refused('token-expired', at('08:06:00'));
    expect(details(await audit.read(partition))).toEqual([
      { minute: '2026-11-23T08:06', count: 4, 'token-missing': 3, 'token-expired': 1 },
    ]);
  });

  it('goes on in the partition of the next day and makes each day findable', async () => {
    const { audit, log } = setUp();
    const counter = createUnauthenticatedCounter({ audit, log });
    await counter.refused('token-missing', new Date('2026-11-22T23:59:59.000Z'));
    await counter.refused('token-missing', at('00:00:00'));
    const { records } = await audit.query({});
    expect(records.map((record) => [record.partition, record.sequence])).toEqual([
      ['unauthenticated-2026-11-22', 1],
      [partition, 1],
    ]);
  });

  it('goes on with a chain that an earlier process left', async () => {
    const { audit, log } = setUp();
    await createUnauthenticatedCounter({ audit, log }).refused('token-missing', at('08:05:00'));
    await createUnauthenticatedCounter({ audit, log }).refused('token-missing', at('08:06:00'));
    const records = await audit.read(partition);
    expect(records.map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(verifyTrail(partition, records)).toEqual([]);
  });

  it('lets no text of a caller into the audit', async () => {
    const { audit, log } = setUp();
    await createUnauthenticatedCounter({ audit, log }).refused('<script>', at('08:05:00'));
    const records = await audit.read(partition);
    expect(details(records)).toEqual([{ minute: '2026-11-23T08:05', count: 1, other: 1 }]);
    expect(JSON.stringify(records)).not.toContain('script');
  });
});
