import { describe, expect, it } from 'vitest';
import type { BaselineRow } from '../../src/core/baseline.ts';
import { desiredBaselines } from '../../src/core/desiredBaselines.ts';
import type { Policy } from '../../src/core/policy.ts';
import { applied, idOf, listed, policyOf, subscription, type SmallAzure } from '../support/baselineWorld.ts';

const now = new Date('2026-11-23T12:00:00.000Z');
const later = new Date('2026-11-23T13:00:00.000Z');

/** One machine behind its subnet's NSG and its own, with a second interface in a subnet with another NSG. */
function azure(): SmallAzure {
  return {
    machines: new Map([['web', { group: 'Contoso', tags: { env: 'prod' } }]]),
    nics: new Map([
      [
        'web-1',
        {
          machine: 'web',
          nsg: 'own',
          addresses: [
            { address: '10.1.0.4', subnet: 'front' },
            { address: 'fd00:1::4', subnet: 'front' },
          ],
        },
      ],
      ['web-2', { machine: 'web', addresses: [{ address: '10.2.0.4', subnet: 'back' }] }],
    ]),
    subnets: new Map([
      ['front', 'front'],
      ['back', 'back'],
    ]),
    nsgs: ['front', 'back', 'own'],
  };
}

const named = (name = 'web') => ({ virtualMachineIds: [idOf.machine(name)] });
const prod = { scopes: [subscription], tags: { env: 'prod' } };
const ssh = policyOf('ssh', [{ selector: named(), ports: [{ number: 22 }] }]);
const tagged = policyOf('tagged', [{ selector: prod, ports: [{ number: 22 }] }]);

function settle(policies: Policy[], world: SmallAzure, rows: readonly BaselineRow[] = [], at = now) {
  const found = desiredBaselines({ policies, listing: listed(world), rows, now: at });
  const next = applied(rows, found);
  expect(desiredBaselines({ policies, listing: listed(world), rows: next, now: later }).changes).toEqual([]);
  return { ...found, rows: next };
}

const at = (rows: readonly BaselineRow[], nsg: string) =>
  rows.find(({ nsgId }) => nsgId === idOf.nsg(nsg))?.boxes;

describe('the baselines that policies want', () => {
  it('cover every address of every interface, each at the NSGs that stand before it', () => {
    const { rows, problems } = settle([ssh], azure());
    const four = {
      protocol: 'Tcp',
      sourceAddressPrefixes: ['Internet'],
      destinationAddressPrefixes: ['10.1.0.4/32'],
      destinationPorts: [22],
    };
    const six = { ...four, destinationAddressPrefixes: ['fd00:1::4/128'] };
    expect(problems).toEqual([]);
    expect(rows).toHaveLength(3);
    expect(at(rows, 'front')).toEqual([four, six]);
    expect(at(rows, 'own')).toEqual([four, six]);
    expect(at(rows, 'back')).toEqual([{ ...four, destinationAddressPrefixes: ['10.2.0.4/32'] }]);
  });

  it('say everybody but the exceptions as prefixes, and everybody by the star', () => {
    const except = { kind: 'everybody' as const, except: ['168.63.129.16/32'] };
    const { rows } = settle([{ ...ssh, baseline: except }], azure());
    const [four, six] = at(rows, 'front') ?? [];
    expect(four?.sourceAddressPrefixes).toHaveLength(32);
    expect(six?.sourceAddressPrefixes).toEqual(['*']);
  });

  it('refuse what any of several policies refuses', () => {
    const ports = [{ number: 22 }];
    const both = settle(
      [
        ssh,
        policyOf('a', [{ selector: prod, ports }], {
          kind: 'everybody',
          except: ['10.0.0.0/8', '168.63.129.16/32'],
        }),
        policyOf('b', [{ selector: prod, ports }], { kind: 'everybody', except: ['10.1.0.0/16'] }),
      ],
      azure(),
    );
    const sources = at(both.rows, 'back')?.map((box) => box.sourceAddressPrefixes);
    expect(sources?.flat()).toContain('Internet');
    expect(sources?.flat()).toContain('128.0.0.0/1');
    expect(sources?.flat()).toContain('10.0.0.0/16');
    expect(sources?.flat()).not.toContain('10.1.0.0/16');
  });

  it('are none where the policy wants none', () => {
    expect(settle([{ ...ssh, baseline: { kind: 'none' } }], azure()).rows).toEqual([]);
  });

  it('tell a machine before which no NSG stands, by its name', () => {
    const world = azure();
    world.subnets.set('back', undefined);
    const { problems, rows } = settle([ssh], world);
    expect(rows.map(({ nsgId }) => nsgId)).toEqual([idOf.nsg('front'), idOf.nsg('own')]);
    expect(problems).toMatchObject([
      {
        policyId: 'ssh',
        virtualMachineId: idOf.machine('web'),
        reason: { code: 'no-network-security-group' },
      },
    ]);
    expect(problems[0]?.reason.message).toContain('10.2.0.4');
  });

  it('do not shut another machine that has the same address behind the same NSG', () => {
    const world = azure();
    world.machines.set('twin', { group: 'Contoso', tags: {} });
    world.subnets.set('twins', 'front');
    world.nics.set('twin-1', {
      machine: 'twin',
      addresses: [{ address: '10.1.0.4', subnet: 'twins' }],
    });
    const { problems, rows } = settle([ssh], world);
    expect(at(rows, 'front')?.map((box) => box.destinationAddressPrefixes)).toEqual([['fd00:1::4/128']]);
    expect(at(rows, 'own')).toHaveLength(2);
    expect(problems).toEqual([]);
    world.nics.set('web-1', {
      machine: 'web',
      addresses: [{ address: '10.1.0.4', subnet: 'front' }],
    });
    expect(settle([ssh], world).problems).toMatchObject([{ reason: { code: 'address-not-unique' } }]);
  });

  it('tell a machine that a policy names and that is not there', () => {
    const { problems } = settle(
      [policyOf('old', [{ selector: named('old'), ports: [{ number: 22 }] }])],
      azure(),
    );
    expect(problems).toMatchObject([{ policyId: 'old', reason: { code: 'vm-not-found' } }]);
  });
});

describe('a baseline that stands', () => {
  it('follows an address, an interface and an NSG', () => {
    const world = azure();
    const before = settle([ssh], world).rows;
    world.nics.set('web-1', {
      machine: 'web',
      addresses: [{ address: '10.1.0.9', subnet: 'front' }],
    });
    world.nics.delete('web-2');
    const { rows } = settle([ssh], world, before);
    expect(rows.map(({ nsgId }) => nsgId)).toEqual([idOf.nsg('front')]);
    expect(at(rows, 'front')?.map((box) => box.destinationAddressPrefixes)).toEqual([['10.1.0.9/32']]);
  });

  it('stays at an NSG that was taken away while no other stands there', () => {
    const world = azure();
    const before = settle([ssh], world).rows;
    world.subnets.set('back', undefined);
    const { rows, problems } = settle([ssh], world, before);
    expect(rows).toEqual(before);
    expect(problems).toHaveLength(1);
  });

  it('keeps an address at an NSG that was taken from the subnet of that address alone', () => {
    const world = azure();
    world.nics = new Map([
      [
        'web-1',
        {
          machine: 'web',
          addresses: [
            { address: '10.1.0.4', subnet: 'front' },
            { address: '10.2.0.4', subnet: 'back' },
          ],
        },
      ],
    ]);
    world.subnets.set('back', 'front');
    const before = settle([ssh], world);
    world.subnets.set('back', undefined);
    const after = settle([ssh], world, before.rows);

    expect(at(after.rows, 'front')).toEqual(at(before.rows, 'front'));
    expect(at(after.rows, 'front')).toMatchObject([
      { destinationAddressPrefixes: ['10.1.0.4/32', '10.2.0.4/32'] },
    ]);
  });

  it('ends when its policy is deleted, and not when its policy is merely not to be found', () => {
    const { rows } = settle([ssh], azure());
    expect(settle([], azure(), rows).rows).toEqual(rows);
    expect(settle([{ ...ssh, version: 2, isDeleted: true }], azure(), rows).rows).toEqual([]);
  });

  it('ends when the policy does not name the machine any more', () => {
    const { rows } = settle([ssh], azure());
    const other = policyOf('ssh', [{ selector: named('other'), ports: [{ number: 22 }] }]);
    expect(settle([{ ...other, version: 2 }], azure(), rows).rows).toEqual([]);
    const world = azure();
    world.machines.delete('web');
    expect(settle([{ ...other, version: 2 }], world, rows).rows).toEqual([]);
  });

  it('says what the policy says after its ports or its source were changed', () => {
    const { rows } = settle([ssh], azure());
    const rdp = policyOf('ssh', [{ selector: named(), ports: [{ number: 3389 }] }]);
    const changed = settle([{ ...rdp, version: 2 }], azure(), rows).rows;
    expect(changed.flatMap(({ boxes }) => boxes.flatMap((box) => box.destinationPorts))).not.toContain(22);
    expect(settle([{ ...ssh, version: 2, baseline: { kind: 'none' } }], azure(), rows).rows).toEqual([]);
  });

  it('stays when somebody removes the tag by which it was selected, until a person releases the machine', () => {
    const { rows } = settle([tagged], azure());
    const world = azure();
    world.machines.set('web', { group: 'Contoso', tags: {} });
    const after = settle([tagged], world, rows);
    expect(after.left).toEqual([
      { policyId: 'tagged', virtualMachineId: idOf.machine('web'), at: now.toISOString() },
    ]);
    expect(after.rows.map(({ boxes }) => boxes)).toEqual(rows.map(({ boxes }) => boxes));
    const released = { ...tagged, released: [idOf.machine('WEB')] };
    expect(settle([released], world, after.rows, later)).toMatchObject({ rows: [], left: [] });
  });

  it('stays at the ports that it had by a tag when the same policy names the machine for others', () => {
    const both = policyOf('both', [
      { selector: named(), ports: [{ number: 3389 }] },
      { selector: prod, ports: [{ number: 22 }] },
    ]);
    const before = settle([both], azure());
    const bare = azure();
    bare.machines.set('web', { group: 'Contoso', tags: {} });
    const without = settle([both], bare, before.rows);
    const released = settle([{ ...both, released: [idOf.machine('web')] }], bare, without.rows, later);

    expect(at(without.rows, 'own')).toEqual(at(before.rows, 'own'));
    expect(without.left).toEqual([
      { policyId: 'both', virtualMachineId: idOf.machine('web'), at: now.toISOString() },
    ]);
    expect(at(released.rows, 'own')?.map(({ destinationPorts }) => destinationPorts)).toEqual([
      [3389],
      [3389],
    ]);
    expect(settle([both], azure(), without.rows, later).left).toEqual([]);
  });

  it('stays, and follows the machine, when a changed selector does not mean it any more', () => {
    const { rows } = settle([tagged], azure());
    const test = policyOf('tagged', [
      { selector: { scopes: [subscription], tags: { env: 'test' } }, ports: [{ number: 3389 }] },
    ]);
    const world = azure();
    world.nics.delete('web-2');
    world.nics.set('web-1', { machine: 'web', addresses: [{ address: '10.1.0.9', subnet: 'front' }] });
    const after = settle([{ ...test, version: 2 }], world, rows);
    expect(at(after.rows, 'front')).toMatchObject([
      { destinationAddressPrefixes: ['10.1.0.9/32'], destinationPorts: [22] },
    ]);
    expect(after.left).toHaveLength(1);
  });

  it('stays when the machine is gone, and is its own again when it is made anew', () => {
    const { rows } = settle([ssh], azure());
    const world = azure();
    world.machines.delete('web');
    const after = settle([ssh], world, rows);
    expect(after.rows.map(({ boxes }) => boxes)).toEqual(rows.map(({ boxes }) => boxes));
    expect(after.left).toHaveLength(1);
    const again = settle([ssh], azure(), after.rows, later);
    expect(again.left).toEqual([]);
    expect(again.rows.map(({ causes }) => causes)).toEqual(rows.map(({ causes }) => causes));
  });

  it('keeps what a policy wants that the machine has left when another policy that it was in ends', () => {
    const rdp = policyOf('rdp', [{ selector: named(), ports: [{ number: 3389 }] }]);
    const { rows } = settle([tagged, rdp], azure());
    const world = azure();
    world.machines.set('web', { group: 'Contoso', tags: {} });
    const left = settle([tagged, rdp], world, rows).rows;
    const after = settle([tagged, { ...rdp, version: 2, isDeleted: true }], world, left).rows;
    expect(at(after, 'back')?.map((box) => box.destinationPorts)).toEqual([[22]]);
  });

  it('is not touched while lists are not whole, unless its policy was deleted', () => {
    const world = azure();
    const { rows } = settle([ssh, tagged], world);
    world.machines.clear();
    world.nics.clear();
    const listing = listed(world, false);
    expect(desiredBaselines({ policies: [ssh, tagged], listing, rows, now }).changes).toEqual([]);
    const deleted = { ...ssh, version: 2, isDeleted: true as const };
    const some = desiredBaselines({ policies: [deleted, tagged], listing, rows, now });
    expect(applied(rows, some).map(({ causes }) => causes.map(({ policyId }) => policyId))).toEqual(
      rows.map(() => ['tagged']),
    );
    const both = [deleted, { ...tagged, version: 2, isDeleted: true as const }];
    expect(applied(rows, desiredBaselines({ policies: both, listing, rows, now }))).toEqual([]);
  });

  it('tells a policy that could not be applied because lists are not whole', () => {
    const { problems, changes } = desiredBaselines({
      policies: [ssh],
      listing: listed(azure(), false),
      rows: [],
      now,
    });
    expect(changes).toEqual([]);
    expect(problems).toMatchObject([{ reason: { code: 'not-settled' } }]);
  });

  it('stands again where it was ending', () => {
    const { rows } = settle([ssh], azure());
    const ending = rows.map((row) => ({ ...row, state: 'ending' as const }));
    const again = settle([ssh], azure(), ending).rows;
    expect(again.map(({ state }) => state)).toEqual(['standing', 'standing', 'standing']);
  });
});
