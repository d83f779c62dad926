import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../dev/arm/faults.ts';
import { createSimulator, textOf } from '../../dev/arm/simulator.ts';
import type { JsonObject } from '../../src/core/network.ts';
import { describeGrant, ownedName } from '../../src/core/ownedRule.ts';
import { plan } from '../../src/core/plan.ts';
import { contoso } from '../support/liveRow.ts';
import { runWorkflow } from './workflow/runWorkflow.ts';
import type { Definition, HttpAnswer, Run } from './workflow/runWorkflow.ts';

const fileOf = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
const definition = fileOf('infra/watchdog/workflow.json') as Definition;
const { Actions: role } = fileOf('docs/roles/watchdog.json') as { Actions: string[] };

const resourceManager = 'https://management.contoso.example';
const subscription = '11111111-2222-3333-4444-555555555555';
const group = `/subscriptions/${subscription}/resourceGroups/rg-web`;
const nsgId = `${group}/providers/Microsoft.Network/networkSecurityGroups/nsg-web`;
const watchdog = '00000000-0000-4000-8000-00000000d0d0';
const noon = new Date('2026-11-23T12:00:00.000Z');
const minutesFromNoon = (minutes: number) => new Date(noon.getTime() + minutes * 60_000).toISOString();
const idOf = (number: number) => number.toString(16).padStart(32, '0');

type Rule = JsonObject & { name: string };

/** A rule of a grant as the application writes it. */
function granted(number: number, end: string, changes: JsonObject = {}, installation = contoso.id): Rule {
  return ruleNamed(ownedName(installation, idOf(number), 1), 100 + number, {
    description: describeGrant(idOf(number), end),
    ...changes,
  });
}

function ruleNamed(name: string, priority: number, changes: JsonObject = {}): Rule {
  return {
    name,
    properties: {
      ...{
        protocol: 'Tcp',
        sourcePortRange: '*',
        destinationPortRange: '22',
        access: 'Allow',
        direction: 'Inbound',
      },
      ...{ sourceAddressPrefix: '203.0.113.7/32', destinationAddressPrefix: '10.1.0.4/32', priority },
      ...changes,
    },
  };
}

interface Watched {
  run: Run;
  /** Every rule that is not what it was, with what became of it. */
  changed: Record<string, JsonObject | 'gone'>;
  /** The network security group afterwards. */
  body: JsonObject;
  /** `DELETE name` and `PUT name`, in order. */
  writes: string[];
}

interface Weather {
  faults?: FaultSpec[];
  lock?: 'CanNotDelete' | 'ReadOnly';
  actions?: string[];
}

/** Runs the definition once against the simulator, under the watchdog's own role. */
async function watch(rules: Rule[], { faults = [], lock, actions = role }: Weather = {}): Promise<Watched> {
  let now = noon.getTime();
  const asked = createSimulator({
    state: {
      tenantId: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
      subscriptions: [{ subscriptionId: subscription, displayName: 'Contoso' }],
      resourceGroups: [{ id: group, location: 'westeurope' }],
      resources: [{ id: nsgId, location: 'westeurope', properties: { securityRules: rules } }],
      locks: lock === undefined ? [] : [{ name: 'hold', scope: group, level: lock }],
      // As the template gives it: in each group, and not in the subscription.
      permissions: [{ principalId: watchdog, scope: group, actions }],
    },
    clock: () => now,
    faults,
  });
  const rulesNow = () => {
    const [nsg] = [...asked.simulator.world.resources.values()];
    const found = (nsg?.properties['securityRules'] ?? []) as { name: string; properties: JsonObject }[];
    // Azure's own word on a rule, which every write of its group changes.
    return found.map(({ name, properties }) => ({
      name,
      properties: { ...properties, provisioningState: '' },
    }));
  };
  const before = rulesNow();
  const run = await runWorkflow(definition, {
    parameters: {
      installation: contoso.id,
      graceMinutes: 15,
      subscriptions: [subscription],
      resourceManager,
    },
    now: () => new Date(now),
    sleep: (milliseconds) => (now += milliseconds),
    send: async ({ method, uri, body, audience }) => {
      expect(audience).toBe(`${resourceManager}/`);
      const claims = Buffer.from(JSON.stringify({ oid: watchdog })).toString('base64url');
      const answer = await asked.ask({
        ...{ method, url: new URL(uri), origin: resourceManager },
        headers: { authorization: `Bearer e30.${claims}.x` },
        body: Buffer.from(body === undefined ? '' : JSON.stringify(body)),
      });
      const text = textOf(answer);
      return {
        statusCode: answer.status,
        headers: Object.fromEntries(
          Object.entries(answer.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
        ),
        body: text === '' ? null : (JSON.parse(text) as HttpAnswer['body']),
      };
    },
  });
  const after = rulesNow();
  const changed: Watched['changed'] = {};
  for (const { name, properties } of before) {
    const found = after.find((rule) => rule.name === name)?.properties;
    if (JSON.stringify(found) !== JSON.stringify(properties)) changed[name] = found ?? 'gone';
  }
  return {
    run,
    changed,
    body: { properties: { securityRules: after } },
    writes: asked.requests
      .filter(({ method, path }) => method !== 'GET' && !path.includes('ResourceGraph'))
      .map(({ method, path }) => `${method} ${path.slice(path.lastIndexOf('/') + 1)}`),
  };
}

const overdue = granted(1, minutesFromNoon(-16));
const overdueName = overdue.name;
const hourOld = minutesFromNoon(-60);

/** Everything that must stay, whatever the watchdog does. */
const others = [
  granted(2, minutesFromNoon(30)),
  granted(3, minutesFromNoon(-14)),
  granted(4, hourOld, {}, 'fabrikam'),
  granted(5, hourOld, { access: 'Deny' }),
  ruleNamed('sallyport-contoso-deny-0123456789abcdef-1', 250, {
    ...{ access: 'Deny', sourceAddressPrefix: 'Internet' },
    description: 'Sallyport baseline of vm-web.',
  }),
  ruleNamed('by-hand', 300, { description: describeGrant(idOf(6), hourOld) }),
];

/** Resource Graph as it was some time ago: it names a rule whatever has become of it. */
const oldAnswer = (name: string): FaultSpec => ({
  match: { path: 'ResourceGraph' },
  fault: { kind: 'status', status: 200, body: { data: [{ id: `${nsgId}/securityRules/${name}` }] } },
});

describe('the watchdog', () => {
  it('deletes an owned allow rule that is past its end by more than the grace, and nothing else', async () => {
    const { run, changed, writes } = await watch([...others, overdue]);

    expect(changed).toEqual({ [overdueName]: 'gone' });
    expect(writes).toEqual([`DELETE ${overdueName}`]);
    expect(run).toMatchObject({ status: 'Failed', error: { code: 'RulesRemoved' } });
    expect(run.error?.message).toContain(`Removed: ["${nsgId}/securityRules/${overdueName}"]`);
  });

  it('writes nothing and succeeds where nothing is overdue', async () => {
    expect(await watch(others)).toMatchObject({ run: { status: 'Succeeded' }, changed: {}, writes: [] });
  });

  it.each(others.map(({ name }) => name))(
    'decides by a fresh read: %s stays although Resource Graph names it',
    async (name) => {
      const { changed, writes } = await watch(others, { faults: [oldAnswer(name)] });

      expect({ changed, writes }).toEqual({ changed: {}, writes: [] });
    },
  );

  it('takes a rule that is gone by now for closed', async () => {
    const { run } = await watch(others, { faults: [oldAnswer(overdueName)] });

    expect(run).toEqual({ status: 'Succeeded' });
  });

  it('turns a rule that a lock keeps into a deny of what nobody sends, which the application takes away', async () => {
    const { run, changed, body, writes } = await watch([...others, overdue], { lock: 'CanNotDelete' });

    expect(writes).toEqual([`DELETE ${overdueName}`, `PUT ${overdueName}`]);
    expect(Object.keys(changed)).toEqual([overdueName]);
    expect(changed[overdueName]).toMatchObject({
      ...{ access: 'Deny', priority: 101, protocol: 'Tcp', destinationPortRange: '9' },
      ...{ sourceAddressPrefix: '192.0.2.0/32', destinationAddressPrefix: '192.0.2.0/32' },
    });
    expect(run).toMatchObject({ status: 'Failed', error: { code: 'RulesRemoved' } });
    const planned = plan({ body, rows: [], now: noon, installation: contoso }).securityRules ?? [];
    expect(JSON.stringify(planned)).not.toContain(overdueName);
  });

  it('rings where a rule can be neither deleted nor turned, and goes on with the next', async () => {
    const second = granted(7, hourOld);
    const { run, changed } = await watch([overdue, second], { lock: 'ReadOnly' });

    expect(changed).toEqual({});
    expect(run).toMatchObject({ status: 'Failed', error: { code: 'RulesLeft' } });
    expect(run.error?.message).toContain(overdueName);
    expect(run.error?.message).toContain(second.name);
  });

  it.each([
    ['no description', {}],
    ['a description of another grant', { description: describeGrant(idOf(9), hourOld) }],
    ['an end that is no instant', { description: describeGrant(idOf(8), hourOld).replace('-23T', '-43T') }],
    ['a text that goes on elsewhere', { description: `Sallyport grant ${idOf(8)} until tomorrow.` }],
  ])('touches no rule of ours with %s, and rings for a person to look', async (_what, changes) => {
    const damaged = ruleNamed(ownedName(contoso.id, idOf(8), 1), 108, changes);
    const { run, changed, writes } = await watch([...others, damaged]);

    expect({ changed, writes }).toEqual({ changed: {}, writes: [] });
    expect(run).toMatchObject({ status: 'Failed', error: { code: 'RulesLeft' } });
    expect(run.error?.message).toContain(`Left, look at them: ["${nsgId}/securityRules/${damaged.name}"]`);
  });

  it('rings where it cannot find out what there is', async () => {
    const faults: FaultSpec[] = [
      { match: { path: 'ResourceGraph' }, fault: { kind: 'status', status: 503 } },
    ];
    const { run } = await watch([overdue], { faults });

    expect(run).toMatchObject({ status: 'Failed', error: { code: 'RulesNotFound' } });
  });

  it.each(['ResourceGraph', 'securityRules'])('asks again where %s is throttled', async (path) => {
    const { changed } = await watch([overdue], {
      faults: [{ match: { path }, times: 2, fault: { kind: 'throttle' } }],
    });

    expect(changed).toEqual({ [overdueName]: 'gone' });
  });

  it('rings where a rule cannot be read', async () => {
    const faults: FaultSpec[] = [
      { match: { method: 'GET', path: 'securityRules' }, fault: { kind: 'status', status: 500 } },
    ];
    const { run, writes } = await watch([overdue], { faults });

    expect(writes).toEqual([]);
    expect(run).toMatchObject({ status: 'Failed', error: { code: 'RulesLeft' } });
  });

  it('rings where an answer is no rule', async () => {
    const faults: FaultSpec[] = [
      {
        match: { method: 'GET', path: 'securityRules' },
        fault: { kind: 'status', status: 200, body: { value: [] } },
      },
    ];
    const { run, writes } = await watch([overdue], { faults });

    expect(writes).toEqual([]);
    expect(run).toMatchObject({ status: 'Failed', error: { code: 'RulesLeft' } });
  });

  const needed = [
    ['Microsoft.Network/networkSecurityGroups/read', undefined, []],
    ['Microsoft.Network/networkSecurityGroups/securityRules/read', undefined, []],
    ['Microsoft.Network/networkSecurityGroups/securityRules/delete', undefined, [overdueName]],
    ['Microsoft.Network/networkSecurityGroups/securityRules/write', 'CanNotDelete', []],
    // Without it a delete that was accepted is taken for refused, and a deny of nothing stands where the rule was.
    ['Microsoft.Network/locations/operationResults/read', undefined, [overdueName]],
  ] as const;

  it('has no other action in its role than those that the next tests take away', () => {
    expect(needed.map(([action]) => action as string).sort()).toEqual([...role].sort());
  });

  it.each(needed)('needs %s of its role', async (action, lock, changed) => {
    const actions = role.filter((one) => one !== action);
    const without = await watch([overdue], { actions, ...(lock === undefined ? {} : { lock }) });
    const withAll = await watch([overdue], lock === undefined ? {} : { lock });

    expect(Object.keys(without.changed)).toEqual(changed);
    expect(without.changed).not.toEqual(withAll.changed);
  });
});
