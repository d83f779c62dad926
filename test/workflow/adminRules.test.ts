import { beforeEach, describe, expect, it } from 'vitest';
import type { AccessRequest } from '../../src/core/accessRequest.ts';
import type { Reason } from '../../src/core/reason.ts';
import type { Submission, SubmitResult } from '../../src/workflow/contracts.ts';
import { approver, decide, demand, oneApprover } from '../support/approvals.ts';
import {
  grantWorld,
  idOf,
  minutes,
  networkId,
  submission,
  type GrantWorld,
  type Process,
} from '../support/grantWorld.ts';
import { openRules } from '../support/hindrances.ts';
import { adminRule } from '../support/memoryAdminRules.ts';

const field = 'virtualMachines[0].id';
const ofTag = (name: string) => ({ sources: [{ addressPrefix: name, addressPrefixType: 'ServiceTag' }] });
const from = (...prefixes: string[]) => ({
  sources: prefixes.map((addressPrefix) => ({ addressPrefix, addressPrefixType: 'IPPrefix' })),
});
const denySsh = adminRule('deny-ssh', 'Deny', { destinationPortRanges: ['22'] });

describe('the security admin rules of the network of a machine', () => {
  let world: GrantWorld;
  let process: Process;
  beforeEach(async () => {
    world = await grantWorld();
    process = world.startProcess();
  });

  const deploy = (...rules: ReturnType<typeof adminRule>[]) => {
    world.adminRules.set(networkId, { kind: 'read', rules });
  };
  const submit = (changes: Partial<Submission> = {}) => world.clock.run(process.submit(changes));

  /** What was told of them in the decision of a request that was accepted. */
  function told(result: SubmitResult): Reason[] {
    if (result.kind !== 'accepted') throw new Error(`It ended as ${result.kind}.`);
    return toldIn(result.request);
  }
  const toldIn = ({ decision }: AccessRequest) =>
    decision.reasons.filter(({ code }) => code !== 'within-policy');

  it('refuse a request that a Deny keeps out, by its name, before anything is stored', async () => {
    deploy(denySsh);

    const result = await submit();

    expect(result).toMatchObject({
      kind: 'denied',
      decision: { reasons: [{ code: 'blocked-by-security-admin-rule', field }] },
    });
    const message = result.kind === 'denied' ? (result.decision.reasons[0]?.message ?? '') : '';
    expect(message).toContain(`"deny-ssh" (${denySsh.id})`);
    expect(message).toContain(networkId);
    expect(await world.stores.live.unended()).toEqual([]);
    expect(world.network.calls.some(({ method }) => method === 'write')).toBe(false);
  });

  it('refuse it where the Deny keeps out one of its addresses', async () => {
    deploy(adminRule('deny-half', 'Deny', from('203.0.113.128/25')));
    const ports = [{ number: 22, protocol: 'Tcp' as const, allowedSourceAddressPrefix: '203.0.113.0/24' }];
    const virtualMachines = submission.virtualMachines.map(({ id }) => ({ id, ports }));
    expect(await submit({ virtualMachines })).toMatchObject({ kind: 'denied' });
    const narrow = [{ number: 22, protocol: 'Tcp' as const, allowedSourceAddressPrefix: '203.0.113.7/32' }];
    expect(
      told(await submit({ virtualMachines: [{ id: virtualMachines[0]?.id ?? '', ports: narrow }] })),
    ).toEqual([]);
  });

  it.each([
    ['another port', adminRule('deny-rdp', 'Deny', { destinationPortRanges: ['3389'] })],
    ['another protocol', adminRule('deny-udp', 'Deny', { protocol: 'Udp' })],
    ['what goes out', adminRule('deny-out', 'Deny', { direction: 'Outbound' })],
    ['other people', adminRule('deny-others', 'Deny', from('198.51.100.0/24', '::/0'))],
    [
      'other machines',
      adminRule('deny-there', 'Deny', {
        destinations: [{ addressPrefix: '10.1.0.5', addressPrefixType: 'IPPrefix' }],
      }),
    ],
  ])('say nothing of it where they deny %s', async (_what, rule) => {
    deploy(rule);
    expect(told(await submit())).toEqual([]);
  });

  it('pass on to the NSG what an Allow admits before a Deny', async () => {
    deploy(denySsh, adminRule('allow-ours', 'Allow', { priority: 5, ...from('203.0.113.0/24') }));
    expect(told(await submit())).toEqual([]);
    await world.runUntil(minutes(5), process);
    expect(openRules(world)).toHaveLength(2);
  });

  it('are warned of where a Deny speaks of a service tag, and the grant goes on', async () => {
    deploy(adminRule('deny-internet', 'Deny', ofTag('Internet')));
    expect(told(await submit())).toMatchObject([{ code: 'perhaps-blocked-by-security-admin-rule', field }]);
    await world.runUntil(minutes(5), process);
    expect(openRules(world)).toHaveLength(2);
  });

  it('are warned of where rules of two network managers contradict each other', async () => {
    const other = { ...denySsh, id: denySsh.id.replace('networkManagers/contoso', 'networkManagers/above') };
    deploy({ ...other, name: 'deny-above' }, adminRule('allow-ours', 'Allow', { priority: 5 }));
    expect(told(await submit())).toMatchObject([{ code: 'perhaps-blocked-by-security-admin-rule' }]);
  });

  it('are told of where an AlwaysAllow lets in whom no baseline keeps out', async () => {
    deploy(adminRule('always-scanner', 'AlwaysAllow', from('198.51.100.0/24')));
    const [reason, ...others] = told(await submit());
    expect([reason?.code, reason?.field, others]).toEqual(['not-protected', field, []]);
    expect(reason?.message).toContain('"always-scanner"');
    expect(reason?.message).toContain('always allows 198.51.100.0/24 to reach port 22');
  });

  it('refuse nobody where they could not be read: the decision and the log say so', async () => {
    const message = 'Sallyport may not read them.';
    world.adminRules.set(networkId, { kind: 'not-checked', cause: 'not-permitted', message });

    const [reason, ...others] = told(await submit());

    expect([reason?.code, reason?.field, others]).toEqual(['not-checked', field, []]);
    expect(reason?.message).toContain(message);
    expect(world.logged).toEqual(['admin-rules-not-checked']);
    await world.runUntil(minutes(5), process);
    expect(openRules(world)).toHaveLength(2);
  });

  it('are said not to be checked where a setting says so, and nothing is logged', async () => {
    world.adminRules.set(networkId, { kind: 'not-checked', cause: 'off', message: 'It is off.' });
    expect(told(await submit())).toMatchObject([{ code: 'not-checked' }]);
    expect(world.logged).toEqual([]);
  });

  it('are in a dry run as in the request', async () => {
    const dryRun = () => world.clock.run(process.service.dryRun(submission));
    deploy(adminRule('always', 'AlwaysAllow', from('198.51.100.0/24')));
    expect(await dryRun()).toMatchObject({
      decision: { outcome: 'granted', reasons: [{ code: 'within-policy' }, { code: 'not-protected' }] },
    });
    deploy(denySsh);
    expect(await dryRun()).toMatchObject({
      decision: { outcome: 'denied', reasons: [{ code: 'blocked-by-security-admin-rule' }] },
    });
  });

  it('are asked for once for each grant, whatever happens until its end', async () => {
    await submit();
    await world.runUntil(minutes(70), process);
    expect((await world.request(idOf(1))).state).toBe('closed');
    expect(world.adminRules.asked).toEqual([networkId]);
  });

  it('are judged again when a start comes that was chosen', async () => {
    await submit({ start: minutes(30).toISOString() });
    deploy(denySsh);
    await world.runUntil(minutes(31), process);
    expect(await world.request(idOf(1))).toMatchObject({
      state: 'failed',
      reason: { code: 'blocked-by-security-admin-rule' },
    });
    expect(openRules(world)).toEqual([]);
  });

  it('are judged again at the last approval, and what they say then is what the request says', async () => {
    await demand(world, { approval: oneApprover });
    await submit();
    deploy(adminRule('always', 'AlwaysAllow', from('198.51.100.0/24')));
    await decide(world, process, idOf(1), approver('carol'));
    expect(toldIn(await world.request(idOf(1)))).toMatchObject([
      { code: 'approval-needed' },
      { code: 'not-protected' },
    ]);
  });
});
