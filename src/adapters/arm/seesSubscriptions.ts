import { shownCode, type HealthCheck } from '../../core/health.ts';
import { noSubscription, subscriptionsVersion } from './inventory.ts';
import { parseObject, problemOfAnswer } from './problem.ts';
import type { SendRaw } from './rawRequest.ts';

/** Milliseconds for the answer and the token: people wait. */
const patience = 4500;

/**
 * Asks Azure Resource Manager for the first page of subscriptions, which every identity may: it takes a token, and says
 * whether that identity has a role anywhere. It belongs to no subscription, so it takes nothing of their limits. With
 * `mayBeNone` none is well too: whether Azure shows a subscription to who has rights in its groups alone, nobody has tried.
 */
export function createSeesSubscriptions(
  send: SendRaw,
  { origin }: { origin: string },
  mayBeNone = false,
): HealthCheck {
  return async ({ correlationId }) => {
    const answer = await send({
      subscriptionId: noSubscription,
      method: 'GET',
      url: `${origin}/subscriptions?api-version=${subscriptionsVersion}`,
      correlationId,
      repeat: 'after-fault',
      timeoutMilliseconds: patience,
    });
    if (answer.kind !== 'answer') {
      const reason = 'Azure Resource Manager did not answer, or the app got no token for it.';
      const cause = answer.kind === 'no-answer' ? answer.message : 'It was too late.';
      return { status: 'failing', reason, cause };
    }
    const { status, text } = answer;
    if (status !== 200) {
      const { code, message } = problemOfAnswer(status, text, undefined);
      const reason = `Azure Resource Manager answered ${status}${shownCode(code)}.`;
      return { status: 'failing', reason, cause: message };
    }
    const subscriptions = parseObject(text)?.['value'];
    if (!Array.isArray(subscriptions)) {
      return { status: 'failing', reason: 'Azure Resource Manager answered with something that is no list.' };
    }
    if (mayBeNone || subscriptions.length > 0) return { status: 'ok' };
    return { status: 'failing', reason: "The app's identity sees no subscription: it has no role in any." };
  };
}
