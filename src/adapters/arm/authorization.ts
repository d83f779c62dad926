import {
  authorizationHolds,
  type Authorization,
  type Memberships,
  type Permission,
} from '../../core/authorization.ts';
import { isGuid } from '../../core/caller.ts';
import type { Clock } from '../../core/clock.ts';
import { denialId, dependsOnGroups } from '../../core/denyAssignment.ts';
import { evaluate, type RbacFacts } from '../../core/rbac.ts';
import type { RbacDocument, RbacQuestion } from '../../core/rbacDocument.ts';
import { groupsOf, rolesOf } from '../../core/roleAssignment.ts';
import { keepAnswers } from './keepAnswers.ts';
import { listAll, type FailedPage, type ListSettings } from './list.ts';
import { parseObject, problemOfAnswer } from './problem.ts';
import type { SendRaw } from './rawRequest.ts';
import { parseScope, type Scope } from './resourceId.ts';

const apiVersion = '2022-04-01';
/** How long a role definition holds, in seconds: roles change seldom, and a decision of people reads them anew. */
const definitionHolds = 300;

type Documents = { kind: 'all'; items: RbacDocument[] } | FailedPage;
type Definition = { kind: 'found'; document: RbacDocument } | { kind: 'missing' } | FailedPage;
type Unknown = Extract<Permission, { kind: 'unknown' }>;

/** What could not be read, by the name of its type, and why. */
interface Failure {
  what: keyof typeof labels;
  failed: FailedPage;
}

const labels = {
  roleAssignments: 'role assignments',
  roleDefinitions: 'role definitions',
  denyAssignments: 'deny assignments',
} as const;
const none: Documents = { kind: 'all', items: [] };

interface Asking {
  objectId: string;
  scope: Scope;
  correlationId: string;
  isFresh: boolean;
}

/**
 * Azure RBAC, read from Azure Resource Manager with this application's own identity. Which groups somebody is in is
 * Azure's to find out (`assignedTo`), never a token's to claim. Answers are shared and kept for `authorizationHolds`.
 */
export function createAuthorization(send: SendRaw, clock: Clock, settings: ListSettings): Authorization {
  const isAll = ({ kind }: Documents) => kind === 'all';
  const keptAssignments = keepAnswers<Documents>(clock, authorizationHolds, isAll);
  const keptDenials = keepAnswers<Documents>(clock, authorizationHolds, isAll);
  const keptDenialsOfPerson = keepAnswers<Documents>(clock, authorizationHolds, isAll);
  const keptDefinitions = keepAnswers<Definition>(clock, definitionHolds, ({ kind }) => kind === 'found');

  return {
    async check({ objectId }, scopeId, needed, { correlationId, isFresh = false }) {
      const asking = askingOf(objectId, scopeId, correlationId, isFresh);
      if ('kind' in asking) return asking;
      const question = { objectId, scope: asking.scope.path, needed };
      const facts = await factsFor(question, asking);
      return 'what' in facts ? refusal(facts, asking.scope, needed) : evaluate(question, facts);
    },

    async memberships({ objectId }, scopeId, { correlationId, isFresh = false }): Promise<Memberships> {
      const asking = askingOf(objectId, scopeId, correlationId, isFresh);
      if ('kind' in asking) return asking;
      const assignments = await roleAssignments(asking);
      return assignments.kind === 'failed'
        ? unknown({ what: 'roleAssignments', failed: assignments })
        : { kind: 'known', groupIds: groupsOf(assignments.items) };
    },
  };

  async function factsFor(question: RbacQuestion, asking: Asking): Promise<RbacFacts | Failure> {
    const [assignments, denials] = await Promise.all([roleAssignments(asking), denyAssignments(asking)]);
    if (assignments.kind === 'failed') return { what: 'roleAssignments', failed: assignments };
    if (denials.kind === 'failed') return { what: 'denyAssignments', failed: denials };
    const [definitions, ofPerson] = await Promise.all([
      roleDefinitions([...rolesOf(assignments.items, question)], asking),
      // A reading that is spared nearly always: few scopes have deny assignments, and fewer that name groups.
      dependsOnGroups(question, denials.items) ? denyAssignmentsOf(asking) : none,
    ]);
    if (!(definitions instanceof Map)) return { what: 'roleDefinitions', failed: definitions };
    if (ofPerson.kind === 'failed') return { what: 'denyAssignments', failed: ofPerson };
    return {
      roleAssignments: assignments.items,
      roleDefinitions: definitions,
      denyAssignments: denials.items,
      denialsOfPerson: new Set(ofPerson.items.map(denialId)),
    };
  }

  function roleAssignments(asking: Asking): Promise<Documents> {
    const filter = `atScope() and assignedTo('${asking.objectId}')`;
    return keptAssignments(keyOf(asking), asking.isFresh, () => read('roleAssignments', asking, filter));
  }

  /** Of everybody: one reading for all who ask for the same machine. */
  function denyAssignments(asking: Asking): Promise<Documents> {
    return keptDenials(asking.scope.path.toLowerCase(), asking.isFresh, () =>
      read('denyAssignments', asking, 'atScope()'),
    );
  }

  function denyAssignmentsOf(asking: Asking): Promise<Documents> {
    const filter = `atScope() and assignedTo('${asking.objectId}')`;
    return keptDenialsOfPerson(keyOf(asking), asking.isFresh, () => read('denyAssignments', asking, filter));
  }

  async function read(what: string, { scope, correlationId }: Asking, filter: string): Promise<Documents> {
    const documents = await listAll(send, settings, {
      subscriptionId: scope.subscriptionId,
      path: `${scope.path}/providers/Microsoft.Authorization/${what}`,
      apiVersion,
      correlationId,
      filter,
    });
    // Nobody has a role in what is not there.
    return documents.kind === 'failed' && documents.status === 404 ? { kind: 'all', items: [] } : documents;
  }

  async function roleDefinitions(
    roles: string[],
    asking: Asking,
  ): Promise<Map<string, RbacDocument> | FailedPage> {
    const subscriptionId = asking.scope.subscriptionId.toLowerCase();
    const read = await Promise.all(
      roles.map(async (role) => ({
        role,
        // What a role holds is the same wherever it is read; that it is assigned at the scope was read there just before.
        definition: await keptDefinitions(`${subscriptionId} ${role}`, asking.isFresh, () =>
          readDefinition(role, asking),
        ),
      })),
    );
    const found = new Map<string, RbacDocument>();
    for (const { role, definition } of read) {
      if (definition.kind === 'failed') return definition;
      if (definition.kind === 'found') found.set(role, definition.document);
    }
    return found;
  }

  /** At the scope itself: an identity that may read a resource group alone may not read at the subscription. */
  async function readDefinition(role: string, { scope, correlationId }: Asking): Promise<Definition> {
    const path = `${scope.path}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
    const answer = await send({
      subscriptionId: scope.subscriptionId,
      method: 'GET',
      url: `${settings.origin}${path}?api-version=${apiVersion}`,
      correlationId,
      repeat: 'after-fault',
      timeoutMilliseconds: settings.timeouts.readMilliseconds,
    });
    if (answer.kind === 'too-late') return { kind: 'failed', message: 'It was too late to read.' };
    if (answer.kind === 'no-answer') return { kind: 'failed', message: answer.message };
    const { status, text } = answer;
    if (status === 404) return { kind: 'missing' };
    const document = status === 200 ? parseObject(text) : undefined;
    if (document !== undefined) return { kind: 'found', document };
    const { code, message, retryAfterSeconds } = problemOfAnswer(status, text, answer.header('retry-after'));
    const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
    return { kind: 'failed', status, code, message, ...retry };
  }
}

/** Both come from callers: what is not of its form never becomes part of a URL or of a filter. */
function askingOf(
  objectId: string,
  scopeId: string,
  correlationId: string,
  isFresh: boolean,
): Asking | Unknown {
  const scope = parseScope(scopeId);
  if (scope === undefined) {
    return {
      kind: 'unknown',
      message: 'This is no subscription, resource group or resource to have rights at.',
    };
  }
  if (!isGuid(objectId)) {
    return {
      kind: 'unknown',
      message: 'The object id of this person is not a GUID, so Azure cannot be asked.',
    };
  }
  return { objectId: objectId.toLowerCase(), scope, correlationId, isFresh };
}

function keyOf({ objectId, scope }: Asking): string {
  return `${objectId} ${scope.path.toLowerCase()}`;
}

/** What trying again does not cure is a denial: somebody must give this identity the right to look. */
function refusal(failure: Failure, scope: Scope, missing: readonly string[]): Permission {
  const { what, failed } = failure;
  const mayNotLook = failed.status === 403 || failed.code === 'InvalidAuthenticationTokenTenant';
  if (!mayNotLook) return unknown(failure);
  const message = `Sallyport may not read the ${labels[what]} of ${scope.path}: its own identity lacks Microsoft.Authorization/${what}/read there.`;
  return { kind: 'denied', missing: [...missing], message };
}

function unknown({ what, failed: { message, retryAfterSeconds } }: Failure): Unknown {
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return { kind: 'unknown', message: `Reading ${labels[what]}: ${message}`, ...retry };
}
