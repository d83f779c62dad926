import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { RunningArm } from '../../../dev/arm/server.ts';
import { startArm } from '../../../dev/arm/server.ts';
import { readState } from '../../../dev/arm/state.ts';
import { operationOf, rule, sample, sender, startWorld, WEB_NSG } from './client.ts';

const running: RunningArm[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((arm) => arm.close()));
});

describe('a state that is not usable', () => {
  it.each([
    ['resources[0].id', { resources: [{ id: 'x' }] }],
    ['subscriptions', { subscriptions: [] }],
    ['locks[0].level', { locks: [{ name: 'x', scope: '/', level: 'Delete' }] }],
    ['(top level)', { resoruces: [] }],
  ])('is named by its JSON path: %s', (path, change) => {
    expect(() => readState({ ...sample(), ...change })).toThrow(
      expect.objectContaining({
        name: 'StateError',
        message: expect.stringContaining(`${path}: `) as string,
      }),
    );
  });

  it('may not hold rules that Azure would refuse', () => {
    const securityRules = [
      { name: 'a', ...rule() },
      { name: 'b', ...rule() },
    ];
    const resources = [{ id: WEB_NSG, location: 'westeurope', properties: { securityRules } }];
    expect(() => readState({ ...sample(), resources })).toThrow(
      /^resources\[0\]\.properties\.securityRules: SecurityRuleConflict/,
    );
  });

  it('may not name a group that is not there', () => {
    const resources = [{ id: WEB_NSG.replace('Contoso-Web-RG', 'nowhere') }];
    expect(() => readState({ ...sample(), resources })).toThrow(
      /resources\[0\]\.id: resource group 'nowhere'/,
    );
  });
});

describe('a state that is saved', () => {
  it('is complete before the write is answered, and a running operation survives the restart', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'arm-')), 'azure.json');
    let now = 1_000_000;
    const options = { protocol: 'http', clock: () => now, saveTo: file } as const;
    const first = await startArm({ ...options, state: sample() });
    running.push(first);
    const put = await sender(first.url)('PUT', `${WEB_NSG}/securityRules/sp-1`, rule());
    const second = await startArm({ ...options, state: JSON.parse(readFileSync(file, 'utf8')) as unknown });
    running.push(second);
    const send = sender(second.url);
    const poll = operationOf(put).replace(first.url, second.url);
    expect((await send('GET', poll)).body).toEqual({ status: 'InProgress' });
    expect((await send('GET', WEB_NSG)).body['etag']).toBe(put.body['etag']);
    now += 1000;
    expect((await send('GET', poll)).body).toEqual({ status: 'Succeeded' });
    const settled = await send('GET', WEB_NSG);
    const saved = readState(JSON.parse(readFileSync(file, 'utf8')));
    expect(`W/"${saved.resources.get(WEB_NSG.toLowerCase())?.etag ?? ''}"`).toBe(settled.body['etag']);
    expect(readdirSync(join(file, '..'))).toEqual(['azure.json']);
  });

  it('reads back as the same resources', async () => {
    const one = await startWorld();
    running.push(one.arm);
    const two = await startWorld({ state: JSON.parse(JSON.stringify(one.arm.state())) as unknown });
    running.push(two.arm);
    expect(two.arm.state()).toEqual(one.arm.state());
    expect((await two.send('GET', WEB_NSG)).body).toEqual((await one.send('GET', WEB_NSG)).body);
  });
});
