import type { Clock } from '../../core/clock.ts';
import { grantsAction, type Closability, type Rights } from '../../core/rights.ts';
import { createJoinRights, joinAction } from './joinRights.ts';
import { answersHold, keepAnswers } from './keepAnswers.ts';
import { listAll, type FailedPage, type ListSettings } from './list.ts';
import type { NamedGroups } from './namedGroups.ts';
import { isRecord } from './problem.ts';
import type { SendRaw } from './rawRequest.ts';
import { parseIdOfType, pathOf, type ResourceId } from './resourceId.ts';

const nsgType = 'Microsoft.Network/networkSecurityGroups';
const permissionsVersion = '2022-04-01';
const locksVersion = '2020-05-01';
/** What closing needs: to see the NSG, and to write it as a whole. */
const needed = [`${nsgType}/read`, `${nsgType}/write`];

/**
 * Asks Azure what this identity may do, there and on what the rules name, and which locks there are. Answers are shared
 * and kept for a minute.
 */
export function createRights(
  send: SendRaw,
  clock: Clock,
  settings: ListSettings,
  named: Pick<NamedGroups, 'of'>,
): Rights {
  const findUnjoinable = createJoinRights(send, clock, { ...settings, permissionsVersion });
  const kept = keepAnswers<Closability>(clock, answersHold, ({ kind }) => kind !== 'unknown');

  return {
    async closability(nsgId, { correlationId }) {
      const parsed = parseIdOfType(nsgId, nsgType);
      if (!parsed) return { kind: 'unknown', message: 'This is not the id of a network security group.' };
      const path = pathOf(parsed);
      const [closability, unjoinable] = await Promise.all([
        kept(path.toLowerCase(), false, () => ask(path, parsed.subscriptionId, correlationId)),
        findUnjoinable(named.of(path), { correlationId }),
      ]);
      return closability.kind === 'closable' && unjoinable.length > 0
        ? notJoinable(path, unjoinable)
        : closability;
    },
  };

  async function ask(path: string, subscriptionId: string, correlationId: string): Promise<Closability> {
    const read = (what: string, apiVersion: string) =>
      listAll(send, settings, {
        subscriptionId,
        path: `${path}/providers/Microsoft.Authorization/${what}`,
        apiVersion,
        correlationId,
      });
    const [permissions, locks] = await Promise.all([
      read('permissions', permissionsVersion),
      read('locks', locksVersion),
    ]);
    if (permissions.kind === 'failed') {
      if (permissions.status !== 403) return unknown('its rights', permissions);
      const message = `Sallyport may not read its own rights on ${path} (Microsoft.Authorization/permissions/read), so it is not known that it could close what it opens there.`;
      return { kind: 'not-closable', reason: { code: 'not-closable', message } };
    }
    const missing = needed.filter(
      (action) => !permissions.items.some((entry) => grantsAction(entry, action)),
    );
    if (missing.length > 0) {
      const message = `Sallyport may not do ${missing.join(' and ')} on ${path}, so it could not close what it opens there.`;
      return { kind: 'not-closable', reason: { code: 'not-closable', message } };
    }
    if (locks.kind === 'failed') {
      // Reading locks is a right that many roles lack, and a close that a lock stops is refused loudly and tried again:
      // to shut everybody out for a lock that is most likely not there would be the worse answer.
      return locks.status === 403 ? { kind: 'closable' } : unknown('its locks', locks);
    }
    const lock = locks.items.find((item) => isReadOnly(item) && isAtOrAbove(item, path));
    if (lock === undefined) return { kind: 'closable' };
    const message = `The lock ${String(lock['id'])} makes ${path} read-only, so Sallyport could not close what it opens there.`;
    return { kind: 'not-closable', reason: { code: 'not-closable', message } };
  }
}

function notJoinable(path: string, groups: readonly ResourceId[]): Closability {
  const paths = groups.map(pathOf).join(' and ');
  const message = `Sallyport may not do ${joinAction} on ${paths}, which rules of ${path} name: to whoever lacks that Azure refuses every write of the whole NSG, so nothing could be opened there.`;
  return { kind: 'not-closable', reason: { code: 'not-closable', message } };
}

/** What is not known to leave writing alone counts as read-only. */
function isReadOnly(lock: Record<string, unknown>): boolean {
  const properties = lock['properties'];
  const level = isRecord(properties) ? properties['level'] : undefined;
  return typeof level !== 'string' || level.toLowerCase() !== 'cannotdelete';
}

/** Azure also lists the locks of what is below: of a resource that hangs on this one. */
function isAtOrAbove(lock: Record<string, unknown>, path: string): boolean {
  const id = typeof lock['id'] === 'string' ? lock['id'].toLowerCase() : '';
  const scope = id.replace(/\/providers\/microsoft\.authorization\/locks\/.*$/, '');
  return scope === id || `${path.toLowerCase()}/`.startsWith(`${scope}/`);
}

function unknown(what: string, { message, retryAfterSeconds }: FailedPage): Closability {
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return { kind: 'unknown', message: `Reading ${what}: ${message}`, ...retry };
}
