import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { isListed, parseJitTarget, placeOfPolicy, policyIdOf } from '../../../src/http/jit/jitTarget.ts';

const subscriptionId = '20ff7fc3-e762-44dd-bd96-b71116dcdc23';
const sub = `subscriptions/${subscriptionId}`;
const group = `${sub}/resourceGroups/myRg1`;
const policies = 'jitNetworkAccessPolicies';
const inRegion = `providers/Microsoft.Security/locations/westeurope/${policies}`;
const everywhere = `providers/Microsoft.Security/${policies}`;

const targetOf = (path: string) => {
  const read = parseJitTarget(path);
  return read.ok ? read.target : read.error.code;
};

describe('a path under /api/arm', () => {
  it.each([
    [`${sub}/${everywhere}`, { kind: 'policies', subscriptionId }],
    [`${sub}/${inRegion}`, { kind: 'policies', subscriptionId, location: 'westeurope' }],
    [`${group}/${everywhere}`, { kind: 'policies', subscriptionId, resourceGroup: 'myRg1' }],
    [
      `${group}/${inRegion}/`,
      { kind: 'policies', subscriptionId, resourceGroup: 'myRg1', location: 'westeurope' },
    ],
    [
      `${group}/${inRegion}/default`,
      { kind: 'policy', subscriptionId, resourceGroup: 'myRg1', location: 'westeurope', name: 'default' },
    ],
    [
      `${group}/${inRegion}/default/initiate`,
      { kind: 'initiate', subscriptionId, resourceGroup: 'myRg1', location: 'westeurope', name: 'default' },
    ],
    [
      `${group}/${everywhere}/default`,
      { kind: 'policy', subscriptionId, resourceGroup: 'myRg1', name: 'default' },
    ],
    [
      `${group}/${everywhere}/initiate/Initiate`,
      { kind: 'initiate', subscriptionId, resourceGroup: 'myRg1', name: 'initiate' },
    ],
  ])('%s is read', (path, target) => {
    expect(targetOf(path)).toEqual(target);
  });

  it('is read in any case, with names as they were written', () => {
    const shouted = `${group}/${inRegion}/default/Initiate`.toUpperCase();

    expect(targetOf(shouted)).toEqual({
      kind: 'initiate',
      subscriptionId: subscriptionId.toUpperCase(),
      resourceGroup: 'MYRG1',
      location: 'westeurope',
      name: 'DEFAULT',
    });
  });

  it.each(['West Europe', 'west%20europe', 'WESTEUROPE'])('names the region as %s', (region) => {
    expect(targetOf(`${sub}/providers/Microsoft.Security/locations/${region}/${policies}`)).toMatchObject({
      location: 'westeurope',
    });
  });

  it.each([
    ['', 'InvalidResourceType'],
    ['tenants/x', 'InvalidResourceType'],
    [sub, 'InvalidResourceType'],
    [`${sub}/providers/Microsoft.Compute/virtualMachines`, 'InvalidResourceType'],
    [`${sub}//${everywhere}`, 'InvalidResourceType'],
    [`${sub}/${inRegion}/default`, 'InvalidResourceType'],
    [`${group}/${inRegion}/default/initiate/again`, 'InvalidResourceType'],
    [`${group}/${inRegion}/default/revoke`, 'InvalidResourceType'],
    ['subscriptions/contoso/providers', 'InvalidSubscriptionId'],
    [`${sub}/resourceGroups/a b/${everywhere}`, 'InvalidResourceGroup'],
    [`${sub}/resourceGroups/../${everywhere}`, 'InvalidResourceGroup'],
    [`${sub}/resourceGroups/\u212A/${everywhere}`, 'InvalidResourceGroup'],
    [`${sub}/resourceGroups/%2F/${everywhere}`, 'InvalidResourceGroup'],
    [`${sub}/providers/Microsoft.Security/locations/../${policies}`, 'LocationNotAvailableForResourceType'],
    [`${group}/${inRegion}/..`, 'InvalidResourceName'],
    [`${group}/${inRegion}/a%2Fb`, 'InvalidResourceName'],
    [`${group}/${inRegion}/${'x'.repeat(81)}`, 'InvalidResourceName'],
  ])('%s is refused with %s', (path, code) => {
    expect(targetOf(path)).toBe(code);
  });

  it('never throws, and what it takes for a policy has an id that reads as the same place', () => {
    const word = fc.constantFrom(
      'subscriptions',
      subscriptionId,
      'resourceGroups',
      'rg',
      'providers',
      'Microsoft.Security',
      'locations',
      'westeurope',
      policies,
      'default',
      'initiate',
      '..',
      '',
      'é',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(word, { maxLength: 12 }).map((words) => words.join('/')),
          fc.string(),
        ),
        (path) => {
          const target = targetOf(path);
          if (typeof target === 'string' || target.kind !== 'policy' || target.location === undefined) return;
          expect(placeOfPolicy(policyIdOf(target))).toEqual(target);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a list', () => {
  const place = {
    kind: 'policy' as const,
    subscriptionId,
    resourceGroup: 'myRg1',
    location: 'westeurope',
    name: 'default',
  };

  it.each([
    [{ subscriptionId: subscriptionId.toUpperCase() }, true],
    [{ subscriptionId, resourceGroup: 'MYRG1' }, true],
    [{ subscriptionId, location: 'westeurope' }, true],
    [{ subscriptionId: '00000000-0000-4000-8000-000000000000' }, false],
    [{ subscriptionId, resourceGroup: 'myRg' }, false],
    [{ subscriptionId, location: 'northeurope' }, false],
  ])('of %j holds a policy of the sample: %s', (list, isThere) => {
    expect(isListed(place, { kind: 'policies', ...list })).toBe(isThere);
  });
});
