import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { canonicalId } from '../../src/core/resourceId.ts';
import { parseVirtualMachineId } from '../../src/core/virtualMachineId.ts';

const subscription = '11111111-2222-4333-8444-555555555555';
const group = `/subscriptions/${subscription}/resourceGroups/contoso-rg`;
const id = `${group}/providers/Microsoft.Compute/virtualMachines/web-1`;

describe('parseVirtualMachineId', () => {
  it('takes the id apart', () => {
    expect(parseVirtualMachineId(id)).toEqual({
      ok: true,
      virtualMachine: {
        id,
        key: id.toLowerCase(),
        subscriptionId: subscription,
        resourceGroup: 'contoso-rg',
        name: 'web-1',
      },
    });
  });

  it('gives ids that differ in case the same key', () => {
    const upper = parseVirtualMachineId(id.toUpperCase());

    expect(upper).toMatchObject({
      ok: true,
      virtualMachine: { id: id.toUpperCase(), key: id.toLowerCase() },
    });
  });

  it.each([
    ['a name with periods and underscores', id.replace('web-1', 'vmss_a1.b')],
    ['a name of 64 characters', id.replace('web-1', 'a'.repeat(64))],
    ['a group with parentheses', id.replace('contoso-rg', 'rg_(1).x')],
    ['a group of 90 characters', id.replace('contoso-rg', 'r'.repeat(90))],
  ])('accepts %s', (_name, text) => {
    expect(parseVirtualMachineId(text).ok).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['a slash', '/'],
    ['a name alone', 'web-1'],
    ['a trailing slash', `${id}/`],
    ['a double slash', id.replace('/resourceGroups', '//resourceGroups')],
    ['an encoded slash', id.replace('web-1', 'web%2f1')],
    ['an encoded slash for a slash', id.replace('/virtualMachines/', '%2fvirtualMachines%2F')],
    ['a parent segment as the name', id.replace('web-1', '..')],
    ['a parent segment as the group', id.replace('contoso-rg', '..')],
    ['a parent segment in between', id.replace('/providers', '/../contoso-rg/providers')],
    ['a backslash', id.replace('web-1', 'web\\1')],
    ['a query', `${id}?api-version=2024-01-01`],
    ['a fragment', `${id}#x`],
    ['a child resource', `${id}/extensions/x`],
    ['a line break at the end', `${id}\n`],
    ['a space', ` ${id}`],
    ['no leading slash', id.slice(1)],
    ['a subscription that is no GUID', id.replace(subscription, 'production')],
    ['another provider', id.replace('Microsoft.Compute', 'Microsoft.ClassicCompute')],
    ['another type', id.replace('virtualMachines', 'disks')],
    ['a name that ends with a period', `${id}.`],
    ['a name that ends with a hyphen', `${id}-`],
    ['a name of 65 characters', id.replace('web-1', 'a'.repeat(65))],
    ['a group of 91 characters', id.replace('contoso-rg', 'r'.repeat(91))],
    ['a letter that becomes ASCII in lower case', id.replace('web-1', 'web-\u212A')],
    ['a host in front', `https://management.azure.com${id}`],
  ])('refuses %s and shows the form', (_name, text) => {
    const result = parseVirtualMachineId(text);

    expect(result).toMatchObject({ ok: false, code: 'vm-id-malformed' });
    expect(result.ok ? '' : result.problem).toContain('/providers/Microsoft.Compute/virtualMachines/{name}');
  });

  it('refuses an instance of a Uniform scale set by name', () => {
    const instance = `${group}/providers/Microsoft.Compute/virtualMachineScaleSets/web/virtualMachines/0`;

    const result = parseVirtualMachineId(instance);

    expect(result).toMatchObject({ ok: false, code: 'vm-not-supported' });
    expect(result.ok ? '' : result.problem).toContain('Uniform scale sets');
  });

  it('never throws, and accepts only eight plain segments', () => {
    const segment = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom('..', '.', '', '%2f', 'resourceGroups', 'providers', subscription, 'web-1', 'a b'),
    );
    const mutated = fc.record({ at: fc.nat(9), segment }).map(({ at, segment: replacement }) =>
      id
        .split('/')
        .with(at % 9, replacement)
        .join('/'),
    );

    fc.assert(
      fc.property(fc.oneof(fc.string(), mutated), (text) => {
        const result = parseVirtualMachineId(text);
        if (!result.ok) return;
        const segments = text.split('/');
        expect(segments).toHaveLength(9);
        expect(segments.slice(1).every((part) => /^[A-Za-z0-9_().-]+$/.test(part))).toBe(true);
        expect(segments).not.toContain('..');
        expect(new URL(text, 'https://management.azure.com').pathname).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('canonicalId', () => {
  it('lowers ASCII letters only, so that different ids stay different', () => {
    expect(canonicalId('/Subscriptions/ABC/\u212A\u0130')).toBe('/subscriptions/abc/\u212A\u0130');
  });
});
