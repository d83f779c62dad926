import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { protocols } from '../../src/core/accessRequest.ts';
import { decide } from '../../src/core/decide.ts';
import { effectivePolicy } from '../../src/core/effectivePolicy.ts';
import type { Policy, PolicyPort, Selector } from '../../src/core/policy.ts';
import { policyFor } from '../support/policyFor.ts';

const subscription = '/subscriptions/11111111-2222-4333-8444-555555555555';
const group = `${subscription}/resourceGroups/Contoso-RG`;
const id = `${group}/providers/Microsoft.Compute/virtualMachines/web-1`;
const tags = { Environment: 'prod', team: 'web' };

/** One address in 8 bits: small enough that every address of every prefix can be tried. */
const prefix = fc
  .tuple(fc.integer({ min: 24, max: 32 }), fc.integer({ min: 0, max: 255 }))
  .map(([length, last]) => `203.0.113.${last - (last % 2 ** (32 - length))}/${length}`);
const hours = fc.integer({ min: 1, max: 4 });
const port: fc.Arbitrary<PolicyPort> = fc.record({
  number: fc.constantFrom(22, 3389),
  protocol: fc.constantFrom(...protocols),
  allowedSourceAddressPrefixes: fc.uniqueArray(prefix, { minLength: 1, maxLength: 3 }),
  maxRequestAccessDuration: hours.map((count) => `PT${count}H`),
});
const selector: fc.Arbitrary<Selector> = fc.constantFrom<Selector>(
  { virtualMachineIds: [id.toUpperCase()] },
  { virtualMachineIds: [`${id}2`] },
  { scopes: [subscription] },
  { scopes: [group.toLowerCase()], tags: { ENVIRONMENT: 'prod' } },
  { scopes: [group], tags: { environment: 'Prod' } },
  { scopes: [group], tags: { environment: 'prod', team: 'db' } },
  { scopes: [`${group}2`, `${subscription.slice(0, -1)}6`] },
);
/** Which of the selectors above mean the machine, by hand. */
const meant = new Set(
  [
    { virtualMachineIds: [id.toUpperCase()] },
    { scopes: [subscription] },
    { scopes: [group.toLowerCase()], tags: { ENVIRONMENT: 'prod' } },
  ].map((each) => JSON.stringify(each)),
);
const rule = fc.record({
  approvers: fc.integer({ min: 1, max: 2 }),
  groups: fc.constantFrom<string[][]>([], ['33333333-3333-4333-8333-333333333333']),
});
const policies: fc.Arbitrary<Policy[]> = fc
  .array(
    fc.record({
      entries: fc.array(fc.record({ selector, ports: fc.array(port, { minLength: 1, maxLength: 3 }) }), {
        minLength: 1,
        maxLength: 2,
      }),
      approval: fc.option(rule, { nil: undefined }),
      largest: fc.option(fc.integer({ min: 24, max: 32 }), { nil: undefined }),
      isDeleted: fc.boolean(),
    }),
    { maxLength: 4 },
  )
  .map((all) =>
    all.map(({ entries, approval, largest, isDeleted }, index) =>
      policyFor(`policy-${index}`, id, [], {
        entries,
        conditions: {
          ...(approval === undefined ? {} : { approval }),
          ...(largest === undefined ? {} : { largestSource: { IPv4: largest } }),
        },
        ...(isDeleted && index % 2 === 1 ? { isDeleted: true } : {}),
      }),
    ),
  );

const asked = fc.record({
  number: fc.constantFrom(22, 3389),
  protocol: fc.constantFrom(...protocols),
  allowedSourceAddressPrefix: prefix,
});

/** Every port of every policy that means the machine, with the conditions that it is under. */
function said(all: readonly Policy[]) {
  return all
    .filter(({ isDeleted }) => isDeleted === undefined)
    .flatMap(({ entries, conditions }) =>
      entries
        .filter((entry) => meant.has(JSON.stringify(entry.selector)))
        .flatMap(({ ports }) => ports.map((each) => ({ ...each, conditions }))),
    );
}

/** Written from the sentences of the documentation, by counting addresses. */
function oracle(
  all: readonly Policy[],
  want: { number: number; protocol: string; source: string },
  hoursAsked: number,
) {
  const naming = said(all).filter(
    (each) =>
      each.number === want.number &&
      (each.protocol === want.protocol || each.protocol === '*' || want.protocol === '*'),
  );
  const isAdmitted =
    naming.some((each) => each.protocol === '*' || each.protocol === want.protocol) &&
    naming.every(
      (each) =>
        hoursAsked <= Number(/\d+/.exec(each.maxRequestAccessDuration)?.[0]) &&
        each.allowedSourceAddressPrefixes.some((allowed) =>
          addressesOf(want.source).every((address) => addressesOf(allowed).includes(address)),
        ) &&
        Number(want.source.split('/')[1]) >= (each.conditions.largestSource?.IPv4 ?? 0),
    );
  if (!isAdmitted) return 'denied';
  return naming.some((each) => each.conditions.approval !== undefined) ? 'needs-approval' : 'granted';
}

function addressesOf(text: string): number[] {
  const [, last, length] = /\.(\d+)\/(\d+)$/.exec(text) ?? [];
  return Array.from({ length: 2 ** (32 - Number(length)) }, (_, index) => Number(last) + index);
}

function judge(
  all: readonly Policy[],
  want: typeof asked extends fc.Arbitrary<infer T> ? T : never,
  count: number,
) {
  return decide({
    submission: {
      virtualMachines: [{ id, ports: [want] }],
      durationSeconds: count * 3600,
      justification: 'why',
    },
    policies: [effectivePolicy(all, { id, tags })],
    start: new Date('2026-11-23T08:00:00Z'),
  });
}

describe('several policies on one machine', () => {
  it('decide as the sentences of the documentation say', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(policies, asked, hours, (all, want, count) => {
        const expected = oracle(
          all,
          { number: want.number, protocol: want.protocol, source: want.allowedSourceAddressPrefix },
          count,
        );
        seen.add(expected);
        expect(judge(all, want, count).decision.outcome).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
    expect([...seen].sort()).toEqual(['denied', 'granted', 'needs-approval']);
  });

  it('demand every approval that any one of them demands', () => {
    fc.assert(
      fc.property(policies, asked, (all, want) => {
        const { decision, approval } = judge(all, want, 1);
        if (decision.outcome === 'denied') return;
        const demanded = said(all)
          .filter((each) => each.number === want.number)
          .filter((each) => [each.protocol, want.protocol].includes('*') || each.protocol === want.protocol)
          .flatMap(({ conditions }) => conditions.approval ?? []);
        for (const one of demanded) expect(approval).toContainEqual(one);
        for (const one of approval) expect(demanded).toContainEqual(one);
      }),
      { numRuns: 1_000 },
    );
  });

  it('say the same in whatever order they and their parts come', () => {
    const shuffled = policies.chain((all) =>
      fc.tuple(
        fc.constant(all),
        fc.shuffledSubarray(all, { minLength: all.length }).map((mixed) =>
          mixed.map((policy) => ({
            ...policy,
            entries: policy.entries.toReversed().map((entry) => ({
              ...entry,
              ports: entry.ports.toReversed().map((each) => ({
                ...each,
                allowedSourceAddressPrefixes: each.allowedSourceAddressPrefixes.toReversed(),
              })),
            })),
          })),
        ),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([all, mixed]) => {
        expect(effectivePolicy(mixed, { id, tags })).toEqual(effectivePolicy(all, { id, tags }));
      }),
      { numRuns: 500 },
    );
  });
});

describe('a policy that selects by tags', () => {
  const byTag = policyFor('tagged', id, [], {
    entries: [{ selector: { scopes: [group], tags }, ports: [] }],
  });

  it('is never passed over where nobody has read the tags', () => {
    expect(() => effectivePolicy([byTag], { id })).toThrow(/tags of .*web-1 are not known/);
  });

  it('needs no tags of a machine that lies elsewhere', () => {
    const elsewhere = id.replace('Contoso-RG', 'contoso-rg-2');
    expect(effectivePolicy([byTag], { id: elsewhere })).toBeUndefined();
  });
});
