import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { flushValueOf, withFlushValue } from '../../src/core/flushConnection.ts';
import type { CallOptions, JsonObject, Network, NsgDocument } from '../../src/core/network.ts';

/** The faults that every implementation can be made to show, on the next write. */
export type WriteFault =
  | 'superseded'
  | 'operation-failed'
  | 'reset-after-commit'
  | 'server-error'
  | 'changed-meanwhile'
  | 'locked'
  | 'throttled'
  | 'forbidden'
  | 'scope-locked'
  | 'policy'
  | 'refused';

/** A write of a whole NSG, or of one rule. */
export type WriteCall = 'nsg' | 'rule-delete' | 'rule-write';

export interface NetworkHarness {
  network: Network;
  /** An NSG with two foreign rules, "web" of priority 300 and "mail" of 310, and `properties.flushConnection`. */
  nsgId: string;
  /** An NSG id under which there is nothing. */
  missingNsgId: string;
  /** A dual-stack virtual machine behind `nsgId` at its subnet and another NSG at its interface. */
  virtualMachine: {
    id: string;
    vmId: string;
    networkInterfaceId: string;
    subnetId: string;
    nsgIds: string[];
    addresses: string[];
    tags: Record<string, string>;
    osType: 'Windows' | 'Linux';
  };
  /** A virtual machine before which no NSG stands. */
  openVirtualMachineId: string;
  /** Two virtual machines in unconnected networks, with one address, behind one NSG: the id of one of them. */
  ambiguousVirtualMachineId: string;
  /** Makes somebody else's change to `nsgId`: a tag. */
  editElsewhere(): Promise<void>;
  /** Of the whole NSG, unless told otherwise. */
  faultNextWrite(fault: WriteFault, of?: WriteCall): void;
  /** Writes of the whole NSG, or of another kind, that arrived, refused ones included. */
  writes(of?: WriteCall): number;
  close(): Promise<void>;
}

const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000001' };

/** What every Network does: run against the memory and against Azure Resource Manager over the wire. */
export function describeNetworkContract(name: string, make: () => Promise<NetworkHarness>): void {
  describe(`${name} as a Network`, () => {
    let harness: NetworkHarness;
    beforeEach(async () => {
      harness = await make();
    });
    afterEach(() => harness.close());

    async function read(): Promise<NsgDocument> {
      const result = await harness.network.readNsg(harness.nsgId, call);
      if (result.kind !== 'read') throw new Error(`not read: ${JSON.stringify(result)}`);
      return result.nsg;
    }
    /** Waits until no operation runs: a write is over for us before it is over in Azure when its answer is lost. */
    async function readSettled(): Promise<NsgDocument> {
      return vi.waitFor(
        async () => {
          const nsg = await read();
          expect(nsg.provisioningState).not.toBe('Updating');
          return nsg;
        },
        { timeout: 10_000, interval: 20 },
      );
    }
    const write = (nsg: NsgDocument, body: JsonObject) => harness.network.writeNsg(nsg, body, call);

    it('reads an NSG with its etag, its state and its rules', async () => {
      const nsg = await read();
      expect(nsg.id).toBe(harness.nsgId);
      expect(nsg.etag).toBe(nsg.body['etag']);
      expect(nsg.etag).toMatch(/^W\/"/);
      expect(nsg.provisioningState).toBe('Succeeded');
      expect(prioritiesOf(nsg.body)).toEqual([300, 310]);
    });

    it('keeps every foreign JSON value through read, write and read', async () => {
      const before = await read();
      expect(await write(before, withRule(before.body, 100))).toEqual({ kind: 'settled' });
      const between = await read();
      expect(prioritiesOf(between.body).toSorted()).toEqual([100, 300, 310]);
      expect(await write(between, withoutRule(between.body, 100))).toEqual({ kind: 'settled' });
      expect(timeless((await read()).body)).toEqual(timeless(before.body));
      expect(JSON.stringify(before.body)).toContain('flushConnection');
    });

    it('keeps flushConnection as it is written: on, off, and out', async () => {
      for (const member of [{ value: true }, { value: false }, {}]) {
        const before = await read();
        expect(await write(before, withFlushValue(before.body, member))).toEqual({ kind: 'settled' });
        expect(flushValueOf((await read()).body)).toEqual(member);
      }
    });

    it('refuses an etag from before somebody else’s change and leaves that change alone', async () => {
      const stale = await read();
      await harness.editElsewhere();
      const changed = await readSettled();
      expect(await write(stale, withRule(stale.body, 100))).toEqual({ kind: 'changed-meanwhile' });
      expect(timeless((await read()).body)).toEqual(timeless(changed.body));
    });

    it('shows a running write as Updating, under an etag that is stale when the write has settled', async () => {
      const before = await read();
      const writing = write(before, withRule(before.body, 100));
      const updating = await vi.waitFor(
        async () => {
          const nsg = await read();
          expect(nsg.provisioningState).toBe('Updating');
          return nsg;
        },
        { timeout: 10_000, interval: 5 },
      );
      expect(await writing).toEqual({ kind: 'settled' });
      expect(new Set([before.etag, updating.etag, (await read()).etag]).size).toBe(3);
      expect(await write(updating, updating.body)).toEqual({ kind: 'changed-meanwhile' });
    });

    it('does not say how a superseded write ended, although its content is there', async () => {
      const before = await read();
      harness.faultNextWrite('superseded');
      expect(await write(before, withRule(before.body, 100))).toMatchObject({ kind: 'unknown' });
      expect(prioritiesOf((await readSettled()).body)).toContain(100);
    });

    it('does not say how a write ended whose operation failed in Azure, and shows the NSG as Failed', async () => {
      const before = await read();
      harness.faultNextWrite('operation-failed');
      expect(await write(before, withRule(before.body, 100))).toMatchObject({ kind: 'unknown' });
      expect((await readSettled()).provisioningState).toBe('Failed');
    });

    it('does not say how a write ended whose answer was lost, and does not repeat it', async () => {
      const before = await read();
      harness.faultNextWrite('reset-after-commit');
      expect(await write(before, withRule(before.body, 100))).toMatchObject({ kind: 'unknown' });
      expect(prioritiesOf((await readSettled()).body)).toContain(100);
      expect(harness.writes()).toBe(1);
    });

    it.each([
      ['server-error', { kind: 'unknown' }],
      ['changed-meanwhile', { kind: 'changed-meanwhile' }],
      ['locked', { kind: 'locked', retryAfterSeconds: 14 }],
      ['throttled', { kind: 'throttled', retryAfterSeconds: 10 }],
      ['forbidden', { kind: 'not-permitted', code: 'AuthorizationFailed' }],
      ['scope-locked', { kind: 'not-permitted', code: 'ScopeLocked' }],
    ] as const)('answers %s after one attempt, with nothing written', async (fault, expected) => {
      const before = await read();
      harness.faultNextWrite(fault);
      expect(await write(before, withRule(before.body, 100))).toMatchObject(expected);
      expect(harness.writes()).toBe(1);
      expect((await read()).body).toEqual(before.body);
    });

    it('refuses two rules of one priority with Azure’s code', async () => {
      const before = await read();
      const result = await write(before, withRule(before.body, 300));
      expect(result).toMatchObject({ kind: 'refused', code: 'SecurityRuleConflict' });
    });

    it('sends no write after its instant has passed', async () => {
      const before = await read();
      const late = { ...call, notAfter: new Date(0) };
      expect(await harness.network.writeNsg(before, before.body, late)).toEqual({ kind: 'too-late' });
      expect(harness.writes()).toBe(0);
    });

    it('sends no read after its instant has passed', async () => {
      const late = { ...call, notAfter: new Date(0) };
      expect(await harness.network.readNsg(harness.nsgId, late)).toMatchObject({ kind: 'unknown' });
      await expect(harness.network.resolveVirtualMachine(harness.virtualMachine.id, late)).rejects.toThrow(
        'too late',
      );
    });

    describe.each([
      ['rule-delete', [300]],
      ['rule-write', [300, 400]],
    ] as const)('a %s', (kind, expected) => {
      const change = (nsg: NsgDocument, options: CallOptions = call) =>
        kind === 'rule-delete'
          ? harness.network.deleteRule(nsg, 'mail', options)
          : harness.network.writeRule(nsg, moved(nsg.body), options);

      it('changes this rule and nothing else, whatever was written since the read', async () => {
        const before = await read();
        await harness.editElsewhere();
        const { body } = await readSettled();

        expect(await change(before)).toEqual({ kind: 'settled' });

        const after = await readSettled();
        expect(after.provisioningState).toBe('Succeeded');
        expect(prioritiesOf(after.body)).toEqual(expected);
        const others = (whole: JsonObject) => timeless(withRules(whole, (rule) => rule.name !== 'mail'));
        expect(others(after.body)).toEqual(others(body));
        expect(harness.writes(kind)).toBe(1);
        expect(harness.writes()).toBe(0);
      });

      it.each(['superseded', 'operation-failed', 'reset-after-commit'] as const)(
        'does not say how it ended when it is %s, and is there all the same',
        async (fault) => {
          const before = await read();
          harness.faultNextWrite(fault, kind);
          expect(await change(before)).toMatchObject({ kind: 'unknown' });
          expect(prioritiesOf((await readSettled()).body)).toEqual(expected);
          expect(harness.writes(kind)).toBe(1);
        },
      );

      it.each([
        ['server-error', { kind: 'unknown' }],
        ['locked', { kind: 'locked', retryAfterSeconds: 14 }],
        ['throttled', { kind: 'throttled', retryAfterSeconds: 10 }],
        ['forbidden', { kind: 'not-permitted', code: 'AuthorizationFailed' }],
        ['scope-locked', { kind: 'not-permitted', code: 'ScopeLocked' }],
        ['policy', { kind: 'not-permitted', code: 'RequestDisallowedByPolicy' }],
        ['refused', { kind: 'refused', code: 'InvalidRequestFormat' }],
      ] as const)('answers %s after one attempt, with nothing written', async (fault, result) => {
        const before = await read();
        harness.faultNextWrite(fault, kind);
        expect(await change(before)).toMatchObject(result);
        expect(harness.writes(kind)).toBe(1);
        expect((await read()).body).toEqual(before.body);
      });

      it('is not sent after its instant has passed', async () => {
        const before = await read();
        expect(await change(before, { ...call, notAfter: new Date(0) })).toEqual({ kind: 'too-late' });
        expect(harness.writes(kind)).toBe(0);
      });

      it('finds no NSG where there is none', async () => {
        const missing = { ...(await read()), id: harness.missingNsgId };
        expect(await change(missing)).toMatchObject({ kind: 'not-found' });
      });
    });

    it('takes the deletion of a rule that is not there as settled', async () => {
      const before = await read();
      expect(await harness.network.deleteRule(before, 'absent', call)).toEqual({ kind: 'settled' });
      expect((await read()).body).toEqual(before.body);
    });

    it('refuses one rule of a priority that is taken with Azure’s code', async () => {
      const before = await read();
      const result = await harness.network.writeRule(before, moved(before.body, 300), call);
      expect(result).toMatchObject({ kind: 'refused', code: 'SecurityRuleConflict' });
      expect((await read()).body).toEqual(before.body);
    });

    it.each(['', '.', '..', '../web', 'web/../mail', 'a/b', 'mail?x=', 'mail#', '%6dail', 'mäil', ' mail'])(
      'finds no rule of the name "%s" and sends nothing for it',
      async (name) => {
        const before = await read();
        expect(await harness.network.deleteRule(before, name, call)).toMatchObject({ kind: 'not-found' });
        const rule = { ...moved(before.body), name };
        expect(await harness.network.writeRule(before, rule, call)).toMatchObject({ kind: 'not-found' });
        expect([harness.writes('rule-delete'), harness.writes('rule-write')]).toEqual([0, 0]);
        expect((await read()).body).toEqual(before.body);
      },
    );

    it('finds no NSG where there is none, and writes none there', async () => {
      const missing = { ...(await read()), id: harness.missingNsgId };
      expect(await harness.network.readNsg(missing.id, call)).toMatchObject({ kind: 'not-found' });
      expect(await write(missing, missing.body)).toEqual({ kind: 'changed-meanwhile' });
      expect(await harness.network.readNsg(missing.id, call)).toMatchObject({ kind: 'not-found' });
    });

    it('resolves a virtual machine to its interface, its addresses and the NSGs on the way, in order', async () => {
      const { id, vmId, networkInterfaceId, subnetId, nsgIds, addresses, tags, osType } =
        harness.virtualMachine;
      const resolved = await harness.network.resolveVirtualMachine(id, call);
      const read = await Promise.all(nsgIds.map((nsgId) => harness.network.readNsg(nsgId, call)));
      expect(resolved).toEqual({
        nsgs: read.map((result) => (result.kind === 'read' ? result.nsg : result)),
        virtualMachineId: id,
        vmId,
        networkInterfaceId,
        subnetId,
        nsgIds,
        tags,
        osType,
        addresses: [
          { family: 'IPv4', address: addresses[0] },
          { family: 'IPv6', address: addresses[1] },
        ],
      });
    });

    it('refuses a virtual machine that is not there', async () => {
      const missing = `${harness.virtualMachine.id}-missing`;
      const resolved = await harness.network.resolveVirtualMachine(missing, call);
      expect(resolved).toMatchObject({ refused: 'vm-not-found' });
    });

    it('refuses a virtual machine before which no NSG stands', async () => {
      const resolved = await harness.network.resolveVirtualMachine(harness.openVirtualMachineId, call);
      expect(resolved).toMatchObject({ refused: 'no-network-security-group' });
    });

    it('refuses a virtual machine whose address another interface of the same NSG has', async () => {
      const resolved = await harness.network.resolveVirtualMachine(harness.ambiguousVirtualMachineId, call);
      expect(resolved).toMatchObject({ refused: 'address-not-unique' });
    });
  });
}

interface Rule {
  name: string;
  properties: { priority: number };
}

function rulesOf(body: JsonObject): Rule[] {
  return (body['properties'] as unknown as { securityRules: Rule[] }).securityRules;
}

function prioritiesOf(body: JsonObject): number[] {
  return rulesOf(body).map((rule) => rule.properties.priority);
}

export function withRule(body: JsonObject, priority: number): JsonObject {
  const rule = {
    name: `contract-${String(priority)}`,
    properties: {
      description: 'For the contract suite',
      protocol: 'Tcp',
      sourcePortRange: '*',
      destinationPortRange: '22',
      sourceAddressPrefix: '203.0.113.7/32',
      destinationAddressPrefix: '10.1.0.4/32',
      access: 'Allow',
      priority,
      direction: 'Inbound',
    },
  };
  const copy = structuredClone(body);
  (rulesOf(copy) as unknown[]).push(rule);
  return copy;
}

/** The rule "mail" of a body, at another priority. */
function moved(body: JsonObject, priority = 400): JsonObject {
  const rule = structuredClone(rulesOf(body).find(({ name }) => name === 'mail'));
  if (rule === undefined) throw new Error('There is no such rule.');
  rule.properties.priority = priority;
  return rule as unknown as JsonObject;
}

function withRules(body: JsonObject, keep: (rule: Rule) => boolean): JsonObject {
  const copy = structuredClone(body);
  const properties = copy['properties'] as unknown as { securityRules: Rule[] };
  properties.securityRules = properties.securityRules.filter(keep);
  return copy;
}

function withoutRule(body: JsonObject, priority: number): JsonObject {
  return withRules(body, (rule) => rule.properties.priority !== priority);
}

/** Without what changes with every write: the etags, which stand at the NSG and at each of its rules. */
function timeless(body: JsonObject): unknown {
  return JSON.parse(JSON.stringify(body), (name, value: unknown) => (name === 'etag' ? undefined : value));
}
