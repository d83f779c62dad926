import { evaluate } from '../../../src/core/rbac.ts';
import { createRandom } from '../random.ts';
import { answersOf } from './azureAnswers.ts';
import { explain } from './rbacOracle.ts';
import { askedScopes, randomRbacWorld, universe } from './rbacWorld.ts';

export interface Comparison {
  allowed: number;
  denied: number;
  /** Where product and oracle differ, as sentences. */
  differences: string[];
}

/** How many actions one comparison judges. */
export const pairsPerComparison = universe.length;

/** Asks the product and the oracle what one person may do at one scope of a world: all of them chosen by the seed. */
export function compare(seed: number): Comparison {
  const random = createRandom(seed);
  const world = randomRbacWorld(random);
  const objectId = random.pick(world.people);
  const scope = random.pick(askedScopes);
  const question = { objectId, scope, needed: universe };
  const answer = evaluate(question, answersOf(world, question, random));
  const missing = new Set(answer.kind === 'denied' ? answer.missing : []);
  const reasons = explain(world, objectId, scope);
  const differences: string[] = [];
  for (const [action, reason] of reasons) {
    if (missing.has(action) === reason.startsWith('allowed')) {
      differences.push(
        `${action} at ${scope} is ${missing.has(action) ? 'denied' : 'allowed'}, truly: ${reason}`,
      );
    }
  }
  if ((answer.kind === 'allowed') !== (missing.size === 0)) differences.push('what is denied lacks nothing');
  return { allowed: universe.length - missing.size, denied: missing.size, differences };
}
