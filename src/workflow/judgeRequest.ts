import type { AccessRequest, RequestedVirtualMachine } from '../core/accessRequest.ts';
import type { ApprovalRule } from '../core/approval.ts';
import type { Decision } from '../core/reason.ts';
import { authorizeRequester } from './authorize.ts';
import { checkAdminRules } from './checkAdminRules.ts';
import type { Submission } from './contracts.ts';
import { decideSubmission } from './decideSubmission.ts';
import type { Dependencies } from './dependencies.ts';
import { admit, preflight, type PathNsg, type Unavailable } from './preflight.ts';
import { resolvePath } from './resolvePath.ts';

/** What is judged. */
export interface Asking extends Pick<
  Submission,
  'requester' | 'virtualMachines' | 'durationSeconds' | 'justification' | 'correlationId'
> {
  /** Of the request that it is, or is to become. */
  id: string;
  /** When access would begin. */
  start: Date;
  /** What was granted when it was judged before, and is what is opened now. */
  granted?: RequestedVirtualMachine[];
  /** Azure is asked for rights now, whatever it said a moment ago. */
  isFresh?: boolean;
}

/** Nothing is against it: what a row is made from, or brought up to date with. */
export interface JudgedRequest {
  kind: 'admitted';
  virtualMachines: RequestedVirtualMachine[];
  /** Who must approve; empty where nobody must. */
  approval: ApprovalRule[];
  /** The NSGs before these machines, as they were read. */
  path: PathNsg[];
  fields: Pick<AccessRequest, 'targets' | 'found' | 'decision' | 'authorizedAt' | 'flushConnection'>;
}

export type Judged = JudgedRequest | { kind: 'denied'; decision: Decision } | Unavailable;

type JudgeDependencies = Pick<
  Dependencies,
  | 'authorization'
  | 'policies'
  | 'network'
  | 'rights'
  | 'securityAdminRules'
  | 'budget'
  | 'quotas'
  | 'clock'
  | 'log'
  | 'installation'
>;

/**
 * Judges by everything that must hold before access is opened: the requester's right, the policies, what Azure shows of
 * machines, path and network, whether it could be closed again, and what is left to write it with. Stores nothing.
 */
export async function judgeRequest(dependencies: JudgeDependencies, asking: Asking): Promise<Judged> {
  const { clock } = dependencies;
  const { id, correlationId, start, granted, isFresh = false } = asking;
  // Before anything is read: what the reads would cost is better spent on closing.
  const wait = admit(
    dependencies,
    asking.virtualMachines.map((machine) => machine.id),
  );
  if (wait !== undefined) return wait;
  // Before anything is decided: what a policy says is nobody's business who may not ask.
  const authorizedAt = clock.now().toISOString();
  const forbidding = await authorizeRequester(dependencies, asking, { correlationId, isFresh });
  if ('kind' in forbidding) return forbidding;
  if (forbidding.length > 0) return denied({ outcome: 'denied', reasons: forbidding, policies: [] });

  const decided = await decideSubmission(dependencies, asking, start);
  if ('kind' in decided) return decided;
  const { deciding } = decided;
  const isDenied = deciding.decision.outcome === 'denied';
  const virtualMachines = granted === undefined || isDenied ? deciding.virtualMachines : granted;
  const resolved = await resolvePath(
    dependencies,
    asking,
    { ...deciding, virtualMachines },
    decided.networks,
  );
  if ('kind' in resolved) return resolved;
  const { path, found, networks } = resolved;
  if (resolved.reasons.length > 0) {
    return denied({ ...deciding.decision, outcome: 'denied', reasons: resolved.reasons });
  }
  const [ofNsgs, ofNetworks] = await Promise.all([
    preflight(dependencies, id, path, { correlationId }),
    checkAdminRules(dependencies, networks, { correlationId }),
  ]);
  if ('kind' in ofNsgs) return ofNsgs;
  const against = [...ofNsgs, ...ofNetworks.against];
  if (against.length > 0) return denied({ ...deciding.decision, outcome: 'denied', reasons: against });
  return {
    kind: 'admitted',
    virtualMachines,
    approval: deciding.approval,
    path,
    fields: {
      targets: path.map(({ target }) => target),
      found,
      decision: {
        ...deciding.decision,
        reasons: [...deciding.decision.reasons, ...ofNetworks.warnings],
      },
      authorizedAt,
      ...(deciding.flushConnection ? { flushConnection: true as const } : {}),
    },
  };
}

function denied(decision: Decision): Judged {
  return { kind: 'denied', decision };
}
