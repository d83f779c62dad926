import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LiveRow } from '../../src/core/accessRequest.ts';
import type { Clock } from '../../src/core/clock.ts';
import { flushValueOf } from '../../src/core/flushConnection.ts';
import type { JsonObject, Network } from '../../src/core/network.ts';
import type { LiveRows } from '../../src/core/stores.ts';
import { reconcile } from '../../src/workflow/reconcile.ts';
import type { ReconcileResult } from '../../src/workflow/reconcileResult.ts';
import { createReconciler } from '../../src/workflow/reconciler.ts';
import { waitOf } from '../../src/workflow/reconcilePath.ts';
import { driftStores } from '../support/driftStores.ts';
import { contoso } from '../support/liveRow.ts';
import { createMemoryBudget, type MemoryBudget } from '../support/memoryInventory.ts';
import { createMemoryLiveRows } from '../support/memoryStores.ts';
import type { WriteCall, WriteFault } from './network.ts';

export interface ReconcileHarness {
  network: Network;
  clock: Clock;
  /** Runs work to its end, on a clock that may be virtual. */
  run<T>(work: Promise<T>): Promise<T>;
  /** An NSG with foreign rules and properties that nobody knows. */
  nsgId: string;
  missingNsgId: string;
  /** Somebody else's change to the NSG, which must survive: a tag. */
  editElsewhere(): Promise<void>;
  /** Of the whole NSG. */
  faultNextWrite(fault: WriteFault): void;
  /** From now on, until writes are accepted again. */
  faultEveryWrite(fault: WriteFault, of: WriteCall): void;
  acceptWrites(): void;
  /** Writes of the whole NSG, or of another kind, that arrived. */
  writes(of?: WriteCall): number;
  close(): Promise<void>;
}

const installation = contoso;
const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000002', purpose: 'open' } as const;

/** What reconcile does on every network: run in memory and against Azure Resource Manager over the wire. */
export function describeReconcileContract(name: string, make: () => Promise<ReconcileHarness>): void {
  describe(`reconcile on ${name}`, () => {
    let harness: ReconcileHarness;
    let live: LiveRows;
    let budget: MemoryBudget;
    let told: [message: string, rule: unknown][];
    beforeEach(async () => {
      harness = await make();
      live = createMemoryLiveRows();
      budget = createMemoryBudget();
      told = [];
    });
    afterEach(() => harness.close());

    const tell = (message: string, facts?: Record<string, unknown>) => told.push([message, facts?.['rule']]);
    const log = { info: () => undefined, warn: tell, error: tell };
    const dependencies = () => ({ ...driftStores(), ...harness, live, budget, log, installation });
    const settle = () => harness.run(reconcile(dependencies(), harness.nsgId, call));

    function row(number: number, changes: Partial<LiveRow> = {}): LiveRow {
      const now = harness.clock.now().getTime();
      return {
        nsgId: harness.nsgId,
        requestId: number.toString(16).padStart(32, '0'),
        version: 1,
        state: 'opening',
        start: new Date(now - 1000).toISOString(),
        end: new Date(now + 3_600_000).toISOString(),
        boxes: [
          {
            protocol: 'Tcp',
            sourceAddressPrefixes: ['203.0.113.7/32'],
            destinationAddressPrefixes: ['10.1.0.4/32'],
            destinationPorts: [22, 3389],
          },
        ],
        ...changes,
      };
    }

    async function change(wanted: LiveRow): Promise<void> {
      const current = await live.get(wanted.nsgId, wanted.requestId);
      if (current === undefined) await live.insert(wanted);
      else await live.replace({ ...wanted, version: current.row.version + 1 }, current.etag);
    }

    async function content(): Promise<JsonObject> {
      const read = await harness.network.readNsg(harness.nsgId, call);
      if (read.kind !== 'read') throw new Error(`It was not read but ${read.kind}.`);
      return JSON.parse(
        JSON.stringify(read.nsg.body, (key, value: unknown) =>
          key === 'etag' || key === 'provisioningState' ? undefined : value,
        ),
      ) as JsonObject;
    }

    async function ownedNames(): Promise<string[]> {
      const properties = (await content())['properties'] as { securityRules: { name: string }[] };
      return properties.securityRules
        .map((rule) => rule.name)
        .filter((rule) => rule.startsWith('sallyport-'))
        .sort();
    }

    it('opens what the rows desire with one write, and closes it with one, leaving everything as it was', async () => {
      const before = await content();
      const grant = row(1);
      await change(grant);

      const opened = await settle();

      expect(admittedOf(opened)).toEqual([grant.requestId]);
      expect(await ownedNames()).toEqual([`sallyport-contoso-${grant.requestId}-1`]);

      await change({ ...grant, state: 'closing' });
      const closed = await settle();

      expect(presentOf(closed)).toEqual([]);
      expect(await content()).toEqual(before);
      expect(harness.writes()).toBe(2);
    });

    it('cuts established flows with the write that closes a grant that wants it, and puts that back with one more', async () => {
      const before = await content();
      const grant = row(1, { flushConnection: true });
      await change(grant);
      await settle();
      const sent: JsonObject[] = [];
      const network: Network = {
        ...harness.network,
        writeNsg: (nsg, body, options) => {
          sent.push(body);
          return harness.network.writeNsg(nsg, body, options);
        },
      };

      await change({ ...grant, state: 'closing' });
      const closed = await harness.run(reconcile({ ...dependencies(), network }, harness.nsgId, call));

      expect(presentOf(closed)).toEqual([]);
      expect(closed.kind === 'converged' && closed.seen.get(grant.requestId)?.flows).toBe('cut');
      expect(sent.map((body) => flushValueOf(body))).toEqual([{ value: true }, { value: false }]);
      expect(await content()).toEqual(before);
      expect(harness.writes()).toBe(3);
    });

    it('writes nothing where nothing is to do', async () => {
      await settle();
      await change(row(1));
      await settle();
      const writes = harness.writes();

      expect(admittedOf(await settle())).toEqual([row(1).requestId]);
      expect(harness.writes()).toBe(writes);
    });

    it('opens many grants with one write', async () => {
      const grants = Array.from({ length: 30 }, (_, index) => row(index + 1));
      for (const grant of grants) await change(grant);

      expect(admittedOf(await settle())).toEqual(grants.map(({ requestId }) => requestId));
      expect(harness.writes()).toBe(1);
    });

    describe('while what is left of the write budget is kept for closes', () => {
      const look = () => harness.run(reconcile(dependencies(), harness.nsgId, { ...call, purpose: 'close' }));

      it('neither reads nor writes to open, says how long that waits, and opens when the wait is over', async () => {
        await change(row(1));
        budget.set({ opens: 'later', retryAfterSeconds: 4 });
        let reads = 0;
        const network: Network = {
          ...harness.network,
          readNsg: (id, options) => {
            reads += 1;
            return harness.network.readNsg(id, options);
          },
        };

        const held = await harness.run(reconcile({ ...dependencies(), network }, harness.nsgId, call));

        expect([reads, harness.writes()]).toEqual([0, 0]);
        expect(held).toMatchObject({ kind: 'again', afterSeconds: 4, reason: { code: 'throttled' } });

        budget.set({ opens: 'now' });
        expect(admittedOf(await settle())).toEqual([row(1).requestId]);
        expect(harness.writes()).toBe(1);
      });

      it('tells whoever looks for what is to be closed who waits, and writes nothing', async () => {
        await change(row(1));
        budget.set({ opens: 'later', retryAfterSeconds: 4 });

        const held = await look();

        expect(harness.writes()).toBe(0);
        expect(admittedOf(held)).toEqual([]);
        expect(waitOf(held, row(1).requestId)).toMatchObject({
          ...{ afterSeconds: 4, reason: { code: 'throttled' } },
        });
        expect(waitOf(held, row(2).requestId)).toBeUndefined();
      });

      it('closes all the same, and opens with the same write', async () => {
        await change(row(1));
        await settle();
        budget.set({ opens: 'later', retryAfterSeconds: 4 });
        await change(row(1, { state: 'closing', version: 2 }));
        await change(row(2));

        const result = await settle();

        expect(presentOf(result)).toEqual([row(2).requestId]);
        expect(admittedOf(result)).toEqual([row(2).requestId]);
        expect(harness.writes()).toBe(2);
      });

      it('takes nothing from what is open', async () => {
        await change(row(1));
        await settle();
        budget.set({ opens: 'later', retryAfterSeconds: 4 });
        await change(row(2));

        expect(admittedOf(await look())).toEqual([row(1).requestId]);
        expect(harness.writes()).toBe(1);
      });
    });

    it('lets callers that arrive during a round share the next one', async () => {
      const shared = createReconciler(dependencies());
      const calls = Array.from({ length: 10 }, async (_, index) => {
        await change(row(index + 1));
        return shared(harness.nsgId, call);
      });

      const results = await harness.run(Promise.all(calls));

      expect(admittedOf(results.at(-1))).toHaveLength(10);
      expect(harness.writes()).toBeLessThanOrEqual(2);
    });

    it('converges when two processes reconcile at once', async () => {
      await change(row(1));
      await change(row(2));

      const results = await harness.run(
        Promise.all([1, 2].map(() => reconcile(dependencies(), harness.nsgId, call))),
      );

      for (const result of results) {
        expect(admittedOf(result)).toEqual([row(1).requestId, row(2).requestId]);
      }
      expect(await ownedNames()).toHaveLength(2);
    });

    it('keeps what somebody else writes between its read and its write', async () => {
      await change(row(1));
      const { network } = harness;
      let edited = false;
      harness.network = {
        ...network,
        resolveVirtualMachine: (id, options) => network.resolveVirtualMachine(id, options),
        readNsg: (id, options) => network.readNsg(id, options),
        writeNsg: async (nsg, body, options) => {
          if (!edited) {
            edited = true;
            await harness.editElsewhere();
          }
          return network.writeNsg(nsg, body, options);
        },
      };

      expect(admittedOf(await settle())).toEqual([row(1).requestId]);
      expect(JSON.stringify((await content())['tags'])).toContain('fabrikam');
    });

    it('does not leave open what is revoked while its write is under way', async () => {
      const grant = row(1);
      await change(grant);
      const { network } = harness;
      harness.network = {
        ...network,
        resolveVirtualMachine: (id, options) => network.resolveVirtualMachine(id, options),
        readNsg: (id, options) => network.readNsg(id, options),
        writeNsg: async (nsg, body, options) => {
          const result = await network.writeNsg(nsg, body, options);
          await change({ ...grant, state: 'closing' });
          return result;
        },
      };

      const result = await settle();

      expect(admittedOf(result)).toEqual([]);
      expect(presentOf(result)).toEqual([]);
      expect(await ownedNames()).toEqual([]);
    });

    it.each([
      'superseded',
      'operation-failed',
      'reset-after-commit',
      'server-error',
      'changed-meanwhile',
      'locked',
    ] as const)('reads again and converges when a write ends %s', async (fault) => {
      await change(row(1));
      harness.faultNextWrite(fault);

      expect(admittedOf(await settle())).toEqual([row(1).requestId]);
    });

    it('asks to be called again when it is throttled, and says for how long', async () => {
      await change(row(1));
      harness.faultNextWrite('throttled');

      const result = await settle();

      expect(result).toMatchObject({ kind: 'again', reason: { code: 'throttled' } });
      expect(result.kind === 'again' && result.afterSeconds).toBeGreaterThan(0);
    });

    it.each(['forbidden', 'scope-locked'] as const)('does not go on writing when it is %s', async (fault) => {
      await change(row(1));
      harness.faultNextWrite(fault);

      expect(await settle()).toMatchObject({ kind: 'refused', reason: { code: 'not-permitted' } });
      expect(harness.writes()).toBe(1);
    });

    describe('closes what has ended where the whole NSG is not accepted', () => {
      const nameOf = (grant: LiveRow) => `sallyport-contoso-${grant.requestId}-1`;
      let before: JsonObject;
      let ended: LiveRow[];
      let neighbour: LiveRow;
      beforeEach(async () => {
        before = await content();
        ended = [row(1), row(2)];
        neighbour = row(3);
        for (const grant of [...ended, neighbour]) await change(grant);
        await settle();
        for (const grant of ended) await change({ ...grant, state: 'closing' });
      });

      it.each(['policy', 'forbidden', 'refused'] as const)(
        'by deleting the rules, when the NSG is %s',
        async (fault) => {
          harness.faultEveryWrite(fault, 'nsg');

          const result = await settle();

          expect(result).toMatchObject({ kind: 'refused' });
          expect(seenPresentOf(result)).toEqual([neighbour.requestId]);
          expect(told).toEqual(ended.map((grant) => ['closed-by-rule-delete', nameOf(grant)]));
          expect(await ownedNames()).toEqual([nameOf(neighbour)]);
          expect(harness.writes('rule-write')).toBe(0);
          await change({ ...neighbour, state: 'closing' });
          await settle();
          expect(await content()).toEqual(before);
        },
      );

      it.each(['scope-locked', 'refused'] as const)(
        'by denying what nobody sends, when deleting is %s too',
        async (fault) => {
          const open = await content();
          harness.faultEveryWrite('policy', 'nsg');
          harness.faultEveryWrite(fault, 'rule-delete');

          const result = await settle();

          expect(result).toMatchObject({ kind: 'refused', reason: { code: 'not-permitted' } });
          expect(seenPresentOf(result)).toEqual([neighbour.requestId]);
          expect(told).toEqual(ended.map((grant) => ['closed-by-rule-deny', nameOf(grant)]));
          const names = ended.map(nameOf);
          const after = await content();
          for (const rule of rulesOf(after)) {
            const earlier = rulesOf(open).find(({ name }) => name === rule.name);
            if (!names.includes(rule.name)) expect(rule).toEqual(earlier);
            else {
              expect(rule.properties).toMatchObject({
                access: 'Deny',
                sourceAddressPrefix: '192.0.2.0/32',
                priority: earlier?.properties['priority'],
              });
            }
          }
          expect(rulesOf(after).map(({ name }) => name)).toEqual(rulesOf(open).map(({ name }) => name));

          // Found like this again, it still counts as shut, and is not written again.
          expect(seenPresentOf(await settle())).toEqual([neighbour.requestId]);
          expect(harness.writes('rule-write')).toBe(2);

          harness.acceptWrites();
          expect(presentOf(await settle())).toEqual([neighbour.requestId]);
          await change({ ...neighbour, state: 'closing' });
          await settle();
          expect(await content()).toEqual(before);
        },
      );

      it('and leaves it open and says so when every way is refused', async () => {
        const open = await content();
        for (const of of ['nsg', 'rule-delete', 'rule-write'] as const) harness.faultEveryWrite('policy', of);

        const result = await settle();

        expect(result).toMatchObject({ kind: 'refused', reason: { code: 'not-permitted' } });
        expect(seenPresentOf(result)).toEqual([...ended, neighbour].map(({ requestId }) => requestId));
        expect(told).toEqual([]);
        expect(await content()).toEqual(open);
        expect([harness.writes('rule-delete'), harness.writes('rule-write')]).toEqual([2, 2]);
      });

      it('and opens nothing that is to be opened', async () => {
        await change(row(4));
        harness.faultEveryWrite('policy', 'nsg');

        const result = await settle();

        expect(result).toMatchObject({ kind: 'refused', reason: { code: 'not-permitted' } });
        expect(await ownedNames()).toEqual([nameOf(neighbour)]);
      });

      it('and writes no rule when nothing has ended', async () => {
        for (const grant of ended) await change({ ...grant, state: 'active' });
        await change(row(4));
        harness.faultEveryWrite('policy', 'nsg');

        await settle();

        expect([harness.writes('rule-delete'), harness.writes('rule-write')]).toEqual([0, 0]);
      });
    });

    it('says so when the NSG is gone', async () => {
      const result = await harness.run(reconcile(dependencies(), harness.missingNsgId, call));

      expect(result).toMatchObject({ kind: 'gone', reason: { code: 'target-gone' } });
    });
  });
}

function admittedOf(result: ReconcileResult | undefined): string[] {
  if (result?.kind !== 'converged') throw new Error(`It did not converge: ${JSON.stringify(result)}`);
  return [...result.admitted].sort();
}

function presentOf(result: ReconcileResult): string[] {
  if (result.kind !== 'converged') throw new Error(`It did not converge: ${JSON.stringify(result)}`);
  return [...result.present].sort();
}

function seenPresentOf(result: ReconcileResult): string[] {
  if (result.kind !== 'refused') throw new Error(`It was not refused: ${JSON.stringify(result)}`);
  if (result.seen === undefined) throw new Error('It was not read back.');
  return [...result.seen.present].sort();
}

function rulesOf(body: JsonObject): { name: string; properties: JsonObject }[] {
  const properties = body['properties'] as unknown as {
    securityRules: { name: string; properties: JsonObject }[];
  };
  return properties.securityRules;
}
