import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Person } from '../../src/core/accessRequest.ts';
import { isApproved, type Approval } from '../../src/core/approval.ts';
import { groupsOf, judgeApproval, type Decider } from '../../src/core/judgeApproval.ts';

const now = new Date('2026-11-23T12:00:00.000Z');
const database = '0000000a-0000-4000-8000-00000000000a';
const network = '0000000b-0000-4000-8000-00000000000b';

const person = (name: string, tenantId = 'contoso'): Person => ({
  objectId: `oid of ${name}`,
  tenantId,
  displayName: name,
});
const decider = (name: string, changes: Partial<Decider> = {}): Decider => ({
  person: person(name),
  isApplication: false,
  isApprover: true,
  groupIds: new Set(),
  ...changes,
});
const member = (name: string, ...groups: string[]): Decider =>
  decider(name, { isApprover: false, groupIds: new Set(groups) });
const approval = (changes: Partial<Approval> = {}): Approval => ({
  rules: [{ approvers: 1, groups: [] }],
  given: [],
  expiresAt: '2026-11-24T12:00:00.000Z',
  ...changes,
});

function judge(by: Decider, of: Approval = approval(), at = now) {
  return judgeApproval({ approval: of, requester: person('alice'), decider: by, comment: 'fine', now: at });
}

/** The approval after this person's yes, which must count. */
function after(by: Decider, of: Approval): Approval {
  const judged = judge(by, of);
  if (judged.kind !== 'counts') throw new Error(judged.code);
  return judged.approval;
}

describe('a decision', () => {
  it("counts by the approvers' app role, and one is enough where one is asked for", () => {
    expect(judge(decider('carol'))).toEqual({
      kind: 'counts',
      approval: approval({ given: [given('carol', [0])] }),
      given: given('carol', [0]),
      isComplete: true,
    });
  });

  it('counts by membership in a group of the rule, however its id is spelt', () => {
    const rules = [{ approvers: 1, groups: [database.toUpperCase()] }];

    expect(judge(member('carol', database), approval({ rules }))).toMatchObject({ kind: 'counts' });
    expect(judge(member('carol', network), approval({ rules }))).toMatchObject({ code: 'not-an-approver' });
    expect([...groupsOf({ rules })]).toEqual([database]);
  });

  it('is nobody’s without role and group, also where a rule names no group', () => {
    expect(judge(member('carol', database))).toMatchObject({ kind: 'refused', code: 'not-an-approver' });
  });

  it('on one’s own request is refused, whatever roles one has', () => {
    expect(judge(decider('alice'))).toMatchObject({ kind: 'refused', code: 'own-request' });
  });

  it('on one’s own request is refused under another display name too', () => {
    const renamed = { ...person('alice'), displayName: 'Somebody else' };

    expect(judge(decider('alice', { person: renamed }))).toMatchObject({ code: 'own-request' });
  });

  it('of an application is refused, also with the role', () => {
    const robot = decider('robot', { isApplication: true });

    expect(judge(robot)).toMatchObject({ kind: 'refused', code: 'application-cannot-decide' });
  });

  it('counts once for one person', () => {
    const rules = [{ approvers: 2, groups: [] }];
    const once = after(decider('carol'), approval({ rules }));

    expect(isApproved(once)).toBe(false);
    expect(judge(decider('carol'), once)).toMatchObject({ kind: 'conflict', code: 'decided-already' });
    expect(judge(decider('dave'), once)).toMatchObject({ kind: 'counts', isComplete: true });
  });

  it('counts for several rules at once, and only for those that it may', () => {
    const rules = [
      { approvers: 1, groups: [database] },
      { approvers: 1, groups: [network] },
    ];

    expect(judge(member('carol', database, network), approval({ rules }))).toMatchObject({
      isComplete: true,
    });
    const half = after(member('carol', database), approval({ rules }));
    expect(half.given[0]?.rules).toEqual([0]);
    expect(judge(member('dave', database), half)).toMatchObject({ kind: 'counts', isComplete: false });
    expect(judge(member('erin', network), half)).toMatchObject({ kind: 'counts', isComplete: true });
  });

  it('comes before the approval expires or not at all', () => {
    const expiresAt = new Date(approval().expiresAt);

    expect(judge(decider('carol'), approval(), new Date(expiresAt.getTime() - 1)).kind).toBe('counts');
    expect(judge(decider('carol'), approval(), expiresAt)).toMatchObject({ code: 'approval-expired' });
  });

  it('completes exactly where an independent count says so, in whatever order people come', () => {
    const names = ['alice', 'bob', 'carol', 'dave', 'erin'];
    const groups = [database, network];
    const rule = fc.record({
      approvers: fc.integer({ min: 1, max: 3 }),
      groups: fc.uniqueArray(fc.constantFrom(...groups)),
    });
    const people = fc.array(
      fc.record({
        name: fc.constantFrom(...names),
        isApprover: fc.boolean(),
        isApplication: fc.boolean(),
        groups: fc.uniqueArray(fc.constantFrom(...groups)),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(fc.array(rule, { minLength: 1, maxLength: 3 }), people, (rules, coming) => {
        let state = approval({ rules });
        const counted = new Map<string, (typeof coming)[number]>();
        for (const one of coming) {
          const judged = judge(
            decider(one.name, { ...one, person: person(one.name), groupIds: new Set(one.groups) }),
            state,
          );
          const byRules = rules.filter(
            (each) => one.isApprover || each.groups.some((id) => one.groups.includes(id)),
          );
          const counts =
            one.name !== 'alice' && !one.isApplication && byRules.length > 0 && !counted.has(one.name);
          expect(judged.kind === 'counts').toBe(counts);
          if (judged.kind !== 'counts') continue;
          counted.set(one.name, one);
          state = judged.approval;
          const isMet = rules.every(
            (each) =>
              [...counted.values()].filter(
                (by) => by.isApprover || each.groups.some((id) => by.groups.includes(id)),
              ).length >= each.approvers,
          );
          expect(judged.isComplete).toBe(isMet);
        }
      }),
    );
  });
});

function given(name: string, rules: number[]) {
  return { by: person(name), at: now.toISOString(), comment: 'fine', rules };
}
