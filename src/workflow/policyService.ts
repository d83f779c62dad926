import { actions } from '../core/authorization.ts';
import { causeOf } from '../core/cause.ts';
import { isAdministrator, seesEverything } from '../core/caller.ts';
import type { Policy, PolicyEvent } from '../core/policy.ts';
import { describeChanges } from '../core/policyChanges.ts';
import { withChange } from '../core/policyRecord.ts';
import { canonicalId } from '../core/resourceId.ts';
import { liesIn } from '../core/selector.ts';
import type { Stored } from '../core/stores.ts';
import { neededToChange, neededToRead, refusedByAzure, resourceGroupOf } from './authorizePolicy.ts';
import type {
  ChangePolicyResult,
  ForeseePolicy,
  PolicyCall,
  PolicyChangeCall,
  PolicyRuns,
  PolicyService,
} from './contracts.ts';
import type { Dependencies } from './dependencies.ts';
import { countRecords, recordPolicy } from './recordPolicy.ts';

/** What a change makes of a policy: the row that is wanted, or an answer without a change. */
type Outcome = { next: Policy; changes: string[] } | { answer: ChangePolicyResult };

export type PolicyServiceDependencies = Pick<
  Dependencies,
  'policies' | 'audit' | 'authorization' | 'clock' | 'log'
>;

/**
 * The service of policies. A change is stored, audited and then applied by the orchestration; what fails after it is
 * stored the sweep goes on with.
 */
export function createPolicyService(
  dependencies: PolicyServiceDependencies,
  runs: PolicyRuns,
  foresee: ForeseePolicy = () => Promise.resolve([]),
): PolicyService {
  const { policies, clock, log } = dependencies;

  async function read(id: string): Promise<Stored<Policy> | undefined> {
    const stored = await policies.get(id);
    return stored?.row.isDeleted === true ? undefined : stored;
  }

  function mayNotRead(id: string, entries: Policy['entries'], { caller, correlationId }: PolicyCall) {
    if (seesEverything(caller)) return undefined;
    return refusedByAzure(dependencies, caller, neededToRead(id, entries), { correlationId });
  }

  /** Changes the row as it is by then, however many others do so at once. */
  async function change(
    id: string,
    event: PolicyEvent,
    call: PolicyChangeCall,
    decide: (there: Policy | undefined, row: Policy | undefined) => Promise<Outcome>,
  ): Promise<ChangePolicyResult> {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const stored = await policies.get(id);
      const there = stored?.row.isDeleted === true ? undefined : stored?.row;
      const mismatch = mismatchOf(there, call.ifVersion);
      const outcome = await decide(there, stored?.row);
      if ('answer' in outcome && outcome.answer.kind !== 'changed') return outcome.answer;
      if (mismatch !== undefined) return mismatch;
      if ('answer' in outcome) return outcome.answer;
      const { next, changes } = outcome;
      const changed = withChange(next, {
        event,
        at: clock.now().toISOString(),
        actor: call.caller.person.objectId,
        correlationId: call.correlationId,
        changes,
      });
      const { correlationId } = call;
      const effects = call.isDryRun
        ? await foresee(
            { ...(there === undefined ? {} : { before: there }), after: changed },
            { correlationId },
          )
        : [];
      const answer = { kind: 'changed', isNew: there === undefined, changes, effects } as const;
      if (call.isDryRun) return { ...answer, policy: changed };
      const done =
        stored === undefined
          ? await policies.insert({ ...changed, ...(await numbered(changed)) })
          : await policies.replace(changed, stored.etag);
      if (done === 'exists' || done === 'changed') continue;
      return { ...answer, policy: await finish(done, correlationId) };
    }
    throw new Error(`Policy ${id} was changed by others ten times in a row.`);
  }

  /** A row that was lost begins anew; its audit goes on where it was. */
  async function numbered(policy: Policy): Promise<Pick<Policy, 'journal' | 'recorded'>> {
    const recorded = await countRecords(dependencies, policy.id);
    const journal = policy.journal.map((each, index) => ({ ...each, number: recorded + index + 1 }));
    return { journal, recorded };
  }

  async function finish(stored: Stored<Policy>, correlationId: string): Promise<Policy> {
    const { id, version } = stored.row;
    let { row } = stored;
    try {
      ({ row } = await recordPolicy(dependencies, stored));
    } catch (error) {
      log.error('policy-not-recorded', { policyId: id, correlationId, cause: causeOf(error) });
    }
    try {
      await runs.start({ id, version });
    } catch (error) {
      log.error('policy-left-to-sweep', { policyId: id, correlationId, cause: causeOf(error) });
    }
    return row;
  }

  return {
    async list(call, within) {
      const all = (await policies.list())
        .map(({ row }) => row)
        .filter(({ id }) => within === undefined || (resourceGroupOf(id) !== undefined && liesIn(id, within)))
        .sort((a, b) => (canonicalId(a.id) < canonicalId(b.id) ? -1 : 1));
      const readable: Policy[] = [];
      for (const policy of all) {
        const refused = await mayNotRead(policy.id, policy.entries, call);
        if (refused?.kind === 'unavailable') return refused;
        if (refused === undefined) readable.push(policy);
      }
      return { kind: 'listed', policies: readable };
    },
    async find(id, call) {
      const policy = (await read(id))?.row;
      // Of a name that there is not, there is nothing that anybody could have a right to, but for its resource group.
      const refused = await mayNotRead(id, policy?.entries ?? [], call);
      if (refused !== undefined) return refused;
      return policy === undefined ? { kind: 'not-found' } : { kind: 'found', policy };
    },
    put: (id, content, call) =>
      change(id, 'put', call, async (there, row) => {
        const action = actions.writePolicy;
        const refused =
          (await mayNot(neededToChange(id, content.entries, action), call)) ??
          // Whoever takes something away must have the right to it too.
          (await mayNot(withoutFields(neededToChange(id, there?.entries ?? [], action)), call));
        if (refused !== undefined) return { answer: refused };
        const said = {
          entries: content.entries,
          conditions: content.conditions ?? there?.conditions ?? {},
          baseline: content.baseline ?? there?.baseline ?? ({ kind: 'internet' } as const),
        };
        const changes = describeChanges(there, said);
        if (there !== undefined && changes.length === 0) {
          return { answer: { kind: 'changed', policy: there, isNew: false, changes, effects: [] } };
        }
        return { next: { ...revived(row ?? empty(id)), ...said, provisioning: updating }, changes };
      }),
    remove: (id, call) =>
      change(id, 'deleted', call, async (there) => {
        const refused = await mayNot(neededToChange(id, there?.entries ?? [], actions.deletePolicy), call);
        if (refused !== undefined) return { answer: refused };
        if (there === undefined) return { answer: { kind: 'not-found' } };
        return {
          next: { ...there, isDeleted: true, provisioning: updating },
          changes: describeChanges(there, undefined),
        };
      }),
    release: (id, virtualMachineIds, call) =>
      change(id, 'released', call, (there) => {
        if (!isAdministrator(call.caller)) {
          const message = 'Only an administrator of Sallyport may release a virtual machine.';
          const reasons = [{ code: 'not-authorized' as const, message }];
          return Promise.resolve({ answer: { kind: 'not-authorized', reasons } });
        }
        if (there === undefined) return Promise.resolve({ answer: { kind: 'not-found' } });
        const has = (ids: readonly string[], wanted: string) =>
          ids.some((each) => canonicalId(each) === canonicalId(wanted));
        const left = (there.left ?? []).map(({ virtualMachineId }) => virtualMachineId);
        const others = virtualMachineIds.filter((each) => !has(left, each));
        if (others.length > 0) {
          return Promise.resolve({ answer: { kind: 'not-releasable', virtualMachineIds: others } });
        }
        const before = there.released ?? [];
        const added = virtualMachineIds.filter((each) => !has(before, each));
        if (added.length === 0) {
          return Promise.resolve({
            answer: { kind: 'changed', policy: there, isNew: false, changes: [], effects: [] },
          });
        }
        return Promise.resolve({
          next: { ...there, released: [...before, ...added], provisioning: updating },
          changes: added.map((each) => `The baseline of ${each} may go: it has left the policy.`),
        });
      }),
  };

  function mayNot(requirements: Parameters<typeof refusedByAzure>[2], call: PolicyChangeCall) {
    const { caller, correlationId } = call;
    return refusedByAzure(dependencies, caller, requirements, { correlationId });
  }
}

const updating: Policy['provisioning'] = { state: 'updating', reasons: [] };

/** What a deleted policy knew of machines says nothing of one that is put under its name again. */
function revived(policy: Policy): Policy {
  if (policy.isDeleted !== true) return policy;
  const row = { ...policy };
  delete row.isDeleted;
  delete row.left;
  delete row.released;
  return row;
}

function empty(id: string): Policy {
  return {
    id,
    version: 0,
    entries: [],
    conditions: {},
    baseline: { kind: 'none' },
    provisioning: updating,
    changedAt: '',
    changedBy: '',
    journal: [],
    recorded: 0,
  };
}

function withoutFields(requirements: Parameters<typeof refusedByAzure>[2]) {
  return requirements.map(({ scope, needed }) => ({ scope, needed }));
}

/** After the rights: what version a policy has is nobody's business who may not change it. */
function mismatchOf(
  there: Policy | undefined,
  demanded: PolicyChangeCall['ifVersion'],
): ChangePolicyResult | undefined {
  const isMet =
    demanded === undefined ||
    ((demanded === 'none' ? there === undefined : there !== undefined) &&
      (typeof demanded === 'string' || demanded === there?.version));
  if (isMet) return undefined;
  return { kind: 'version-mismatch', ...(there === undefined ? {} : { version: there.version }) };
}
