import type { Authorization, AuthorizationCall } from '../../src/core/authorization.ts';
import type { Person } from '../../src/core/accessRequest.ts';
import { evaluate } from '../../src/core/rbac.ts';

/** Whom a denial is about, where and of what; everybody, everywhere and of everything where it does not say. */
export interface MemoryDenial {
  objectId?: string;
  scope?: string;
  action?: string;
}

/** Azure RBAC that a test gives and takes; whatever was not spoken of is allowed. */
export interface MemoryAuthorization extends Authorization {
  deny(denial?: MemoryDenial): void;
  /** Takes every denial back. */
  allow(): void;
  /** Azure does not answer from now on, until `answer`. */
  fail(failure?: { message?: string; retryAfterSeconds?: number }): void;
  answer(): void;
  /** The group holds a role at the scope, and the person is in it. */
  join(objectId: string, groupId: string, scope?: string): void;
  leave(objectId: string, groupId: string): void;
  /** What was asked, in order. */
  readonly asked: { objectId: string; scope: string; needed: readonly string[]; isFresh: boolean }[];
}

/** Makes one in which everybody may do everything and is in no group. It answers without a cache. */
export function createMemoryAuthorization(): MemoryAuthorization {
  const asked: MemoryAuthorization['asked'] = [];
  let denials: MemoryDenial[] = [];
  let groups: { objectId: string; groupId: string; scope: string }[] = [];
  let failure: { kind: 'unknown'; message: string; retryAfterSeconds?: number } | undefined;

  function note(
    { objectId }: Pick<Person, 'objectId'>,
    scope: string,
    needed: readonly string[],
    { isFresh = false }: AuthorizationCall,
  ) {
    asked.push({ objectId, scope, needed, isFresh });
  }

  return {
    asked,
    check({ objectId }, scope, needed, call) {
      note({ objectId }, scope, needed, call);
      if (failure !== undefined) return Promise.resolve(failure);
      const roleDefinitionId = `/providers/Microsoft.Authorization/roleDefinitions/${everything}`;
      const answer = evaluate(
        { objectId, scope, needed },
        {
          roleAssignments: [
            { properties: { principalId: objectId, principalType: 'User', scope: '/', roleDefinitionId } },
          ],
          roleDefinitions: new Map([[everything, { properties: { permissions: [{ actions: ['*'] }] } }]]),
          denyAssignments: denials.map(denyAssignmentOf),
          denialsOfPerson: new Set(),
        },
      );
      return Promise.resolve(answer);
    },
    memberships({ objectId }, scope, call) {
      note({ objectId }, scope, [], call);
      if (failure !== undefined) return Promise.resolve(failure);
      const own = groups.filter(
        (one) =>
          one.objectId === objectId &&
          `${scope}/`.toLowerCase().startsWith(`${one.scope.replace(/\/$/, '')}/`.toLowerCase()),
      );
      return Promise.resolve({
        kind: 'known',
        groupIds: new Set(own.map(({ groupId }) => groupId.toLowerCase())),
      });
    },
    deny(denial = {}) {
      denials = [...denials, denial];
    },
    allow() {
      denials = [];
    },
    fail({ message = 'Azure did not answer.', ...rest } = {}) {
      failure = { kind: 'unknown', message, ...rest };
    },
    answer() {
      failure = undefined;
    },
    join(objectId, groupId, scope = '/') {
      groups = [...groups, { objectId, groupId, scope }];
    },
    leave(objectId, groupId) {
      groups = groups.filter((one) => one.objectId !== objectId || one.groupId !== groupId);
    },
  };
}

const everything = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635';

function denyAssignmentOf({ objectId, scope = '/', action = '*' }: MemoryDenial) {
  const principal =
    objectId === undefined
      ? { id: '00000000-0000-0000-0000-000000000000', type: 'SystemDefined' }
      : { id: objectId, type: 'User' };
  return {
    properties: {
      denyAssignmentName: 'of the test',
      scope,
      permissions: [{ actions: [action] }],
      principals: [principal],
    },
  };
}
