import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessRequestOperations } from '../../src/http/accessRequestOperations.ts';
import type { Operation } from '../../src/http/operation.ts';
import { createApiWorld } from '../support/apiWorld.ts';
import type { ApiWorld } from '../support/apiWorld.ts';
import { exampleVirtualMachineId } from '../../src/http/exampleIds.ts';
import { alice, startTokenIssuer } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';

const operations: Record<string, Operation> = accessRequestOperations;
const { create } = accessRequestOperations;
const right = create.examples.ssh.body;

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());

async function ask(world: ApiWorld, name: string, sent: Parameters<ApiWorld['send']>[1]) {
  const operation = operations[name];
  if (operation === undefined) throw new Error(`There is no operation ${name}.`);
  const authorization = `Bearer ${await issuer.sign({ oid: alice.objectId, roles: [] })}`;
  return world.send(operation, sent, { authorization });
}

describe('what only Sallyport says of a request', () => {
  it.each([
    ['state', 'active'],
    ['requester', { objectId: alice.objectId, displayName: 'Somebody else' }],
    ['requestor', 'somebody@contoso.example'],
    ['requests', []],
    ['decision', { outcome: 'granted', reasons: [], policies: [] }],
    ['id', '5feceb66ffc86f38d952786c6d696c79'],
    ['end', '2999-01-01T00:00:00Z'],
    ['priority', 100],
    ['targets', []],
    ['journal', []],
    ['version', 7],
  ])('cannot be forged: %s is refused by its name, and nothing is stored', async (field, value) => {
    const world = await createApiWorld(issuer);

    const answer = await ask(world, 'create', { body: { ...right, [field]: value } });

    expect(answer).toMatchObject({
      status: 400,
      json: { code: 'body-invalid', errors: [{ field, code: 'unknown' }] },
    });
    expect((await ask(world, 'list', {})).json).toEqual({ value: [] });
  });

  it.each(['priority', 'destinationAddressPrefix', 'access', 'status', 'endTimeUtc'])(
    'cannot be forged in a port: %s is refused by its path',
    async (name) => {
      const world = await createApiWorld(issuer);
      const ports = [{ number: 22, [name]: 'x' }];

      const answer = await ask(world, 'create', {
        body: { ...right, virtualMachines: [{ id: exampleVirtualMachineId, ports }] },
      });

      expect(answer.json['errors']).toMatchObject([
        { field: `virtualMachines[0].ports[0].${name}`, code: 'unknown' },
      ]);
    },
  );

  it('is not had by naming the same machine in another subscription', async () => {
    const world = await createApiWorld(issuer);
    const id = exampleVirtualMachineId.replace('11111111', '99999999');

    const answer = await ask(world, 'create', {
      body: { ...right, virtualMachines: [{ id, ports: [{ number: 22 }] }] },
    });

    expect(answer).toMatchObject({ status: 404, json: { code: 'vm-not-found' } });
    expect((await ask(world, 'list', {})).json).toEqual({ value: [] });
  });
});
