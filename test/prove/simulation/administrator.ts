import type { JsonObject } from '../../../src/core/network.ts';
import { foreignRule } from '../../support/foreignRule.ts';
import type { EditOperation } from '../../support/memoryNetwork.ts';
import type { Random } from '../random.ts';
import type { Promises } from './promises.ts';
import type { World } from './world.ts';
import { foreignNsg, isBaselineRule, isOwned, nameOf, ownerOf, nsgIds, rulesOf } from './worldModel.ts';

/** Somebody who edits the same NSGs, and remembers what each should be if nobody but them wrote to it. */
export interface Administrator {
  /** One edit of their own rules or of ours; returns the id of the NSG. */
  edit: (random: Random) => string;
  /** The NSG as it would be without us. */
  own: (nsgId: string) => JsonObject;
  counted: Record<string, number>;
}

/** Rules that come and go. None of them meets what is asked for before or within the band of allows, unless it says so. */
const ownRules = [
  foreignRule('allow-monitoring', 310, {
    destinationPortRange: '8080',
    sourceAddressPrefix: '10.0.0.0/8',
    access: 'Allow',
  }),
  foreignRule('deny-rdp', 320, { destinationPortRange: '3389', sourceAddressPrefix: '*' }),
  foreignRule('allow-ssh-from-office', 330, {
    ...{
      destinationPortRange: '22',
      sourceAddressPrefix: '198.51.100.0/24',
      access: 'Allow',
      protocol: 'Tcp',
    },
  }),
  foreignRule('allow-rdp-from-everywhere', 340, {
    ...{ destinationPortRange: '3389', sourceAddressPrefix: '*', access: 'Allow' },
  }),
  foreignRule('allow-ssh-from-inside', 350, {
    ...{ destinationPortRange: '22', sourceAddressPrefix: '10.0.0.0/8', access: 'Allow' },
  }),
  foreignRule('deny-one-in-front', 100, {
    ...{
      destinationPortRange: '22',
      sourceAddressPrefix: '203.0.113.9/32',
      destinationAddressPrefix: '10.1.0.5/32',
    },
  }),
  foreignRule('deny-all-in-the-band', 180, { destinationAddressPrefix: '10.1.0.6/32' }),
  foreignRule('allow-in-the-band', 101, {
    destinationPortRange: '443',
    sourceAddressPrefix: '*',
    access: 'Allow',
  }),
];

export function createAdministrator(world: World, promises: Promises): Administrator {
  const counted: Record<string, number> = {};
  const own = new Map(nsgIds.map((nsgId) => [nsgId, foreignNsg()]));

  /** Changes the rules in Azure and, where they are the administrator's, in what should be there without us. */
  function change(
    nsgId: string,
    edit: (rules: JsonObject[]) => JsonObject[],
    operation: EditOperation | undefined,
    ours = false,
  ): void {
    const apply = (body: JsonObject): JsonObject => ({
      ...body,
      properties: { ...(body['properties'] as JsonObject), securityRules: edit(rulesOf(body)) },
    });
    if (!ours) own.set(nsgId, apply(own.get(nsgId) ?? foreignNsg()));
    world.network.edit(nsgId, apply, operation);
  }

  function toggle(nsgId: string, random: Random, operation: EditOperation | undefined): void {
    const rule = random.pick(ownRules);
    const name = rule['name'];
    const isThere = rulesOf(own.get(nsgId) ?? {}).some((other) => other['name'] === name);
    const taken = rulesOf(world.network.nsg(nsgId) ?? {}).some(
      (other) => isOwned(other) && priorityOf(other) === priorityOf(rule),
    );
    // Azure refuses two rules of one priority.
    if (!isThere && taken) return;
    change(
      nsgId,
      (rules) => (isThere ? rules.filter((other) => other['name'] !== name) : [...rules, rule]),
      operation,
    );
  }

  function touch(
    nsgId: string,
    random: Random,
    edit: (properties: JsonObject) => JsonObject | undefined,
    isMeant = (rule: JsonObject) => ownerOf(rule) !== undefined,
  ): void {
    const ours = rulesOf(world.network.nsg(nsgId) ?? {}).filter(isMeant);
    if (ours.length === 0) return;
    const name = nameOf(random.pick(ours));
    promises.tampered(nsgId, name);
    change(
      nsgId,
      (rules) =>
        rules.flatMap((rule) => {
          if (rule['name'] !== name) return [rule];
          const properties = edit(rule['properties'] as JsonObject);
          return properties === undefined ? [] : [{ ...rule, properties }];
        }),
      undefined,
      true,
    );
  }

  return {
    counted,
    own: (nsgId) => own.get(nsgId) ?? foreignNsg(),
    edit(random) {
      const nsgId = random.pick(nsgIds);
      const kind = random.pick(edits);
      counted[kind] = (counted[kind] ?? 0) + 1;
      switch (kind) {
        case 'rule':
          toggle(nsgId, random, undefined);
          break;
        case 'slow rule':
          toggle(nsgId, random, { milliseconds: 500 + random.below(6000), ends: 'Succeeded' });
          break;
        case 'failed rule':
          toggle(nsgId, random, { milliseconds: 500 + random.below(3000), ends: 'Failed' });
          break;
        case 'tag':
          own.set(nsgId, { ...this.own(nsgId), tags: { edited: String(random.below(9)) } });
          world.network.edit(nsgId, (body) => ({ ...body, tags: this.own(nsgId)['tags'] ?? {} }));
          break;
        case 'ours deleted':
          touch(nsgId, random, () => undefined);
          break;
        case 'baseline deleted':
          touch(nsgId, random, () => undefined, isBaselineRule);
          break;
        case 'baseline narrowed':
          touch(
            nsgId,
            random,
            (properties) => ({
              ...properties,
              sourceAddressPrefix: '203.0.113.200/32',
              sourceAddressPrefixes: [],
            }),
            isBaselineRule,
          );
          break;
        case 'ours narrowed':
          touch(nsgId, random, (properties) => ({
            ...properties,
            sourceAddressPrefix: '203.0.113.200/32',
            sourceAddressPrefixes: [],
          }));
          break;
        case 'ours widened':
          touch(nsgId, random, (properties) => ({
            ...properties,
            sourceAddressPrefix: '*',
            sourceAddressPrefixes: [],
          }));
          break;
      }
      return nsgId;
    },
  };
}

const edits = [
  'rule',
  'rule',
  'rule',
  'slow rule',
  'failed rule',
  'tag',
  'ours deleted',
  'ours narrowed',
  'ours widened',
  'baseline deleted',
  'baseline narrowed',
] as const;

function priorityOf(rule: JsonObject): unknown {
  return (rule['properties'] as JsonObject)['priority'];
}
