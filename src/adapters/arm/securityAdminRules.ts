import type { Clock } from '../../core/clock.ts';
import type { JsonObject } from '../../core/network.ts';
import type {
  NotCheckedCause,
  ReadSecurityAdminRules,
  SecurityAdminRule,
  SecurityAdminRules,
} from '../../core/securityAdminRule.ts';
import { answersHold, keepAnswers } from './keepAnswers.ts';
import type { ListSettings } from './list.ts';
import { isForbidden, isRecord, parseObject, problemOfAnswer } from './problem.ts';
import type { SendRaw } from './rawRequest.ts';
import { parseIdOfType, pathOf } from './resourceId.ts';

const networkType = 'Microsoft.Network/virtualNetworks';
const action = 'listNetworkManagerEffectiveSecurityAdminRules';

/** Whoever asks for access waits for it: not longer than this for one page, in milliseconds, nor for all. */
const patience = { page: 5_000, all: 8_000 };
/** Azure's smallest pages would hold far more than one network can have. */
const mostPages = 50;

/**
 * Reads the security admin rules that hold for a virtual network: one POST, which changes nothing, for each page.
 * Answers are shared and kept for a minute; one that was no answer is asked for again.
 */
export function createSecurityAdminRules(
  send: SendRaw,
  clock: Clock,
  settings: ListSettings & { apiVersion: string },
): SecurityAdminRules {
  const isKept = (read: ReadSecurityAdminRules) => read.kind === 'read' || read.cause !== 'unreadable';
  const kept = keepAnswers(clock, answersHold, isKept);

  return {
    async ofNetwork(virtualNetworkId, { correlationId }) {
      const parsed = parseIdOfType(virtualNetworkId, networkType);
      if (!parsed) return notChecked('unreadable', 'The virtual network is not known.');
      const path = pathOf(parsed);
      return kept(path.toLowerCase(), false, () => readAll(path, parsed.subscriptionId, correlationId));
    },
  };

  async function readAll(
    path: string,
    subscriptionId: string,
    correlationId: string,
  ): Promise<ReadSecurityAdminRules> {
    const rules: SecurityAdminRule[] = [];
    const until = clock.now().getTime() + patience.all;
    let skipToken: string | undefined;
    for (let pages = 0; pages < mostPages; pages += 1) {
      const answer = await send({
        subscriptionId,
        method: 'POST',
        url: `${settings.origin}${path}/${action}?api-version=${encodeURIComponent(settings.apiVersion)}`,
        correlationId,
        body: JSON.stringify(skipToken === undefined ? {} : { skipToken }),
        repeat: 'after-fault',
        timeoutMilliseconds: Math.min(settings.timeouts.readMilliseconds, patience.page),
        notAfter: new Date(until),
      });
      if (answer.kind === 'too-late') return notChecked('unreadable', 'It took Azure too long.');
      if (answer.kind === 'no-answer') return notChecked('unreadable', answer.message);
      const { status, text } = answer;
      if (status !== 200) {
        const problem = problemOfAnswer(status, text, answer.header('retry-after'));
        return isForbidden(problem)
          ? notChecked(
              'not-permitted',
              `Sallyport may not read them (${networkType}/${action}/action): ${problem.message}`,
            )
          : notChecked('unreadable', problem.message);
      }
      const body = parseObject(text);
      const value = body?.['value'] ?? [];
      const next = body?.['skipToken'] ?? '';
      if (body === undefined || !Array.isArray(value) || !value.every(isRecord) || typeof next !== 'string') {
        return notChecked('unreadable', 'Azure answered with something that is not a list of rules.');
      }
      rules.push(...value.map(ruleOf));
      if (next === '') return { kind: 'read', rules };
      skipToken = next;
    }
    return notChecked('unreadable', `The list did not end after ${mostPages} pages.`);
  }
}

function notChecked(cause: NotCheckedCause, message: string): ReadSecurityAdminRules {
  return { kind: 'not-checked', cause, message };
}

/** What is missing stays missing: the judgement takes it for something that is not known. */
function ruleOf(raw: Record<string, unknown>): SecurityAdminRule {
  const id = typeof raw['id'] === 'string' ? raw['id'] : '';
  const kind = typeof raw['kind'] === 'string' ? raw['kind'] : '';
  const properties = isRecord(raw['properties']) ? (raw['properties'] as JsonObject) : {};
  const flag = properties['flag'];
  const name = id === '' && typeof flag === 'string' ? flag : id.slice(id.lastIndexOf('/') + 1);
  return { id, name, kind, properties };
}
