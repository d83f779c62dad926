import type { Person } from '../../../src/core/accessRequest.ts';
import type { Random } from '../random.ts';
import { alice, approvers, greta, otto } from './people.ts';
import type { Known, Promises } from './promises.ts';
import type { Worker, World } from './world.ts';

/** People who decide on what others have asked for, want more time, and look at what was skipped. */
export interface Crowd {
  /** To be called each second. */
  act: () => void;
}

/** Seconds of virtual time after which no grant is to end, so that all is over when a history is. */
const latestEnd = 400;

export function createCrowd(
  random: Random,
  world: World,
  promises: Promises,
  { some, forgive }: { some: () => Worker; forgive: (work: Promise<unknown>) => void },
): Crowd {
  let more = 0;

  /** With the end that they have seen: a call may be under way for so long that something else waits when it is heard. */
  async function decide({ id, shownEnd }: Known, by: Person, decision: 'approve' | 'deny'): Promise<void> {
    const said = promises.people.decides(id, by, decision);
    world.trace.note(`${by.displayName} says ${decision} of ${id.slice(-12)}`);
    said.answer = (await some().decide(id, by, decision, shownEnd)).kind;
  }

  async function review(id: string, by: Person): Promise<void> {
    const said = promises.people.decides(id, by, 'review');
    said.answer = (await some().review(id, by)).kind;
  }

  /** Now and then two at once, or one person twice. */
  function decideOn(known: Known): void {
    const decision = random.oneIn(8) ? 'deny' : 'approve';
    const by = random.oneIn(12) ? otto : random.pick(approvers);
    forgive(decide(known, by, decision));
    if (random.oneIn(4)) forgive(decide(known, random.oneIn(2) ? by : random.pick(approvers), decision));
  }

  function extend({ id, ask, end }: Known): void {
    const seconds = 10 + random.below(50);
    if ((end - world.clock.now().getTime()) / 1000 + world.seconds() + seconds > latestEnd) return;
    more += 1;
    const person = random.oneIn(10) ? otto : (ask.person ?? alice);
    const wanted = { id, person, seconds, ...(random.oneIn(2) ? { idempotencyKey: `more ${more}` } : {}) };
    promises.people.extends(wanted);
    world.trace.note(`${person.displayName} wants ${seconds} s more of ${id.slice(-12)}`);
    forgive(some().extend(wanted));
    // Whoever has no answer asks again, under the same key.
    if (wanted.idempotencyKey !== undefined && random.oneIn(2)) forgive(some().extend(wanted));
  }

  return {
    act() {
      const all = [...promises.known.values()];
      const waiting = all.filter(({ state, isWaiting }) => state === 'pending' || isWaiting === true);
      for (const one of waiting) if (random.oneIn(10)) decideOn(one);
      const running = all.filter(({ state }) => state === 'opening' || state === 'active');
      if (running.length > 0 && random.oneIn(12)) extend(random.pick(running));
      const skipped = all.filter(({ ask }) => ask.breakGlass === true);
      if (skipped.length > 0 && random.oneIn(30)) {
        const { id } = random.pick(skipped);
        forgive(review(id, random.pick([...approvers, greta])));
      }
    },
  };
}
