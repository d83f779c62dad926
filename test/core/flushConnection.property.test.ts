import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideFlush,
  flushValueOf,
  isOurFlush,
  withFlushValue,
  type FlushRecord,
  type FlushValue,
} from '../../src/core/flushConnection.ts';
import { guard } from '../../src/core/guard/guard.ts';
import type { Json, JsonObject } from '../../src/core/network.ts';
import { ownedRules, rawRule } from '../../src/core/ownedRule.ts';
import { foreignRule } from '../support/foreignRule.ts';
import { contoso, liveRow } from '../support/liveRow.ts';

const noon = new Date('2026-11-23T12:00:00.000Z');
const nsgId =
  '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/contoso/providers/Microsoft.Network/networkSecurityGroups/web';

/** The value as it is compared: a list of one, or none. */
const asList = ({ value }: FlushValue): Json[] => (value === undefined ? [] : [value]);

const values = fc.constantFrom<FlushValue>({}, { value: true }, { value: false }, { value: null });
/** What happens: grants end or not, whoever reconciles then gets through or dies after recording; or somebody edits. */
const happenings = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('reconcile' as const), ends: fc.nat(4), lands: fc.boolean() }),
    fc.record({ kind: fc.constant('edit' as const), value: values }),
  ),
  { maxLength: 14 },
);

describe('flushConnection of an NSG', () => {
  it('is in the end what others have made it, whoever dies when, and every change of it is one that the guard lets through', () => {
    let switchedOn = 0;
    fc.assert(
      fc.property(values, happenings, (initial, all) => {
        const rows = [1, 2, 3, 4].map((number) =>
          liveRow(nsgId, noon, number, {
            state: 'active',
            ...(number === 4 ? {} : { flushConnection: true as const }),
          }),
        );
        const rules = rows.map((row, index) => {
          const [rule] = ownedRules(row, contoso.id);
          if (rule === undefined) throw new Error('A grant has a rule.');
          return rawRule(rule, 100 + index);
        });
        const securityRules = [foreignRule('web', 300, { access: 'Allow' }), ...rules];
        let body: JsonObject = withFlushValue(
          { location: 'westeurope', properties: { securityRules } },
          initial,
        );
        let record: FlushRecord | undefined;
        let theirs = initial;
        /** Whether it is we who have it on: known here, guessed by nobody. */
        let isOurs = false;
        /** Whether a write of ours has been done that rests on the record. */
        const ours = { hasLanded: false };

        const reconcile = (lands: boolean): string => {
          const step = decideFlush({ body, rows, now: noon, installation: contoso.id, record });
          if (step.kind === 'set') record = step.record;
          if (step.kind === 'stands' || step.kind === 'forget') record = undefined;
          ours.hasLanded &&= record !== undefined;
          if (!lands || step.kind === 'forget') return step.kind;
          const to =
            step.kind === 'set'
              ? { value: true }
              : step.kind === 'put-back'
                ? step.former
                : flushValueOf(body);
          const before = body;
          body = withFlushValue(withoutEnded(before), to);
          judge(before, body);
          if (step.kind === 'set') {
            isOurs ||= asList(flushValueOf(before))[0] !== true;
            ours.hasLanded ||= isOurs;
            switchedOn += 1;
          }
          if (step.kind === 'put-back') isOurs = false;
          return step.kind;
        };
        const withoutEnded = (from: JsonObject): JsonObject => {
          const properties = from['properties'] as { securityRules: { name: string }[] };
          const over = rows.filter(({ state }) => state === 'closing').map(({ requestId }) => requestId);
          const left = properties.securityRules.filter(({ name }) => !over.some((id) => name.includes(id)));
          return { ...from, properties: { ...properties, securityRules: left } };
        };
        const judge = (before: JsonObject, after: JsonObject): void => {
          const result = guard({
            ...{ before, after, installation: contoso.id, lastAllowPriority: 249, budget: 100_000 },
            grants: rows.filter(({ state }) => state === 'active'),
            ...(record === undefined
              ? {}
              : {
                  flush: {
                    former: record.former,
                    endedWithFlush: new Set(
                      rows
                        .filter((row) => row.state === 'closing' && row.flushConnection === true)
                        .map(({ requestId }) => requestId),
                    ),
                  },
                }),
          });
          expect(result.verdict).toBe('proven');
        };

        for (const one of all) {
          if (one.kind === 'reconcile') {
            const row = rows[one.ends];
            if (row !== undefined) row.state = 'closing';
            reconcile(one.lands);
            expect(isOurFlush(body, record, contoso.id)).toBe(isOurs);
            continue;
          }
          // Whoever switches on what we have on, or off and on again before anybody looks, cannot be told from nobody.
          if (ours.hasLanded && one.value.value === true) continue;
          body = withFlushValue(body, one.value);
          [theirs, isOurs] = [one.value, false];
        }
        for (let round = 0; round < 5; round += 1) reconcile(true);

        expect(asList(flushValueOf(body))).toEqual(asList(theirs));
        expect(record).toBeUndefined();
        expect(reconcile(true)).toBe('nothing');
      }),
      { numRuns: 1000 },
    );
    expect(switchedOn).toBeGreaterThan(300);
  });
});
