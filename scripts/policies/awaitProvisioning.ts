import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import type { Api } from '../jit/api.ts';
import type { Surroundings } from '../jit/surroundings.ts';
import type { Difference } from './comparePolicies.ts';
import type { Trouble } from './policyFile.ts';

const policy = z.looseObject({
  provisioning: z.looseObject({
    state: z.string(),
    reasons: z.array(z.looseObject({ code: z.string(), message: z.string() })),
  }),
});

const pauseMs = 1_000;

/**
 * Waits until the baselines of policies that were put stand, so many seconds at most. Answers with those that failed, and
 * why, and those that are not there yet.
 */
export async function awaitProvisioning(
  api: Api,
  applied: readonly Difference[],
  { progress }: Pick<Surroundings, 'progress'>,
  withinSeconds: number,
): Promise<Trouble[]> {
  const until = Date.now() + withinSeconds * 1000;
  const troubles: Trouble[] = [];
  for (const { wanted } of applied.filter(({ kind }) => kind !== 'deleted')) {
    const { name, where } = wanted;
    const read = () => api({ path: `/api/policies/${encodeURIComponent(name)}` }, policy);
    let { provisioning } = await read();
    while (provisioning.state === 'updating' && Date.now() < until) {
      await delay(pauseMs);
      ({ provisioning } = await read());
    }
    if (provisioning.state === 'succeeded') progress(`${name} is applied.`);
    else if (provisioning.state === 'failed') {
      const errors = provisioning.reasons.map(({ code, message }) => ({ code, detail: message }));
      troubles.push({ where, errors });
    } else {
      const detail = `It is stored, and not applied in Azure after ${withinSeconds} s: the sweep goes on with it.`;
      troubles.push({ where, errors: [{ code: 'updating', detail }] });
    }
  }
  return troubles;
}
