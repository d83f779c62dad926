import { describe, expect, it } from 'vitest';
import { endBaseline, standBaseline, type BaselineRow } from '../../src/core/baseline.ts';
import { shortKey } from '../../src/core/baselineRule.ts';
import type { JsonObject } from '../../src/core/network.ts';
import { driftPartition } from '../../src/core/nsgRecord.ts';
import { canonicalId } from '../../src/core/resourceId.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import { createNsgSweep } from '../../src/workflow/sweepNsgs.ts';
import type { ReconcileResult } from '../../src/workflow/reconcileResult.ts';
import { foreignRule, withRule } from '../support/foreignRule.ts';
import {
  contentOf,
  grantWorld,
  nicNsg,
  noon,
  submission,
  vmId,
  type GrantWorld,
  type Process,
} from '../support/grantWorld.ts';
import { accepted } from '../support/hindrances.ts';
import { contoso, liveRow } from '../support/liveRow.ts';

const call = { correlationId: submission.correlationId, purpose: 'close' } as const;
const row: BaselineRow = {
  nsgId: nicNsg,
  virtualMachineId: vmId,
  version: 1,
  state: 'standing',
  boxes: ['10.1.0.4/32', 'fd00::4/128'].map((address) => ({
    protocol: 'Tcp',
    sourceAddressPrefixes: ['Internet'],
    destinationAddressPrefixes: [address],
    destinationPorts: [22],
  })),
  causes: [],
};
const names = [1, 2].map((number) => `sallyport-contoso-deny-${shortKey(vmId)}-${number}`);

interface Here {
  world: GrantWorld;
  process: Process;
}

async function here(before?: Parameters<typeof grantWorld>[0]): Promise<Here> {
  const world = await grantWorld(before);
  await world.stores.nsgs.insert({ nsgId: nicNsg, told: {}, journal: [], recorded: 0 });
  return { world, process: world.startProcess() };
}

async function standing(): Promise<Here> {
  const all = await here();
  await all.world.stores.live.insertBaseline(row);
  await reconcile(all);
  return all;
}

async function reconcile({ world, process }: Here, nsgId = nicNsg): Promise<ReconcileResult> {
  return world.clock.run(process.reconcile(nsgId, call));
}

/** The sweep's look at NSGs: what their rows want, whoever wrote them. */
async function sweep({ world, process }: Here) {
  const { stores, clock, inventory } = world;
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const look = createNsgSweep(
    { ...stores, inventory, clock, log, installation: contoso },
    process.reconcile,
    60,
  );
  const [known, records] = [await stores.nsgs.nsgIds(), await stores.nsgs.unsettled()];
  const { correlationId } = call;
  return clock.run(look({ began: clock.now(), correlationId, known, records, all: false }));
}

async function stored({ world }: Here) {
  const found = await world.stores.live.getBaseline(nicNsg, vmId);
  return found?.row === 'unreadable' ? undefined : (found as { row: BaselineRow; etag: string } | undefined);
}

async function change(all: Here, next: (row: BaselineRow) => BaselineRow): Promise<void> {
  const found = await stored(all);
  if (found === undefined) throw new Error('There is no baseline');
  expect(await all.world.stores.live.replaceBaseline(next(found.row), found.etag)).toBe('replaced');
}

const end = (all: Here) => change(all, (found) => endBaseline(found, all.world.clock.now()));

function standingOf(result: ReconcileResult) {
  return result.kind === 'converged' ? result.baselines.get(canonicalId(vmId)) : result;
}

function edit({ world }: Here, change: (rules: Rule[]) => JsonObject[]): void {
  world.network.edit(nicNsg, (body) => {
    const properties = body['properties'] as { securityRules: Rule[] };
    return { ...body, properties: { ...properties, securityRules: change(properties.securityRules) } };
  });
}

type Rule = JsonObject & { name: string; properties: JsonObject };

function rules({ world }: Here): Rule[] {
  return (world.network.nsg(nicNsg)?.['properties'] as { securityRules: Rule[] }).securityRules;
}

/** The events in the audit of the NSG, after checking that their chain holds. */
async function told({ world }: Here): Promise<string[]> {
  const records = await world.stores.audit.read(driftPartition(nicNsg));
  expect(verifyTrail(driftPartition(nicNsg), records)).toEqual([]);
  return records.map(({ event }) => event);
}

function later({ world }: Here, seconds: number): Promise<void> {
  return world.clock.run(world.clock.sleep(seconds * 1000));
}

describe('a baseline', () => {
  it('stands after one write, is read back, and is noted as seen', async () => {
    const all = await here();
    await all.world.stores.live.insertBaseline(row);
    expect(standingOf(await reconcile(all))).toEqual({ state: 'standing' });
    expect(all.world.ownedRules(nicNsg)).toEqual(names);
    expect(Object.keys((await stored(all))?.row.seen ?? {})).toEqual(['1', '2']);
    expect(await told(all)).toEqual([]);
  });

  it('stands before what somebody else lets in: the guard is told that it is to shut that', async () => {
    const all = await here();
    all.world.network.edit(nicNsg, (body) =>
      withRule(body, foreignRule('allow-ssh', 400, { access: 'Allow', destinationPortRange: '22' })),
    );
    await all.world.stores.live.insertBaseline(row);
    expect((await reconcile(all)).kind).toBe('converged');
    expect(all.world.ownedRules(nicNsg)).toEqual(names);
  });

  it('lets a grant in before it, and stays when that ends', async () => {
    const all = await standing();
    await accepted(all.world, all.process);
    await all.world.runUntil(new Date(noon.getTime() + 120_000), all.process);
    expect(all.world.ownedRules(nicNsg)).toHaveLength(3);
    await all.world.runUntil(new Date(noon.getTime() + 3_900_000), all.process);
    expect(all.world.ownedRules(nicNsg)).toEqual(names);
  });

  it('goes by a recorded decision, and its row after the read-back: the NSG is what it was', async () => {
    const all = await here();
    const before = contentOf(all.world.network.nsg(nicNsg));
    await all.world.stores.live.insertBaseline(row);
    await reconcile(all);
    await end(all);
    expect(standingOf(await reconcile(all))).toEqual({ state: 'gone' });
    expect(contentOf(all.world.network.nsg(nicNsg))).toEqual(before);
    expect(await stored(all)).toBeUndefined();
    expect(await told(all)).toEqual([]);
  });

  it('that was never written keeps its row until no write of its rules can come any more', async () => {
    const all = await here();
    await all.world.stores.live.insertBaseline(row);
    await end(all);
    await reconcile(all);
    expect((await stored(all))?.row.state).toBe('ending');
    await later(all, 90);
    expect((await sweep(all)).reconciled).toBe(1);
    expect(await stored(all)).toBeUndefined();
  });

  it('that stands again while it is ending is put back, and nobody is blamed', async () => {
    const all = await standing();
    await end(all);
    const slow = all.world.startProcess(undefined, {
      before: async (effect) => {
        if (effect === 'live.removeBaseline')
          await change(all, (found) => standBaseline(found, row, all.world.clock.now()));
      },
    });
    await all.world.clock.run(slow.reconcile(nicNsg, call));
    await reconcile(all);
    expect(all.world.ownedRules(nicNsg)).toEqual(names);
    expect((await stored(all))?.row.state).toBe('standing');
    expect(await told(all)).toEqual([]);
  });

  it('without room is told to whoever asks, and shuts no grant out', async () => {
    const all = await here();
    edit(all, (list) => [
      ...list,
      ...Array.from({ length: 49 }, (_, index) =>
        foreignRule(`crowd-${index}`, 250 + index, { destinationPortRange: '9' }),
      ),
    ]);
    await all.world.stores.live.insertBaseline(row);
    expect(standingOf(await reconcile(all))).toMatchObject({
      state: 'no-capacity',
      reason: { code: 'no-capacity' },
    });
    expect(all.world.ownedRules(nicNsg)).toEqual([]);
  });
});

describe('what waits for nobody', () => {
  it('is to shut: a baseline is written while grants wait for what is left of the writes', async () => {
    const all = await here();
    await all.world.stores.live.insertBaseline(row);
    await all.world.stores.live.insert(liveRow(nicNsg, noon, 7));
    all.world.budget.set({ opens: 'later', retryAfterSeconds: 30 });
    const result = await all.world.clock.run(all.process.reconcile(nicNsg, { ...call, purpose: 'open' }));
    expect(standingOf(result)).toEqual({ state: 'standing' });
  });

  it('is a hint: what was done to a baseline is put right at once, on an NSG without any grant', async () => {
    const all = await standing();
    edit(all, (list) => list.filter(({ name }) => name !== names[0]));
    await later(all, 5);
    const hint = { kind: 'nsg', id: nicNsg.toLowerCase(), at: all.world.clock.now() } as const;
    await all.world.clock.run(all.process.followHint(hint));
    expect(all.world.ownedRules(nicNsg).sort()).toEqual(names);
  });
});

describe('the sweep', () => {
  it('writes and reads nothing more where baselines stand', async () => {
    const calls: string[] = [];
    const all = await here(({ method }) => void calls.push(method));
    await all.world.stores.live.insertBaseline(row);
    await sweep(all);
    calls.length = 0;
    const etag = (await stored(all))?.etag;
    expect((await sweep(all)).reconciled).toBe(0);
    expect(calls).toEqual([]);
    expect((await stored(all))?.etag).toBe(etag);
  });

  it('makes a baseline stand that nobody has reconciled yet, on an NSG without any grant', async () => {
    const all = await here();
    await all.world.stores.live.insertBaseline(row);
    await sweep(all);
    expect(all.world.ownedRules(nicNsg)).toEqual(names);
  });

  it('puts back what somebody has deleted, told once each time', async () => {
    const all = await standing();
    for (const times of [1, 2]) {
      edit(all, (list) => list.filter(({ name }) => name !== names[0]));
      await sweep(all);
      expect(all.world.ownedRules(nicNsg).sort()).toEqual(names);
      await sweep(all);
      expect(await told(all)).toEqual(Array<string>(times).fill('nsg.baseline-removed'));
    }
    expect(all.world.logged.filter((message) => message === 'baseline-put-back')).toHaveLength(2);
  });

  it('accuses nobody where a policy was changed and changed back before anybody had looked', async () => {
    const all = await standing();
    const boxes = row.boxes.map((box) => ({ ...box, destinationPorts: [3389] }));
    await change(all, (found) => standBaseline(found, { boxes, causes: [] }, all.world.clock.now()));
    // What whoever writes the rules of that has read back is noted by nobody: it dies before.
    const { live } = all.world.stores;
    const markSeen = live.markSeen.bind(live);
    live.markSeen = () => Promise.resolve([]);
    await reconcile(all);
    live.markSeen = markSeen;
    expect(rules(all).find(({ name }) => name === names[0])?.properties['destinationPortRange']).toBe('3389');
    await change(all, (found) => standBaseline(found, row, all.world.clock.now()));
    await sweep(all);
    await sweep(all);
    expect(rules(all).find(({ name }) => name === names[0])?.properties['destinationPortRange']).toBe('22');
    expect(await told(all)).toEqual([]);
  });

  it('accuses nobody where the write of an end comes after the policy was changed back', async () => {
    const all = await standing();
    await change(all, (found) => endBaseline(found, all.world.clock.now()));
    let isSent = false;
    const slow = all.world.startProcess(undefined, {
      before: async (effect) => {
        if (effect !== 'network.writeNsg' || isSent) return;
        isSent = true;
        await change(all, (found) => standBaseline(found, row, all.world.clock.now()));
        await all.process.reconcile(nicNsg, call);
      },
    });
    await reconcile({ world: all.world, process: slow });
    await sweep(all);
    expect(all.world.ownedRules(nicNsg).sort()).toEqual(names);
    expect(await told(all)).toEqual([]);
  });

  it.each([
    ['turned into an allow', { access: 'Allow' }, 'nsg.baseline-removed'],
    ['narrowed', { sourceAddressPrefix: '203.0.113.0/24' }, 'nsg.baseline-removed'],
    ['moved behind what it comes before', { priority: 4000 }, 'nsg.baseline-removed'],
    ['widened', { destinationPortRange: '*' }, 'nsg.rule-tampered'],
  ])('puts a rule right that somebody has %s, and tells it once', async (_what, change, event) => {
    const all = await standing();
    const right = rules(all);
    edit(all, (list) =>
      list.map((rule) =>
        rule.name === names[0] ? { ...rule, properties: { ...rule.properties, ...change } } : rule,
      ),
    );
    await sweep(all);
    await sweep(all);
    expect(rules(all).map(({ name, properties: { priority, access } }) => [name, priority, access])).toEqual(
      right.map(({ name, properties: { priority, access } }) => [name, priority, access]),
    );
    expect(await told(all)).toEqual([event]);
  });

  it('leaves denies of ours that no row speaks of, and tells nothing of them', async () => {
    const all = await here();
    all.world.network.edit(nicNsg, (body) =>
      withRule(body, foreignRule('sallyport-contoso-deny-0123456789abcdef-1', 250)),
    );
    await sweep(all);
    expect(all.world.ownedRules(nicNsg)).toEqual(['sallyport-contoso-deny-0123456789abcdef-1']);
    expect(await told(all)).toEqual([]);
  });

  it('names a rule of somebody else that comes before a baseline, once, and does not fight it', async () => {
    const all = await standing();
    all.world.network.edit(nicNsg, (body) =>
      withRule(body, foreignRule('allow-ssh', 200, { access: 'Allow', destinationPortRange: '22' })),
    );
    await sweep(all);
    await sweep(all);
    expect(await told(all)).toEqual(['nsg.bypassed-by-foreign-rule']);
    expect(all.world.logged).toContain('baseline-bypassed');
    expect(standingOf(await reconcile(all))).toMatchObject({ state: 'bypassed', by: 'allow-ssh' });
    expect(all.world.ownedRules(nicNsg)).toEqual(names);
    edit(all, (list) => list.filter(({ name }) => name !== 'allow-ssh'));
    await sweep(all);
    expect(standingOf(await reconcile(all))).toEqual({ state: 'standing' });
  });

  it('forgets an NSG that is no more with the rows of baselines that have ended there', async () => {
    const all = await standing();
    await end(all);
    all.world.network.removeNsg(nicNsg);
    await sweep(all);
    expect(await stored(all)).toBeUndefined();
    expect(await all.world.stores.nsgs.nsgIds()).not.toContain(nicNsg);
  });
});
